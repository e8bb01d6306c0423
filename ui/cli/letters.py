"""`sotto bus`: events that were given up on the bus between processes, and another try for them."""

from __future__ import annotations

from typing import Annotated

import typer

from ui.cli.options import Json
from ui.cli.session import console, print_json

__all__ = ["app"]

app = typer.Typer(help="Events that were given up between processes.", rich_markup_mode=None)

Bus = Annotated[str | None, typer.Option(help="Redis where processes meet, as redis://HOST:6379.")]


@app.command()
def dead(context: typer.Context, bus: Bus = None, json: Json = False) -> None:
    """List the events over which process after process ended, with the reason."""
    import asyncio

    from services.app import dead_letters

    context.obj.given(bus__url=bus)
    for letter in asyncio.run(dead_letters(context.obj.settings)):
        if json:
            print_json(letter.told())
            continue
        kind = letter.event.get("kind", "?")
        console().print(f"{letter.entry}  {letter.at.astimezone():%Y-%m-%d %H:%M:%S}  {kind}  {letter.to}")
        console().print(f"    {letter.reason}", soft_wrap=True)


@app.command()
def retry(
    context: typer.Context,
    entry: Annotated[str, typer.Argument(help="Its number, as `sotto bus dead` prints it.")],
    to: Annotated[str, typer.Option(help="Another process than the one that gave it up.")] = "",
    bus: Bus = None,
) -> None:
    """Send one of them again."""
    import asyncio

    from services.app import retry_letter

    context.obj.given(bus__url=bus)
    letter = asyncio.run(retry_letter(context.obj.settings, entry, to))
    console().print(f"{letter.event.get('kind', 'The event')} was sent to {to or letter.to} again.")
