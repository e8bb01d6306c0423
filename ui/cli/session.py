"""What the commands share: the settings from flags, environment and file, the two consoles, and lines of JSON."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from functools import cache, cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from shared.errors import ConfigError

if TYPE_CHECKING:  # `sotto --help` needs none of it
    from rich.console import Console
    from rich.text import Text

    from services.app import Earlier
    from services.settings import Settings
    from shared.config import Loaded

__all__ = ["Session", "console", "errors", "print_json", "styled"]

_LETTERS = 80


@cache
def console() -> Console:
    """Standard output. What is printed is what is read: brackets and colons in it mean nothing."""
    from rich.console import Console

    return Console(highlight=False, markup=False, emoji=False)


@cache
def errors() -> Console:
    """Standard error, likewise."""
    from rich.console import Console

    return Console(stderr=True, highlight=False, markup=False, emoji=False)


def styled(*pieces: str | tuple[str, str]) -> Text:
    """Return a line of pieces, each alone or with its style."""
    from rich.text import Text

    return Text.assemble(*pieces)


def print_json(row: Mapping[str, object]) -> None:
    """Print one object on one line; what JSON does not know is printed as text."""
    sys.stdout.write(json.dumps(row, ensure_ascii=False, default=str) + "\n")
    sys.stdout.flush()


class Session:
    """One run of the command line. Settings are read, and logging is configured, when they are first needed."""

    def __init__(self, flags: Mapping[str, object], config: Path | None, environ: Mapping[str, str]) -> None:
        self._flags = dict(flags)
        self._config = config
        self._environ = environ
        self.resume = ""
        """The conversation to go on with, `last` for the last one."""
        self.name = ""
        """The conversation to hold, whether there was one of that name or not."""

    def given(self, **flags: object) -> None:
        """Take in flags of a subcommand, by dotted key with `__` for the dot; None means that it was not given."""
        self._flags |= {key.replace("__", "."): value for key, value in flags.items() if value is not None}

    @cached_property
    def loaded(self) -> Loaded[Settings]:
        """The settings and their origins. Raises ConfigError."""
        from services.settings import Settings
        from shared.config import find_file, load
        from shared.logs import configure

        loaded = load(Settings, flags=self._flags, environ=self._environ, file=find_file(self._config, self._environ))
        log = loaded.settings.log
        configure(log.level, log.format, file=log.file)
        return loaded

    def is_set_for_it(self, *groups: str) -> bool:
        """Whether anything of these groups of settings was set for this command alone, by a flag or a variable."""
        begins = tuple(f"{group}." for group in groups)
        origins = self.loaded.origins.items()
        return any(key.startswith(begins) and setting.source.startswith(("flag", "SOTTO_")) for key, setting in origins)

    def earlier(self) -> Earlier | None:
        """What the conversation goes on with. Raises ConfigError for names that cannot be."""
        from services.app import Earlier

        if self.resume and self.name:
            raise ConfigError("--resume and --session were both given.", remedy="Give one of them.")
        if self.resume:
            return Earlier(self.resume)
        if self.name and (self.name == "last" or self.name != " ".join(self.name.split()) or len(self.name) > _LETTERS):
            raise ConfigError(
                f"{self.name!r} is no name for a conversation.",
                remedy=f"Give one of up to {_LETTERS} letters on one line, but not `last`.",
            )
        return Earlier(self.name, begin=True) if self.name else None

    @property
    def settings(self) -> Settings:
        """The settings alone. Raises ConfigError."""
        return self.loaded.settings
