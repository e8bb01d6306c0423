"""`sotto cache`: the strict answers that are remembered, and how to carry, list and forget them."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from shared.errors import ConfigError
from ui.cli.options import Json
from ui.cli.session import console

if TYPE_CHECKING:
    from services.llm.answers import AnswerStore

__all__ = ["app"]

app = typer.Typer(
    name="cache",
    help="Answers of the strict mode that are remembered: the same request is not computed twice.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@app.command()
def path(context: typer.Context) -> None:
    """Print where they are kept."""
    sys.stdout.write(f"{context.obj.settings.llm.cache_file}\n")


@app.command()
def stats(context: typer.Context, json: Json = False) -> None:
    """Print how many there are, and how often they were told again."""
    from ui.cli.session import print_json

    with _store(context) as store:
        lines = store.lines()
    row = {
        "answers": len(lines),
        "bytes": sum(line.bytes for line in lines),
        "told_again": sum(line.hits - 1 for line in lines),
        "path": str(store.path),
    }
    if json:
        print_json(row)
        return
    for name, value in row.items():
        console().print(f"{name.replace('_', ' '):>10}  {value}", soft_wrap=True)


@app.command("list")
def listed(context: typer.Context, json: Json = False) -> None:
    """List them, the most used first."""
    from ui.cli.session import print_json

    with _store(context) as store:
        for line in store.lines():
            made = datetime.fromtimestamp(line.made).astimezone()
            if json:
                print_json({"key": line.key, "text": line.text, "bytes": line.bytes, "hits": line.hits, "made": made})
                continue
            text = " ".join(line.text.split())
            console().print(f"{line.key[:12]}  {made:%Y-%m-%d %H:%M}  {line.hits:>4}x  {text[:60]}")


@app.command()
def clear(context: typer.Context) -> None:
    """Forget them all."""
    with _store(context) as store:
        console().print(f"{store.clear()} answers are forgotten.")


@app.command("export")
def exported(
    context: typer.Context, output: Annotated[Path, typer.Option("--output", "-o", help="File of JSON lines.")]
) -> None:
    """Write them to a file, whole or not at all."""
    part = output.with_name(f"{output.name}.part")
    with _store(context) as store:
        try:
            with part.open("w", encoding="utf-8") as file:
                count = sum(1 for line in store.dump() if file.write(f"{line}\n"))
            part.replace(output)
        except OSError as error:
            part.unlink(missing_ok=True)
            raise ConfigError(f"{output} cannot be written: {error.strerror}.", remedy="Name another file.") from error
    console().print(f"{count} answers are in {output}.", soft_wrap=True)


@app.command("import")
def imported(context: typer.Context, file: Annotated[Path, typer.Argument(help="What `export` wrote.")]) -> None:
    """Take in what was exported elsewhere, all of it or nothing."""
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{file} cannot be read: {error}.", remedy="Name a file that `export` wrote.") from error
    with _store(context) as store:
        console().print(f"{store.load(lines)} answers are taken in.")


@contextmanager
def _store(context: typer.Context) -> Iterator[AnswerStore]:
    from services.llm.answers import AnswerStore

    llm = context.obj.settings.llm
    store = AnswerStore(llm.cache_file, limit=llm.cache_mb << 20, keep_s=llm.cache_days * 86400)
    try:
        yield store
    finally:
        store.close()
