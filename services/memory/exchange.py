"""Export and import: everything that is remembered as JSON lines, one item, exchange or summary a line."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from typing import Annotated, Literal

from pydantic import Discriminator, TypeAdapter, ValidationError
from pydantic_core import to_json

from services.memory.conversations import Conversations, Exchange
from services.memory.errors import ImportRefused
from services.memory.item import Item
from services.memory.store import Store

__all__ = ["Came", "exported", "imported"]


@dataclass(frozen=True, slots=True)
class _Said:
    """An exchange of a conversation."""

    conversation: str
    session: str
    turn: int
    at: int
    asked: str
    heard: str
    reason: str
    rests_on: tuple[str, ...]
    in_summary: bool
    """The conversation's summary stands for it."""
    what: Literal["exchange"] = "exchange"


@dataclass(frozen=True, slots=True)
class _Sum:
    """What stands for the oldest exchanges of a conversation."""

    conversation: str
    text: str
    what: Literal["summary"] = "summary"


_Line = Item | _Said | _Sum
_LINE: TypeAdapter[_Line] = TypeAdapter(Annotated[_Line, Discriminator("what")])


@dataclass(frozen=True, slots=True)
class Came:
    """How much of an import was not there yet."""

    memories: int
    exchanges: int


@dataclass(slots=True)
class _Conversation:
    """What the lines hold of one."""

    old: list[Exchange] = field(default_factory=list)
    new: list[Exchange] = field(default_factory=list)
    summary: str = ""


def exported(store: Store) -> Iterator[str]:
    """Yield a line for each fact and turn, superseded ones too, the oldest first, and for all that was said and heard.

    Documents are their files.
    """
    for item in store.everything(what=("fact", "turn")):
        yield to_json(asdict(item)).decode()
    for conversation in store.conversations.listed():
        for line in _lines(store.conversations, conversation.name):
            yield to_json(asdict(line)).decode()


def imported(store: Store, lines: Iterable[str]) -> Came:
    """Keep what an export holds; what is there already is left as it is.

    Every line is read before the first is kept: raises ImportRefused naming the line, and nothing is taken.
    """
    read = [_read(number, line) for number, line in enumerate(lines, 1) if line.strip()]
    memories = store.restore([line for line in read if isinstance(line, Item)])
    conversations = _conversations(read)
    return Came(
        memories,
        sum(store.conversations.restore(name, one.old, one.new, one.summary) for name, one in conversations.items()),
    )


def _lines(conversations: Conversations, name: str) -> Iterator[_Said | _Sum]:
    old, new, summary = conversations.whole(name)
    for exchanges, in_summary in ((old, True), (new, False)):
        for exchange in exchanges:
            fields = {key: value for key, value in asdict(exchange).items() if key != "number"}
            yield _Said(conversation=name, in_summary=in_summary, **fields)
    if summary:
        yield _Sum(name, summary)


def _read(number: int, line: str) -> _Line:
    try:
        found = _LINE.validate_json(line, strict=True)
    except (ValidationError, ValueError) as error:
        first = str(error).splitlines()
        raise ImportRefused(
            f"Line {number} is no exported memory: {' '.join(first[:3])}.",
            remedy="Import what `sotto memory export` wrote.",
        ) from error
    if isinstance(found, Item) and found.what == "document":
        raise ImportRefused(f"Line {number} is a passage of a file.", remedy="Add the file: sotto memory add FILE.")
    return found


def _conversations(read: Sequence[_Line]) -> dict[str, _Conversation]:
    found: dict[str, _Conversation] = {}
    for line in read:
        match line:
            case _Said():
                here = found.setdefault(line.conversation, _Conversation())
                (here.old if line.in_summary else here.new).append(_exchange(line))
            case _Sum():
                found.setdefault(line.conversation, _Conversation()).summary = line.text
            case _:
                continue
    return found


def _exchange(line: _Said) -> Exchange:
    return Exchange(0, line.session, line.turn, line.at, line.asked, line.heard, line.reason, line.rests_on)
