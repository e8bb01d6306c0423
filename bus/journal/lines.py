"""The lines of a journal: each a JSON object that begins with the checksum of the rest, so that damage is noticed.

There are three. An event is its header as the codec writes it; of a payload only its size is said, `payload_bytes`.
`step` is what dialogue was given, and when. `frames` holds a run of microphone frames that differ by number and time
alone, each with dialogue's step on it: fifty events a second in the room of one.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from bus.journal.errors import UnreadableLine
from shared.errors import SottoError
from shared.events import REGISTRY, AudioCaptured, Event, LlmPrepare, Registry, decode, encode
from shared.pcm import samples_in

__all__ = [
    "Entry",
    "Frames",
    "Step",
    "entries_of",
    "event_line",
    "forgotten_line",
    "header_of",
    "is_event",
    "kept",
    "step_line",
]

_SEAL = len('{"crc":"01234567",')
_DIGITS = 10


@dataclass(frozen=True, slots=True)
class Step:
    """Dialogue took an input: everything that its decisions depend on besides the input itself."""

    session: str
    input: str
    """Id of the event, or of a wake its name."""
    woke: bool
    now: int
    """What its clock said, unix ns."""
    cause: str | None
    """Id of the event that what it publishes names as its cause."""


Entry = Event | Step


def kept(event: Event) -> Event:
    """Return the event as a journal keeps it: what the model is to read ahead only by its last message.

    The past and the tools before it are written already, and would be written again with every few words.
    """
    if not isinstance(event, LlmPrepare):
        return event
    return event.model_copy(update={"messages": event.messages[-1:], "tools": ()})


def header_of(event: Event) -> bytes:
    """Return the event as a journal holds it: its header, and the size of its payload."""
    header, payload = encode(kept(event))
    return header if event.payload is None else header[:-1] + b',"payload_bytes":%d}' % len(payload)


def event_line(event: Event) -> bytes:
    """Return the line of one event. Raises CodecError for text that has no UTF-8 form."""
    return _sealed(header_of(event))


def step_line(step: Step) -> bytes:
    """Return the line of one step."""
    return _sealed(_json({"step": [step.session, step.input, step.woke, step.now, step.cause]}))


def forgotten_line(count: int) -> bytes:
    """Return the line that stands where so many lines were forgotten."""
    return _sealed(_json({"forgotten": count}))


def is_event(line: bytes) -> bool:
    """True for the line of a single event, by a glance."""
    return line.startswith(b'"kind":', _SEAL)


@dataclass(slots=True)
class Frames:
    """A run of microphone frames in the making, of at most `most`."""

    first: AudioCaptured
    most: int = 25
    last: AudioCaptured = field(init=False)
    rows: list[list[int | None]] = field(default_factory=list)
    """For each frame: how much further its id and its time are than the last one's, and its step's time after it."""

    def __post_init__(self) -> None:
        self.last = self.first
        self.rows.append([0, 0, None])

    def takes(self, frame: AudioCaptured) -> bool:
        """Add the frame if it goes on where the run ends; False when it begins another."""
        distance = _distance(self.last.id, frame.id)
        if len(self.rows) >= self.most or distance is None or len(frame.pcm) != len(self.last.pcm):
            return False
        frame = frame.model_copy(update={"pcm": self.last.pcm})
        if frame != _next(self.last, distance, frame.at):
            return False
        self.rows.append([distance, frame.at - self.last.at, None])
        self.last = frame
        return True

    def takes_step(self, step: Step) -> bool:
        """Add the step if it is the one on the last frame."""
        last = self.last
        if self.rows[-1][2] is not None or step != Step(last.session, last.id, False, step.now, last.id):
            return False
        self.rows[-1][2] = step.now - last.at
        return True

    def line(self) -> bytes:
        """Return the line of the run."""
        return _sealed(_json({"frames": json.loads(header_of(self.first)), "rows": self.rows}))


def entries_of(line: bytes, registry: Registry = REGISTRY) -> Iterator[Entry]:
    """Return what a line says, in order; payloads are zeros of their size. Raises UnreadableLine before the first."""
    fields = _unsealed(line)
    if "forgotten" in fields:
        raise UnreadableLine(f"{fields['forgotten']} lines were forgotten, as somebody wished.")
    try:
        if "step" in fields:
            return iter([Step(*fields["step"])])
        if "frames" in fields:
            return iter(list(_unrolled(_event(fields["frames"], registry), fields["rows"])))
        return iter([_event(fields, registry)])
    except SottoError as error:
        raise UnreadableLine(error.message, remedy=error.remedy) from error
    except (KeyError, TypeError, ValueError) as error:
        raise UnreadableLine(f"It is whole, and no entry of a journal: {error!r}.") from error


def _event(fields: dict[str, Any], registry: Registry) -> Event:
    size = fields.pop("payload_bytes", 0)
    return decode(registry, json.dumps(fields), bytes(size))


def _unrolled(first: Event, rows: list[list[Any]]) -> Iterator[Entry]:
    if not isinstance(first, AudioCaptured):
        raise TypeError(f"a run of {first.kind}")
    frame = first
    for index, (further, later, stepped) in enumerate(rows):
        if index:
            frame = _next(frame, further, frame.at + later)
        yield frame
        if stepped is not None:
            yield Step(frame.session, frame.id, False, frame.at + stepped, frame.id)


def _next(frame: AudioCaptured, further: int, at: int) -> AudioCaptured:
    """The frame after `frame`: its id so much further, at `at`, of the same cause (or none) and length."""
    id = f"{frame.id[:-_DIGITS]}{int(frame.id[-_DIGITS:], 16) + further:0{_DIGITS}x}"
    position = frame.first_sample + samples_in(frame.pcm)
    root = id if frame.cause is None else frame.root
    return frame.model_copy(update={"id": id, "at": at, "root": root, "first_sample": position})


def _distance(one: str, other: str) -> int | None:
    """How much further the counter of the second id is; None for ids of two sources."""
    if one[:-_DIGITS] != other[:-_DIGITS] or len(one) != len(other):
        return None
    try:
        return int(other[-_DIGITS:], 16) - int(one[-_DIGITS:], 16)
    except ValueError:
        return None


def _json(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def _sealed(body: bytes) -> bytes:
    return b'{"crc":"%08x",%b\n' % (zlib.crc32(body), body[1:])


def _unsealed(line: bytes) -> dict[str, Any]:
    if not line.endswith(b"\n"):
        raise UnreadableLine("It is torn: the recording ended in the middle of it.")
    body = b"{" + line[_SEAL:-1]
    if line[:_SEAL] != b'{"crc":"%08x",' % zlib.crc32(body):
        raise UnreadableLine("It is damaged: its checksum is another.")
    fields: dict[str, Any] = json.loads(body)
    return fields
