"""Parcels as the transport writes them down: fields of a stream's entry, in a fixed order."""

from __future__ import annotations

import json
import struct
from collections.abc import Sequence

from bus.transport.parcel import Parcel, Read

__all__ = ["Packing", "parcel_of"]

_size = struct.Struct(">I").pack


class Packing:
    """Packs the parcels of one process for scripts.SEND."""

    def __init__(self, origin: str, life: str) -> None:
        sender = f"{origin} {life}".encode()
        self._begin = {kind: _strings(b"o", sender, kind) for kind in (b"e", b"f", b"r", b"v")}

    def packed(self, parcel: Parcel) -> bytes:
        """One parcel, once for each addressee."""
        kind, head = _kind(parcel)
        fields, count = [self._begin[kind], _size(len(head)), head], 4
        if parcel.payload:
            fields.append(_strings(b"p", parcel.payload))
            count += 2
        if parcel.window:
            fields.append(_strings(b"w", b"%d" % parcel.window))
            count += 2
        body = b"%c%b" % (count, b"".join(fields))
        return b"".join([_strings(to.encode()) + body for to in parcel.to])


def _kind(parcel: Parcel) -> tuple[bytes, bytes]:
    if parcel.fence is not None:
        return b"f", json.dumps(parcel.fence).encode()
    if parcel.read is not None:
        return b"r", json.dumps((parcel.read.request, parcel.read.total)).encode()
    if parcel.revoked:
        return b"v", parcel.revoked.encode()
    return b"e", parcel.header


def parcel_of(entry: bytes, fields: Sequence[bytes] | None, tries: int = 0) -> Parcel | None:
    """None for what was deleted from under us, or is not ours."""
    if not fields or len(fields) < 4 or fields[0] != b"o":
        return None
    _, sender, kind, head = fields[:4]
    origin, _, life = sender.decode().partition(" ")
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


def _strings(*strings: bytes) -> bytes:
    return b"".join([_size(len(string)) + string for string in strings])
