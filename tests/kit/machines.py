"""Machines of their own on one: network namespaces on a bridge (root, Linux), and an unreliable line to a Redis."""

from __future__ import annotations

import contextlib
import ctypes
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from tests.kit.redis_server import RedisServer

__all__ = ["Line", "line", "machine", "moved"]

_ROOT = Path(__file__).resolve().parents[2]
_CLONE_NEWNET = 0x40000000


class Line:
    """The proxy between everybody and Redis, in a process of its own."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        assert process.stdout is not None
        self._process = process
        self.address = process.stdout.readline().strip()

    def does(self, what: str) -> None:
        """`delay SECONDS`, `stall`, `flow` or `cut`."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{what}\n")
        self._process.stdin.flush()


@contextlib.contextmanager
def line(server: RedisServer, host: str = "127.0.0.1", within: Sequence[str] = ()) -> Iterator[Line]:
    """A proxy that delays by 20 ms."""
    command = [*within, sys.executable, "-m", "tests.kit.proxy", server.socket, host, "0"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=_ROOT) as process:
        try:
            found = Line(process)
            found.does("delay 0.02")
            yield found
        finally:
            process.kill()


@contextlib.contextmanager
def machine(number: int) -> Iterator[list[str]]:
    """A network namespace on a bridge with the others, at 10.98.76.NUMBER; yields what runs a command in it."""
    name, bridge = _name(number), "sotto-bridge"

    def ip(*words: str, check: bool = True) -> None:
        subprocess.run(["ip", *words], check=check, capture_output=True)

    ip("link", "add", bridge, "type", "bridge", check=False)  # the first machine makes it
    ip("link", "set", bridge, "up")
    ip("netns", "add", name)
    try:
        ip("link", "add", f"sotto-v{number}", "type", "veth", "peer", "name", "eth0", "netns", name)
        ip("link", "set", f"sotto-v{number}", "master", bridge, "up")
        ip("-n", name, "addr", "add", f"10.98.76.{number}/24", "dev", "eth0")
        ip("-n", name, "link", "set", "eth0", "up")
        ip("-n", name, "link", "set", "lo", "up")
        yield ["ip", "netns", "exec", name]
    finally:
        ip("link", "del", f"sotto-v{number}", check=False)  # with its machine it would go some time later
        ip("netns", "del", name, check=False)
        ip("link", "del", bridge, check=False)


@contextlib.contextmanager
def moved(number: int) -> Iterator[None]:
    """This thread opens its connections from that machine."""
    own, there = (os.open(place, os.O_RDONLY) for place in ("/proc/thread-self/ns/net", f"/run/netns/{_name(number)}"))
    try:
        _enter(there)
        yield
    finally:
        _enter(own)
        os.close(own)
        os.close(there)


def _enter(network: int) -> None:
    if ctypes.CDLL(None, use_errno=True).setns(network, _CLONE_NEWNET):
        raise OSError(ctypes.get_errno(), "the machine cannot be entered")


def _name(number: int) -> str:
    return f"sotto-m{number}"
