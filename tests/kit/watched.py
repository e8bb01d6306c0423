"""`sotto` under watch: every address that Python code connects to, sends to or looks up is written down.

Run as `python -m tests.kit.watched FILE ARGUMENTS…`; FILE gets one line of JSON per attempt, loopback and Unix
sockets included.
"""

from __future__ import annotations

import json
import os
import runpy
import sys

_WATCHED = ("socket.connect", "socket.sendto", "socket.sendmsg", "socket.getaddrinfo", "socket.gethostbyname")


def main() -> None:
    """Install the watch and become `sotto`."""
    file = os.open(sys.argv[1], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    del sys.argv[1]

    def watch(event: str, arguments: tuple[object, ...]) -> None:
        if event in _WATCHED:
            address = arguments[0] if event in ("socket.getaddrinfo", "socket.gethostbyname") else arguments[1]
            os.write(file, f"{json.dumps([event, str(address)])}\n".encode())

    sys.addaudithook(watch)
    runpy.run_module("ui.cli", run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
