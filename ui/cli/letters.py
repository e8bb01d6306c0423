"""`sotto bus`: events that were given up on the bus between processes, and another try for them."""

from __future__ import annotations

import asyncio
import json as json_
from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from ui.cli.options import Json
from ui.cli.session import console, print_json

__all__ = ["app"]

app = typer.Typer(help="Events that were given up between processes.", rich_markup_mode=None)

Bus = Annotated[str | None, typer.Option(help="Redis where processes meet, as redis://HOST:6379.")]


@app.command()
def dead(context: typer.Context, bus: Bus = None, json: Json = False) -> None:
    """List the events over which process after process ended, with the reason."""
    from services.app import dead_letters

    context.obj.given(bus__url=bus)
    for letter in asyncio.run(dead_letters(context.obj.settings)):
        event = _fields(letter.header)
        at = datetime.fromtimestamp(int(letter.entry.partition("-")[0]) / 1000, UTC)
        if json:
            print_json(
                {"entry": letter.entry, "at": at.isoformat(), "to": letter.to, "reason": letter.reason, "event": event}
            )
            continue
        console.print(f"{letter.entry}  {at.astimezone():%Y-%m-%d %H:%M:%S}  {event.get('kind', '?')}  {letter.to}")
        console.print(f"    {letter.reason}", soft_wrap=True, markup=False)


@app.command()
def retry(
    context: typer.Context,
    entry: Annotated[str, typer.Argument(help="Its number, as `sotto bus dead` prints it.")],
    to: Annotated[str, typer.Option(help="Another process than the one that gave it up.")] = "",
    bus: Bus = None,
) -> None:
    """Send one of them again."""
    from services.app import retry_letter

    context.obj.given(bus__url=bus)
    letter = asyncio.run(retry_letter(context.obj.settings, entry, to))
    console.print(f"{_fields(letter.header).get('kind', 'The event')} was sent to {to or letter.to} again.")


def _fields(header: bytes) -> dict[str, Any]:
    """What can be read of it."""
    try:
        found = json_.loads(header)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
