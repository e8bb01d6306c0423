"""`sotto memory`: what is remembered, and how it comes and goes."""

from __future__ import annotations

import contextlib
import dataclasses
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from shared.errors import ConfigError
from ui.cli.options import Json
from ui.cli.session import Session, console, errors, print_json, styled

if TYPE_CHECKING:
    from services.memory.store import Store
    from shared.events import Event, MemoryErased, Remembered

__all__ = ["app", "opened"]

app = typer.Typer(
    help="List, search, add, forget, export and import what is remembered.", no_args_is_help=True, rich_markup_mode=None
)

_ANSWER_S = 120.0
_LETTERS = 100


@app.command("list")
def list_memories(
    context: typer.Context,
    what: Annotated[str, typer.Argument(help="facts, turns, documents, conversations or all.")] = "facts",
    json: Json = False,
) -> None:
    """List what is remembered, the newest last."""
    kinds = {"facts": ("fact",), "turns": ("turn",), "documents": ("document",), "all": ()}
    if what not in kinds and what != "conversations":
        raise ConfigError(
            f"There is no kind of memories called {what}.",
            remedy="Say facts, turns, documents, conversations or all.",
        )
    with opened(context.obj) as store:
        if what == "documents":
            _print_documents(store, as_json=json)
            return
        if what == "conversations":
            _print_conversations(store, as_json=json)
            return
        items = [item for item in store.everything(what=kinds[what]) if item.state == "live"]
    _print([item.told() for item in items], as_json=json)


@app.command()
def search(
    context: typer.Context,
    text: Annotated[list[str], typer.Argument(help="What to look for.")],
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, help="How many at most.")] = 10,
    json: Json = False,
) -> None:
    """Find by meaning and by words, the best first."""
    from services.memory.errors import MemoryDamaged
    from shared.events import MemoryQuery, MemoryResult

    query = {"text": " ".join(text), "purpose": "search", "limit": limit}
    found = _asked(context.obj, MemoryQuery, query)
    assert isinstance(found, MemoryResult)
    if found.problem:
        raise MemoryDamaged(found.problem)
    _print(found.items, as_json=json)


@app.command()
def add(
    context: typer.Context,
    files: Annotated[list[Path], typer.Argument(help="Text, Markdown, HTML or PDF.")],
    json: Json = False,
) -> None:
    """Keep the passages of files, in the place of those that were kept of them; exit status 1 if one cannot be read."""
    from services.memory.documents import add as add_document
    from services.memory.errors import UnreadableDocument

    failed = False
    with opened(context.obj) as store:
        for path in files:
            try:
                new = add_document(store, path)
            except UnreadableDocument as error:
                failed = True
                errors().print(str(error), style="red", soft_wrap=True)
                continue
            if json:
                print_json({"file": str(path), "new": max(new, 0), "changed": new >= 0})
            else:
                console().print(f"{path}: {'unchanged' if new < 0 else f'{new} new passages'}", soft_wrap=True)
    raise typer.Exit(int(failed))


@app.command()
def forget(
    context: typer.Context,
    names: Annotated[list[str] | None, typer.Argument(help="Ids of `sotto memory list`, or files.")] = None,
    about: Annotated[str, typer.Option(help="Every fact and turn that has all these words.")] = "",
    last: Annotated[float, typer.Option(help="Everything of the last so many minutes.")] = 0,
    everything: Annotated[bool, typer.Option("--all", help="Everything.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    json: Json = False,
) -> None:
    """Delete for good, from memory and from everything else that holds it, and print the receipt."""
    from shared.events import MemoryErase, MemoryErased

    wishes = list(_wishes(names or [], about, last, everything))
    if not wishes:
        raise ConfigError("Nothing is named.", remedy="Name ids or files, or use --about, --last or --all.")
    if everything and not yes:
        typer.confirm("Forget everything that you ever told Sotto?", abort=True)
    complete = True
    for wish in wishes:
        receipt = _asked(context.obj, MemoryErase, wish)
        assert isinstance(receipt, MemoryErased)
        complete = _print_receipt(receipt, as_json=json) and complete
    raise typer.Exit(int(not complete))


@app.command()
def export(
    context: typer.Context,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="File to write; standard output.")] = None,
) -> None:
    """Write every fact and turn, and all conversations, as JSON lines: a file that only you can read."""
    from services.memory.exchange import exported

    with opened(context.obj) as store:
        lines = (f"{line}\n" for line in exported(store))
        if output is None:
            sys.stdout.writelines(lines)
            return
        _write(output, lines)


def _write(output: Path, lines: Iterable[str]) -> None:
    """Write a file that is its owner's alone, in the place of an earlier one once it is whole. Raises CannotWrite."""
    import os
    from tempfile import NamedTemporaryFile

    from ui.cli.wav import CannotWrite

    part: Path | None = None
    try:
        with NamedTemporaryFile("w", encoding="utf-8", dir=output.parent, prefix=".export-", delete=False) as file:
            part = Path(file.name)
            file.writelines(lines)
            file.flush()
            os.fsync(file.fileno())
        part.replace(output)
    except OSError as error:
        raise CannotWrite(
            f"{output} cannot be written: {error.strerror}.", remedy="Choose another place, or make room."
        ) from error
    finally:
        if part is not None:
            part.unlink(missing_ok=True)


@app.command("import")
def import_(
    context: typer.Context, file: Annotated[Path, typer.Argument(help="What `sotto memory export` wrote; - reads it.")]
) -> None:
    """Take back an export; what is there already stays as it is."""
    from services.memory.exchange import imported

    try:
        text = sys.stdin.read() if str(file) == "-" else file.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{file} cannot be read: {error}.", remedy="Name an exported file.") from error
    with opened(context.obj) as store:
        came = imported(store, text.split("\n"))
        console().print(f"{came.memories} memories and {came.exchanges} turns of conversations came.")


@app.command()
def stats(context: typer.Context, json: Json = False) -> None:
    """Show how much is remembered, and where."""
    session: Session = context.obj
    with opened(session) as store:
        facts = dataclasses.asdict(store.stats(time.time_ns()))
        facts["conversations"] = len(store.conversations.listed())
    facts["folder"] = str(session.settings.memory.root)
    facts["enabled"] = session.settings.memory.enabled
    if json:
        print_json(facts)
        return
    facts["oldest"] = _day(facts["oldest"]) if facts["oldest"] else ""
    facts["to index"] = facts.pop("outbox")
    for key, value in facts.items():
        console().print(styled((f"{key:13}", "bold"), f" {value}"), soft_wrap=True)


@contextlib.contextmanager
def opened(session: Session) -> Iterator[Store]:
    """The store of memories, without a conversation."""
    from services.memory.store import Store

    store = Store(session.settings.memory.root / "memory.sqlite3")
    try:
        yield store
    finally:
        store.close()


def _asked(session: Session, kind: type[Event], fields: dict[str, Any]) -> Event:
    """Ask the Sotto that runs, else the memory service, without a conversation.

    What was set for this command alone about what is kept has it asked here.
    """
    import asyncio

    return asyncio.run(_answer(session, kind, fields))


async def _answer(session: Session, kind: type[Event], fields: dict[str, Any]) -> Event:
    from services.app import Keeper

    here = session.is_set_for_it("memory", "embedding", "journal", "llm")
    answer = None if here else await _answer_of_running(kind, fields)
    if answer is not None:
        return answer
    async with Keeper(session.settings) as keeper:
        return await keeper.bus.request(keeper.event(kind, **fields), _ANSWER_S)


async def _answer_of_running(kind: type[Event], fields: dict[str, Any]) -> Event | None:
    """None where no Sotto runs, or one that has no memory."""
    from services.local.client import Refused, connected
    from shared.clock import SystemClock
    from shared.events import Stamp
    from shared.ids import id_source, process_prefix

    prefix = process_prefix()
    stamp = Stamp("terminal", SystemClock(), id_source(prefix), f"terminal-{prefix}")
    async with connected() as running:
        try:
            return [event async for event in running.stream(stamp(kind, **fields))][-1] if running else None
        except Refused as error:
            if error.type != "NoMailbox":
                raise
    return None


def _wishes(names: Sequence[str], about: str, last: float, everything: bool) -> Iterator[dict[str, Any]]:
    files = [name for name in names if Path(name).suffix]
    ids = tuple(name for name in names if name not in files)
    if ids:
        yield {"what": "items", "items": ids}
    for name in files:
        yield {"what": "documents", "text": str(Path(name).expanduser().resolve())}
    if about:
        yield {"what": "about", "text": about}
    if last > 0:
        yield {"what": "since", "since": time.time_ns() - int(last * 60e9)}
    if everything:
        yield {"what": "all"}


def _print(items: Sequence[Remembered], *, as_json: bool) -> None:
    if as_json:
        for item in items:
            print_json(item.model_dump())
        return
    if not items:
        console().print("Nothing is remembered of that.")
        return
    from rich.table import Table

    table = Table("id", "when", "what", "text", box=None, header_style="bold")
    for column in table.columns[:3]:
        column.no_wrap = True
    for item in items:
        text = " ".join(item.text.split())
        place = f" ({Path(item.source).name}, {item.place})" if item.what == "document" else ""
        short = text if len(text) <= _LETTERS else f"{text[:_LETTERS]} …"
        table.add_row(item.id, _day(item.at), item.what, short + place)
    console().print(table)


def _print_documents(store: Store, *, as_json: bool) -> None:
    for document in store.documents():
        if as_json:
            print_json(dataclasses.asdict(document))
        else:
            console().print(f"{document.path}: {document.passages} passages", soft_wrap=True)


def _print_conversations(store: Store, *, as_json: bool) -> None:
    found = store.conversations.listed()
    if as_json:
        for one in found:
            print_json(dataclasses.asdict(one))
        return
    if not found:
        console().print("No conversation is kept.")
        return
    from rich.table import Table

    table = Table("name", "turns", "sessions", "last", "in sum", box=None, header_style="bold")
    for one in found:
        short = one.summary if len(one.summary) <= _LETTERS else f"{one.summary[:_LETTERS]} …"
        table.add_row(one.name, str(one.turns), str(len(one.sessions)), _day(one.last), " ".join(short.split()))
    console().print(table)
    console().print("\nGo on with one: sotto --resume NAME", style="dim")


def _print_receipt(receipt: MemoryErased, *, as_json: bool) -> bool:
    """Print what was removed from where; returns whether nothing is left."""
    nothing = not any(line.count or not line.ok for line in receipt.removed)
    if as_json:
        print_json({"texts": receipt.texts, "removed": [line.model_dump() for line in receipt.removed]})
    elif nothing:
        console().print("There was nothing to forget.")
    for line in () if as_json or nothing else receipt.removed:
        mark = ("removed", "green") if line.ok else ("left", "red")
        console().print(styled(mark, f" {line.store}: {line.count} {line.detail}".rstrip()), soft_wrap=True)
    return all(line.ok for line in receipt.removed)


def _day(at: int) -> str:
    return datetime.fromtimestamp(at / 1e9).astimezone().strftime("%Y-%m-%d %H:%M")
