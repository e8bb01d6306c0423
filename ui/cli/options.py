"""Options that several commands share."""

from __future__ import annotations

from typing import Annotated

import typer

__all__ = ["Json"]


def _asked_anywhere(context: typer.Context, value: bool) -> bool:
    """`sotto --json listen` asks for the same as `sotto listen --json`."""
    return value or bool(context.find_root().params.get("json"))


Json = Annotated[
    bool,
    typer.Option("--json", callback=_asked_anywhere, help="Machine-readable lines of JSON."),
]
"""Whether a command prints JSON: said after it or before it."""
