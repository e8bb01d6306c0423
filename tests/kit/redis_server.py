"""A Redis of the tests' own, on a Unix socket in a folder of its own."""

from __future__ import annotations

import contextlib
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import redis

__all__ = ["RedisServer", "SmallDisk", "free_port", "redis_server", "sentinel", "small_disk"]


class RedisServer:
    """May be stopped and started again; it keeps its log on disk, so nothing it said yes to is gone."""

    def __init__(self, folder: Path, *options: str) -> None:
        self.socket = f"{folder}/redis.sock"
        self.url = f"unix://{self.socket}"
        self._folder = folder
        self._options = options
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it and wait until it answers."""
        self._process = subprocess.Popen(
            [
                *(_program(), "--port", "0", "--unixsocket", f"{self._folder}/redis.sock", "--dir", self._folder),
                *("--save", "", "--appendonly", "yes", "--appendfsync", "always", *self._options),
            ],
            stdout=subprocess.DEVNULL,
        )
        with self.client() as client:
            _answered(client)

    def kill(self) -> None:
        """As kill -9 does."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal."""
        assert self._process is not None
        self._process.send_signal(number)

    def client(self) -> redis.Redis:
        """A plain client, to look into it."""
        return redis.Redis.from_url(self.url)


@contextlib.contextmanager
def redis_server(*options: str, folder: Path | None = None) -> Iterator[RedisServer]:
    """A running server, gone afterwards. `options` are redis-server's own; `folder` is where it keeps its log."""
    with tempfile.TemporaryDirectory(prefix="sotto-redis-") as own:
        server = RedisServer(folder or Path(own), *options)
        server.start()
        try:
            yield server
        finally:
            server.kill()


class SmallDisk:
    """A disk that can be filled."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._ballast = folder / "ballast"

    def fill(self) -> None:
        """Leave no room."""
        with contextlib.suppress(OSError), self._ballast.open("wb", buffering=0) as file:
            while True:
                file.write(bytes(4096))

    def free(self) -> None:
        """Make room again."""
        self._ballast.unlink(missing_ok=True)


@contextlib.contextmanager
def small_disk(folder: Path, size: str = "4m") -> Iterator[SmallDisk]:
    """A disk of this size in a new folder, gone afterwards; mounting it takes root."""
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", folder], check=True)
    try:
        yield SmallDisk(folder)
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)


@contextlib.contextmanager
def sentinel(conf: Path, port: int) -> Iterator[None]:
    """A Sentinel with this configuration, gone afterwards."""
    process = subprocess.Popen([_program(), conf, "--sentinel"], stdout=subprocess.DEVNULL)
    try:
        with redis.Redis(port=port) as client:
            _answered(client)
        yield
    finally:
        process.kill()
        process.wait()


def free_port() -> int:
    """A TCP port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def _answered(client: redis.Redis) -> None:
    for _ in range(2000):
        with contextlib.suppress(redis.ConnectionError, redis.BusyLoadingError):
            client.ping()
            return
        time.sleep(0.01)
    raise AssertionError("redis-server did not start")


def _program() -> str:
    program = shutil.which("redis-server") or shutil.which("valkey-server")
    assert program is not None, "install redis-server (scripts/test does)"
    return program
