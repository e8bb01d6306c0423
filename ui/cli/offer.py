"""The offer of a first start: the default set of models for this machine, sizes shown, pulled while one talks."""

from __future__ import annotations

import socket
import sys
from collections.abc import Sequence
from urllib.parse import urlsplit

import typer

from services.app import Settings, shelf
from services.models import detect, hub_address
from ui.cli.models import gigabytes
from ui.cli.session import console

__all__ = ["offered"]

_HUB_SECONDS = 1.0


def offered(settings: Settings) -> Sequence[str]:
    """Return the models that the person wants pulled now.

    Asks once in the life of the models' folder, and only at a terminal, with no model present and the hub in reach.
    """
    store = shelf(settings)
    asked = store.folder / ".offered"
    if not (sys.stdin.isatty() and sys.stdout.isatty()) or asked.exists():
        return ()
    here = any(listing.path is not None for listing in store.listed())
    if here or not _reachable(hub_address(settings.models.endpoint)):
        return ()
    machine = detect()
    entries = store.catalogue.defaults(machine.kind, settings.language)
    console().print(f"This machine ({machine}) can do better with these models:", soft_wrap=True)
    for entry in entries:
        size = gigabytes(entry.bytes)
        console().print(f"  {entry.name:32} {size:>9}  {entry.licence:12} {entry.summary}", soft_wrap=True)
    wanted = typer.confirm("Pull them now, while we talk?", default=True)
    store.folder.mkdir(parents=True, exist_ok=True)
    asked.touch()
    if not wanted:
        console().print("Not now. `sotto models pull` gets them at any time.")
    return [entry.name for entry in entries] if wanted else ()


def _reachable(endpoint: str) -> bool:
    parts = urlsplit(endpoint)
    try:
        with socket.create_connection((parts.hostname or "", parts.port or 443), _HUB_SECONDS):
            return True
    except OSError:
        return False
