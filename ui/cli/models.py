"""`sotto models`: what can be had, what is here, and how it comes and goes."""

from __future__ import annotations

import contextlib
import dataclasses
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ui.cli.options import Json
from ui.cli.session import Session, console, print_json, styled

if TYPE_CHECKING:
    from services.models import Entry, Listing, Store

__all__ = ["app", "gigabytes"]

app = typer.Typer(help="List, pull, verify and remove models.", no_args_is_help=True, rich_markup_mode=None)

_STATES = {"installed": "green", "damaged": "red", "by hand": "green", "available": "dim"}


def gigabytes(size: int | None) -> str:
    """A size as a person reads it: `75.5 MB`, `1.8 GB`, `?`."""
    if size is None:
        return "?"
    return f"{size / 1e9:.1f} GB" if size >= 1e9 else f"{size / 1e6:.1f} MB"


@app.command("list")
def list_models(context: typer.Context, json: Json = False) -> None:
    """List the models of the catalogue and those added by hand; * marks the default set of this machine."""
    session: Session = context.obj
    store = _store(session)
    default = {entry.name for entry in _defaults(store, session)}
    if json:
        for listing in store.listed():
            print_json({**_facts(listing), "default": listing.name in default})
        return
    from rich.table import Table

    table = Table("", "model", "for", "size", "state", "licence", box=None, header_style="bold")
    for column in table.columns[:-1]:  # a name is to be copied whole; the licence may take two lines
        column.no_wrap = True
    for listing in store.listed():
        licence = listing.entry.licence if listing.entry else ""
        mark = "*" if listing.name in default else ""
        state = styled((listing.state, _STATES[listing.state]))
        table.add_row(mark, listing.name, listing.role, gigabytes(listing.bytes), state, licence)
    console().print(table)
    from services.models import detect

    console().print(f"\nThis machine: {detect()}. Models are kept in {store.folder}.", style="dim", soft_wrap=True)


@app.command()
def info(context: typer.Context, name: str, json: Json = False) -> None:
    """Show all that is known about a model."""
    store = _store(context.obj)
    listing = store.info(name)
    facts = {**_facts(listing), **_told(store, context.obj, name)}
    if json:
        print_json(facts)
        return
    for key, value in facts.items():
        if value not in ("", None, [], ()):
            console().print(styled((f"{key:12}", "bold"), f" {value}"), soft_wrap=True)


@app.command()
def pull(
    context: typer.Context,
    names: Annotated[list[str] | None, typer.Argument(help="Models; without any, the default set.")] = None,
    source: Annotated[str, typer.Option("--from", help="A mirror's address or a folder, instead of the hub.")] = "",
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    json: Json = False,
) -> None:
    """Download models, verified by SHA-256; an interrupted pull goes on where it stopped."""
    session: Session = context.obj
    store = _store(session)
    present = {listing.name for listing in store.listed() if listing.state == "installed"}
    wanted = names or [entry.name for entry in _defaults(store, session) if entry.name not in present]
    if not wanted:
        console().print("The default set of this machine is here already.")
        return
    sizes = {name: store.plan(name, origin=source) for name in wanted}
    if not json:
        for name, size in sizes.items():
            entry = store.catalogue.get(name)
            console().print(f"  {name:40} {gigabytes(size):>9}  {entry.licence}", soft_wrap=True)
        console().print(f"  {'together':40} {gigabytes(sum(sizes.values())):>9}  into {store.folder}", soft_wrap=True)
        if not yes and sys.stdin.isatty():
            typer.confirm("Pull them?", default=True, abort=True)
    import asyncio

    asyncio.run(_pull_json(store, wanted, source) if json else _pull(store, wanted, source, sizes))


@app.command()
def verify(
    context: typer.Context, names: Annotated[list[str] | None, typer.Argument()] = None, json: Json = False
) -> None:
    """Read every file again and compare it with what was verified when it was pulled; exit status 1 if one differs."""
    store = _store(context.obj)
    wrong = False
    for name in names or [""]:
        for check in store.verify(name):
            wrong = wrong or check.state in ("missing", "wrong")
            if json:
                print_json(dataclasses.asdict(check))
                continue
            colour = {"ok": "green", "unknown": "yellow"}.get(check.state, "red")
            console().print(styled((f"{check.state:8}", colour), f" {check.name}/{check.file}"), soft_wrap=True)
            if check.reason:
                console().print(f"         {check.reason}", soft_wrap=True)
            elif check.state == "wrong":
                console().print(f"         expected {check.expected}\n         found    {check.actual}", soft_wrap=True)
            if check.state in ("missing", "wrong") and not check.reason:
                again = f"sotto models remove {check.name} && sotto models pull {check.name}"
                console().print(styled("         → ", (again, "bold")), soft_wrap=True)
    raise typer.Exit(int(wrong))


@app.command()
def remove(context: typer.Context, names: list[str]) -> None:
    """Delete models from this machine."""
    store = _store(context.obj)
    for name in names:
        console().print(f"Removed {name}: {gigabytes(store.remove(name))} are free again.", soft_wrap=True)


def _store(session: Session) -> Store:
    from services.models import Store

    return Store(session.settings.models)


def _defaults(store: Store, session: Session) -> Sequence[Entry]:
    from services.models import detect

    return store.catalogue.defaults(detect().kind, session.settings.language)


def _told(store: Store, session: Session, name: str) -> dict[str, object]:
    """What an installed GGUF says of itself, and about how much memory it takes in use."""
    from shared.gguf import GgufUnreadable

    try:
        told = store.told(name)
    except GgufUnreadable as error:
        return {"state": "damaged", "reason": error.message}
    if told is None:
        return {}
    context = session.settings.llm.context_tokens
    return {
        "architecture": told.architecture,
        "parameters": told.parameters,
        "quantisation": told.quantisation,
        "context": told.context,
        "layers": told.layers,
        "vocabulary": told.vocabulary,
        "template": f"sha256 {told.template_sha256}" if told.template else "none",
        **({"licence": told.licence} if told.licence else {}),
        "memory": told.memory(context, session.settings.llm.sequences or 1),
    }


def _facts(listing: Listing) -> dict[str, object]:
    entry = listing.entry.model_dump(mode="json", exclude={"name", "role"}) if listing.entry else {}
    size = listing.bytes if listing.bytes is not None else "unknown until the hub is asked"
    return {
        "name": listing.name,
        "role": listing.role,
        "state": listing.state,
        "bytes": size,
        "path": listing.path,
        **entry,
    }


async def _pull(store: Store, names: Sequence[str], source: str, sizes: dict[str, int]) -> None:
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console()) as bars:
        for name in names:
            bar = bars.add_task(name, total=sizes[name])
            async with contextlib.aclosing(store.pull(name, origin=source)) as pulling:
                async for progress in pulling:
                    bars.update(bar, completed=progress.done_bytes, total=progress.total_bytes)
            bars.update(bar, completed=sizes[name])
    console().print("Verified and ready. A running Sotto takes them over between turns.", style="green")


async def _pull_json(store: Store, names: Sequence[str], source: str) -> None:
    for name in names:
        async with contextlib.aclosing(store.pull(name, origin=source)) as pulling:
            async for progress in pulling:
                print_json(dataclasses.asdict(progress))
        place: Path | None = store.info(name).path
        print_json({"name": name, "state": "installed", "path": place})
