"""Parcels as the transport writes them down: fields of a stream's entry, in a fixed order."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import lru_cache

from bus.transport.parcel import Parcel, Read

__all__ = ["parcel_of", "strings_of"]


def strings_of(parcel: Parcel) -> list[bytes]:
    """What an entry says after who sent it."""
    if parcel.fence is not None:
        return [b"f", json.dumps(parcel.fence).encode()]
    if parcel.read is not None:
        return [b"r", json.dumps((parcel.read.request, parcel.read.total)).encode()]
    if parcel.revoked:
        return [b"v", parcel.revoked.encode()]
    strings = [b"e", parcel.header]
    if parcel.payload:
        strings += (b"p", parcel.payload)
    if parcel.window:
        strings += (b"w", b"%d" % parcel.window)
    return strings


def parcel_of(entry: bytes, fields: Sequence[bytes], tries: int = 0) -> Parcel | None:
    """None for what is not ours."""
    if len(fields) < 4 or fields[0] != b"o":
        return None
    origin, life = _sender(fields[1])
    kind, head = fields[2], fields[3]
    if kind == b"e" and len(fields) == 4:
        return Parcel(head, origin=origin, life=life, entry=entry, tries=tries)
    more = dict(zip(fields[4::2], fields[5::2], strict=False))
    match kind:
        case b"e":
            return Parcel(
                head,
                more.get(b"p", b""),
                origin=origin,
                life=life,
                window=int(more.get(b"w", 0)),
                again=b"a" in more,
                entry=entry,
                tries=tries,
            )
        case b"f":
            session, turn = json.loads(head)
            return Parcel(origin=origin, fence=(session, turn), entry=entry)
        case b"r":
            request, total = json.loads(head)
            return Parcel(origin=origin, read=Read(request, total), entry=entry)
        case b"v":
            return Parcel(origin=origin, revoked=head.decode(), entry=entry)
    return None


@lru_cache(maxsize=256)
def _sender(sender: bytes) -> tuple[str, str]:
    """The process, and which life of it."""
    origin, _, life = sender.decode().partition(" ")
    return origin, life
