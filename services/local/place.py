"""Where a running Sotto is found: a folder of one person only, with a socket, and a lock that says who holds it.

The lock is held as long as its process lives, however that ends; so a socket whose lock is free is a dead one. Where
there are no Unix sockets (Windows) it is a port of the loopback instead, and the file in the socket's place says which,
and a token that nobody else can read.
"""

from __future__ import annotations

import functools
import json
import os
import secrets
import socket
import stat
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from services.local.lock import locked
from shared.errors import SottoError

__all__ = ["Card", "NoPlace", "Place", "Port"]

What = Literal["conversation", "daemon"]

_PLAIN = getattr(os, "O_NOFOLLOW", 0)
_LONGEST = 4096
"""Bytes of a card or a port."""


class NoPlace(SottoError):
    """The folder of the socket cannot be used."""


@dataclass(frozen=True, slots=True)
class Card:
    """Who holds the place."""

    pid: int
    what: What


@dataclass(frozen=True, slots=True)
class Port:
    """A port of the loopback, and what whoever comes must say first."""

    number: int
    token: str


class Place:
    """The folder for what runs (`folder`, by default the system's for this person), with a socket, or with a port
    (`loopback`). All but making one looks at the disk.
    """

    def __init__(self, folder: Path | None = None, *, loopback: bool = sys.platform == "win32") -> None:
        self._folder = folder
        self._loopback = loopback
        self._held: int | None = None
        self.token = ""
        """What visitors must say first, while this process has the place; empty where none is needed."""

    @functools.cached_property
    def folder(self) -> Path:
        """Where it is."""
        return self._folder or _default_folder()

    @property
    def address(self) -> Path:
        """Where a running Sotto listens, or the file that says at which port."""
        return self.folder / ("sotto.port" if self._loopback else "sotto.sock")

    @property
    def _lock(self) -> Path:
        return self.folder / "sotto.lock"

    def take(self, card: Card) -> socket.socket | None:
        """Return a listening socket in the place of a dead one, or None while another process lives there.

        Raises NoPlace.
        """
        try:
            self._prepare()
            held = os.open(self._lock, os.O_RDWR | os.O_CREAT | _PLAIN, 0o600)
            if not locked(held):
                os.close(held)
                return None
            self._held = held
            os.ftruncate(held, 0)
            listener = self._listen_at_port() if self._loopback else self._listen()
            os.write(held, json.dumps(asdict(card)).encode())
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
        self.token = ""
        os.ftruncate(self._held, 0)
        os.close(self._held)
        self._held = None

    def holder(self) -> Card | None:
        """Return who is there now, None when nobody is."""
        try:
            descriptor = os.open(self._lock, os.O_RDONLY | _PLAIN)
        except OSError:
            return None
        try:
            if locked(descriptor, shared=True):
                return None
            said = os.read(descriptor, _LONGEST)
            return Card(**json.loads(said)) if said else None
        finally:
            os.close(descriptor)

    def door(self) -> Path | Port | None:
        """Where to knock: the path of a socket, or a port; None when there cannot be anybody of this person."""
        if not self.is_ours():
            return None
        if not self._loopback:
            return self.address
        if self.holder() is None:  # the port may be somebody else's by now
            return None
        try:
            return Port(**json.loads(self.address.read_bytes()[:_LONGEST]))
        except (OSError, ValueError, TypeError):
            return None

    def is_ours(self) -> bool:
        """True when the folder is there and belongs to this person: what answers in another may be anybody."""
        try:
            found = self.folder.lstat()
        except OSError:
            return False
        return stat.S_ISDIR(found.st_mode) and found.st_uid == _person()

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

    def _listen_at_port(self) -> socket.socket:
        listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        try:
            listener.setblocking(False)
            self.token = secrets.token_urlsafe(32)
            part = self.address.with_suffix(".part")
            part.unlink(missing_ok=True)
            with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _PLAIN, 0o600), "w") as file:
                json.dump(asdict(Port(listener.getsockname()[1], self.token)), file)
            part.replace(self.address)
        except OSError:
            listener.close()
            raise
        return listener


def _person() -> int:
    """Windows knows no such number: there a file's is 0, and the folder lies where others cannot write."""
    return 0 if sys.platform == "win32" else os.getuid()


def _default_folder() -> Path:
    """The system's folder for what runs, else one of the person's own: never one that anybody may write into."""
    if sys.platform != "win32":
        system = Path(os.environ.get("XDG_RUNTIME_DIR") or f"/run/user/{os.getuid()}")
        if system.is_dir():
            return system / "sotto"
    from platformdirs import user_cache_path

    return user_cache_path("sotto") / "run"
