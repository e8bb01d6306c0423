"""The place where processes meet: a Redis at a URL, opened, examined, and what is wrong with it in words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from bus.transport.errors import BusUnfit, BusUnreachable

if TYPE_CHECKING:
    from redis.asyncio import Redis

__all__ = ["BLOCK_MS", "close_place", "examine", "failures", "open_place", "refusal", "shown", "text", "waits"]

BLOCK_MS = 1000
"""How long one read waits for something to come."""
_OLDEST = (6, 2)


def shown(url: str) -> str:
    """The URL without user, password and options, which may hold a password too."""
    scheme, separator, rest = url.partition("://")
    place, options = rest.partition("?")[::2]
    if "@" in options:  # a password that is not escaped: where it ends nobody can tell
        return f"{scheme}{separator}…"
    return f"{scheme}{separator}{place.rpartition('@')[2]}"


def open_place(url: str) -> Redis:
    """Return a client; nothing is connected yet. Raises BusUnreachable for what is no URL of a Redis.

    Beside the schemes of redis-py (redis, rediss, unix), sentinel://HOST:26379,HOST:26379/NAME is the master that
    those sentinels name.
    """
    try:
        from redis.asyncio import Redis
    except ImportError as error:
        raise BusUnreachable("The package redis is not installed.", remedy="Type `scripts/setup server`.") from error
    # Its driver's name and version, which it would look up on disk at every connection, are not told.
    timeouts: dict[str, Any] = {"socket_connect_timeout": 2.0, "socket_timeout": BLOCK_MS / 1000 + 2}
    try:
        if url.startswith("sentinel://"):
            return _master(url, timeouts)
        return Redis.from_url(url, protocol=2, driver_info=None, **timeouts)
    except ValueError as error:
        told = str(error).rstrip(".")
        quotes = "@" in url and ("Port" in told or "netloc" in told)  # of what may be a piece of the password
        reason = "its password or its port cannot be read" if quotes else told
        raise BusUnreachable(
            f"{shown(url)} is no URL of a Redis: {reason}.",
            remedy="Write redis://HOST:6379, rediss://, unix:///PATH or sentinel://HOST:26379/NAME; in a password "
            "/, ?, # and @ are %2F, %3F, %23 and %40.",
        ) from None


def _master(url: str, timeouts: dict[str, Any]) -> Redis:
    from redis.asyncio.sentinel import Sentinel

    parts = urlsplit(url)
    hosts = parts.netloc.rpartition("@")[2]
    name = parts.path.strip("/")
    if not name or not hosts:
        raise ValueError("the master's name is missing")
    own: dict[str, Any] = {}
    if parts.password:
        own = {"username": unquote(parts.username or "default"), "password": unquote(parts.password)}
    sentinels = [(host, int(port or 26379)) for host, _, port in (place.partition(":") for place in hosts.split(","))]
    sentinel: Any = Sentinel(sentinels, sentinel_kwargs={**timeouts, "driver_info": None})  # type: ignore[no-untyped-call]
    master: Redis = sentinel.master_for(name, protocol=2, driver_info=None, **own, **timeouts)
    return master


async def close_place(redis: Redis) -> None:
    """Leave the connections, those to sentinels too."""
    sentinels: Any = getattr(redis.connection_pool, "sentinel_manager", None)
    for sentinel in sentinels.sentinels if sentinels is not None else ():
        await sentinel.aclose()
    await redis.aclose()


async def examine(redis: Redis, place: str, key: str) -> None:
    """Raise BusUnfit when this Redis would lose events, or when `key` is another program's."""
    about = await redis.info("server")
    version = tuple(int(part) for part in str(about["redis_version"]).split(".")[:2])
    if version < _OLDEST:
        raise BusUnfit(f"Redis {about['redis_version']} at {place} is too old.", remedy="The bus needs 6.2 or newer.")
    if about.get("redis_mode") == "cluster":
        raise BusUnfit(
            f"{place} is a Redis cluster.", remedy="The bus needs a single Redis (or its Sentinel's master)."
        )
    memory = await redis.info("memory")
    policy = str(memory.get("maxmemory_policy", "noeviction"))
    if int(memory.get("maxmemory", 0)) and policy != "noeviction":
        raise BusUnfit(
            f"Redis at {place} throws keys away when it is full (maxmemory-policy {policy}).",
            remedy="Events would be lost: type CONFIG SET maxmemory-policy noeviction there.",
        )
    if text(await redis.type(key)) not in ("none", "stream"):
        raise BusUnfit(f"The key {key} at {place} belongs to another program.", remedy="Choose another bus.prefix.")


def refusal(error: Exception, place: str) -> BusUnreachable:
    """Say why Redis does not let us in."""
    from redis import exceptions

    if isinstance(error, exceptions.NoPermissionError):
        return BusUnreachable(
            f"Redis at {place} forbids what the bus needs: {error}.",
            remedy="Give its user the stream, hash, scripting and connection commands on the bus's keys (ACL SETUSER).",
        )
    if "password" in str(error) or "Authentication" in str(error):
        return BusUnreachable(
            f"Redis at {place} refuses the user or password: {error}", remedy="Mend them in the bus's URL."
        )
    if "CERTIFICATE" in str(error).upper() or "SSL" in str(error):
        return BusUnreachable(
            f"Redis at {place} and this process do not agree on TLS: {error}",
            remedy="Name the certificate of its authority in the URL: rediss://HOST:6379?ssl_ca_certs=/PATH.",
        )
    if isinstance(error, exceptions.InvalidResponse):
        return BusUnreachable(
            f"What answers at {place} is no Redis.", remedy="Mend the host and port in the bus's URL."
        )
    if isinstance(error, exceptions.ReadOnlyError):
        return BusUnreachable(
            f"Redis at {place} is a replica and takes no events.",
            remedy="Name the master, or let sentinels name it: sentinel://HOST:26379/NAME.",
        )
    return BusUnreachable(f"Redis at {place} cannot be reached: {error}", remedy="Start it, or mend the bus's URL.")


def failures() -> tuple[type[Exception], ...]:
    """What the client raises when Redis is away, or refuses."""
    from redis.exceptions import RedisError

    return RedisError, OSError


def waits(error: Exception) -> bool:
    """True for what passes by itself or by a person's doing: away, loading, full, or a replica for the moment."""
    from redis import exceptions

    passing = (
        exceptions.BusyLoadingError,
        exceptions.OutOfMemoryError,
        exceptions.ReadOnlyError,
        exceptions.MasterDownError,
    )
    if isinstance(error, passing):
        return True
    return not isinstance(error, exceptions.ResponseError) or "MISCONF" in str(error)


def text(value: bytes | str) -> str:
    """Redis's answer as text."""
    return value.decode(errors="replace") if isinstance(value, bytes) else value
