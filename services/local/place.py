"""Where a running Sotto is found: a folder of one person only, with a socket, and a lock that says who holds it.

The lock is held as long as its process lives, however that ends; so a socket whose lock is free is a dead one.
"""

from __future__ import annotations

import fcntl
import functools
import json
import os
import socket
import stat
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from shared.errors import SottoError

__all__ = ["Card", "NoPlace", "Place"]

What = Literal["conversation", "daemon"]


class NoPlace(SottoError):
    """The folder of the socket cannot be used."""


@dataclass(frozen=True, slots=True)
class Card:
    """Who holds the place."""

    pid: int
    what: What


class Place:
    """The folder for what runs (`folder`, by default the system's for this person). All but making one looks at the
    disk.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder
        self._held: int | None = None

    @functools.cached_property
    def folder(self) -> Path:
        """Where it is."""
        return self._folder or _default_folder()

    @property
    def address(self) -> Path:
        """Where a running Sotto listens."""
        return self.folder / "sotto.sock"

    @property
    def _lock(self) -> Path:
        return self.folder / "sotto.lock"

    def take(self, card: Card) -> socket.socket | None:
        """Return a listening socket in the place of a dead one, or None while another process lives there.

        Raises NoPlace.
        """
        try:
            self._prepare()
            held = os.open(self._lock, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
            try:
                fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                os.close(held)
                return None
            self._held = held
            os.ftruncate(held, 0)
            listener = self._listen()
            os.pwrite(held, json.dumps(asdict(card)).encode(), 0)
            return listener
        except OSError as error:
            self.leave()
            raise NoPlace(
                f"Other programs cannot reach this Sotto: {self.folder}: {error.strerror or error}.",
                remedy="Mend the folder, or set XDG_RUNTIME_DIR to a short path of your own.",
            ) from error

    def leave(self) -> None:
        """Remove the socket and give the lock back, if this process has it."""
        if self._held is None:
            return
        self.address.unlink(missing_ok=True)
        os.ftruncate(self._held, 0)
        os.close(self._held)
        self._held = None

    def holder(self) -> Card | None:
        """Return who is there now, None when nobody is."""
        try:
            descriptor = os.open(self._lock, os.O_RDONLY | os.O_NOFOLLOW)
        except OSError:
            return None
        try:
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            said = os.read(descriptor, 4096)
            return Card(**json.loads(said)) if said else None
        else:
            return None
        finally:
            os.close(descriptor)

    def is_ours(self) -> bool:
        """True when the folder is there and belongs to this person: what answers in another may be anybody."""
        try:
            found = self.folder.lstat()
        except OSError:
            return False
        return stat.S_ISDIR(found.st_mode) and found.st_uid == os.getuid()

    def _prepare(self) -> None:
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not self.is_ours():
            raise PermissionError(1, "it belongs to somebody else")
        self.folder.chmod(0o700)

    def _listen(self) -> socket.socket:
        self.address.unlink(missing_ok=True)
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            listener.bind(str(self.address))
            self.address.chmod(0o600)  # before it listens: until then nobody can connect
            listener.listen(128)
            listener.setblocking(False)
        except OSError:
            listener.close()
            raise
        return listener


def _default_folder() -> Path:
    """The system's folder for what runs, else one of the person's own: never one that anybody may write into."""
    system = Path(os.environ.get("XDG_RUNTIME_DIR") or f"/run/user/{os.getuid()}")
    if system.is_dir():
        return system / "sotto"
    from platformdirs import user_cache_path

    return user_cache_path("sotto") / "run"
