"""Settings: one typed tree, filled from flags, the environment, a file and defaults, in that order of weight.

Unknown keys and unusable values are errors that name the key, where it came from and the nearest known key; of every
value one can ask where it came from, and secrets are shown to nobody.
"""

from __future__ import annotations

import collections.abc
import difflib
import json
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import NoneType
from typing import Any, Generic, TypeVar, get_args, get_origin

from pydantic import BaseModel, SecretBytes, SecretStr, ValidationError

from shared.errors import ConfigError

__all__ = ["Loaded", "Setting", "find_file", "load"]

T = TypeVar("T", bound=BaseModel)

_PREFIX = "SOTTO_"
_NESTED = "__"
_FILE_VARIABLE = "SOTTO_CONFIG"
_FILE_NAME = "sotto.toml"
_SEE = "`sotto config` shows every setting and where it comes from."


@dataclass(frozen=True, slots=True)
class Setting:
    """One value of the tree as it may be shown, and where it came from."""

    value: object
    """A secret is masked."""
    source: str
    """`flag`, the name of an environment variable, a file with the line, or `default`."""


@dataclass(frozen=True, slots=True)
class Loaded(Generic[T]):
    """The validated tree, and the origin of each of its leaves by dotted key, in the order of the tree."""

    settings: T
    origins: Mapping[str, Setting]


@dataclass(frozen=True, slots=True)
class _Given:
    """A value as one source gave it."""

    value: object
    source: str


def find_file(explicit: Path | None, environ: Mapping[str, str], folder: Path | None = None) -> Path | None:
    """Return the settings file to read: `explicit`, `$SOTTO_CONFIG`, `sotto.toml` in `folder` or the user's own.

    `folder` is the working directory unless given. The first two are returned even when they do not exist (reading
    them says so); None means that there is no file, and the defaults hold.
    """
    if explicit is not None:
        return explicit
    if environ.get(_FILE_VARIABLE):
        return Path(environ[_FILE_VARIABLE]).expanduser()
    from platformdirs import user_config_path

    places = ((folder or Path()) / _FILE_NAME, user_config_path("sotto") / _FILE_NAME)
    return next((place for place in places if place.is_file()), None)


def load(tree: type[T], *, flags: Mapping[str, object], environ: Mapping[str, str], file: Path | None) -> Loaded[T]:
    """Return the settings of `tree`, a frozen model of models, with the origin of every leaf.

    `flags` maps dotted keys (`audio.input`) to values; None means that the flag was not given. Environment variables
    are named `SOTTO_AUDIO__INPUT`. In the text of either, lists and tables are JSON, lists of words also `a,b`. `file`
    is TOML.
    Raises ConfigError for an unknown key, an unusable value, or a file that cannot be read.
    """
    leaves = dict(_leaves(tree))
    given: dict[str, _Given] = {}
    for source in (
        _from_file(file, leaves) if file is not None else {},
        _from_environment(environ, leaves),
        _from_flags(flags, leaves),
    ):
        for key, one in source.items():
            if key not in leaves:
                raise _unknown(key, one.source, leaves)
            given[key] = one
    try:
        settings = tree.model_validate(_nested(given))
    except ValidationError as error:
        raise _unusable(error, given, leaves) from None  # the cause would show what was given, secrets too
    return Loaded(settings, {key: Setting(_shown(settings, key), _source(given, key)) for key in leaves})


# ---- the tree


def _leaves(tree: type[BaseModel], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """The dotted key and the annotation of each field that is no section."""
    for name, field in tree.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield from _leaves(field.annotation, f"{prefix}{name}.")
        else:
            yield prefix + name, field.annotation


def _nested(given: Mapping[str, _Given]) -> dict[str, Any]:
    nested: dict[str, Any] = {}
    for key, one in given.items():
        *sections, name = key.split(".")
        place = nested
        for section in sections:
            place = place.setdefault(section, {})
        place[name] = one.value
    return nested


def _shown(settings: BaseModel, key: str) -> object:
    value: object = settings
    for name in key.split("."):
        value = getattr(value, name)
    return str(value) if isinstance(value, SecretStr | SecretBytes) else value


def _source(given: Mapping[str, _Given], key: str) -> str:
    return given[key].source if key in given else "default"


# ---- flags and the environment


def _from_flags(flags: Mapping[str, object], leaves: Mapping[str, Any]) -> dict[str, _Given]:
    return {
        key: _Given(_parsed(value, leaves.get(key, str)) if isinstance(value, str) else value, "flag")
        for key, value in flags.items()
        if value is not None
    }


def _from_environment(environ: Mapping[str, str], leaves: Mapping[str, Any]) -> dict[str, _Given]:
    given = {}
    for variable, text in environ.items():
        if variable.startswith(_PREFIX) and variable != _FILE_VARIABLE:
            key = variable.removeprefix(_PREFIX).lower().replace(_NESTED, ".")
            given[key] = _Given(_parsed(text, leaves.get(key, str)), variable)
    return given


def _parsed(text: str, annotation: Any) -> object:
    """The text itself, except where only a list, a table or nothing can be meant."""
    kinds = set(_kinds(annotation))
    if not text and NoneType in kinds and str not in kinds:
        return None
    if not any(issubclass(kind, _COLLECTIONS) for kind in kinds if kind not in (str, bytes)):
        return text
    try:
        return json.loads(text)
    except ValueError:
        return [part.strip() for part in text.split(",") if part.strip()]


_COLLECTIONS = (collections.abc.Collection, BaseModel)


def _kinds(annotation: Any) -> Iterator[type]:
    """The classes that an annotation allows at its top: those of a union, of `list[int]` the list."""
    origin = get_origin(annotation)
    if isinstance(annotation, type) and origin is None:
        yield annotation
    elif isinstance(origin, type) and issubclass(origin, _COLLECTIONS):
        yield origin
    else:
        for part in get_args(annotation):
            yield from _kinds(part)


# ---- the file


def _from_file(file: Path, leaves: Mapping[str, Any]) -> dict[str, _Given]:
    text = _read(file)
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(
            f"{file} is not valid TOML: {error}.", remedy="Mend that place, or delete the file."
        ) from None
    lines = _lines(text)
    return {
        key: _Given(value, f"{file}:{lines[key]}" if key in lines else str(file))
        for key, value in _flat(tables, leaves, "")
    }


def _read(file: Path) -> str:
    try:
        text = file.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise ConfigError(f"There is no settings file {file}.", remedy="Write it, or name another one.") from None
    except OSError as error:
        raise ConfigError(f"The settings file {file} cannot be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"The settings file {file} is no text in UTF-8 (byte {error.start}).") from error
    if not text.strip():
        raise ConfigError(f"The settings file {file} is empty.", remedy="Write settings into it, or delete it.")
    return text


def _flat(tables: Mapping[str, object], leaves: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, object]]:
    for name, value in tables.items():
        key = prefix + name
        is_section = any(leaf.startswith(f"{key}.") for leaf in leaves)
        if is_section and isinstance(value, Mapping):
            yield from _flat(value, leaves, f"{key}.")
        elif isinstance(value, Mapping) and key not in leaves and value:
            yield from ((f"{key}.{inner}", None) for inner in value)  # an unknown section: its keys are the news
        else:
            yield key, value


def _lines(text: str) -> dict[str, int]:
    """The line of each key, as far as a glance tells: enough to point a person there."""
    lines: dict[str, int] = {}
    section = ""
    for number, line in enumerate(text.splitlines(), 1):
        if table := re.match(r"\s*\[\s*([\w.\s-]+?)\s*\]", line):
            section = re.sub(r"\s*\.\s*", ".", table[1]) + "."
        elif key := re.match(r"\s*([\w.-]+)\s*=", line):
            lines.setdefault(section + key[1], number)
    return lines


# ---- errors


def _unknown(key: str, source: str, leaves: Mapping[str, Any]) -> ConfigError:
    if any(leaf.startswith(f"{key}.") for leaf in leaves):
        return ConfigError(f"`{key}` (from {source}) is a section, not a setting.", remedy=_SEE)
    near = _nearest(key, leaves)
    return ConfigError(
        f"There is no setting `{key}` (from {source}).",
        remedy=f"Did you mean `{near}`? {_SEE}" if near else _SEE,
    )


def _nearest(key: str, leaves: Mapping[str, Any]) -> str | None:
    """The known key most like this one; one that differs in its section alone counts as near."""
    name = key.rpartition(".")[2]
    near = difflib.get_close_matches(key, leaves, 1, 0.6)
    return near[0] if near else next((leaf for leaf in leaves if leaf.rpartition(".")[2] == name), None)


def _unusable(error: ValidationError, given: Mapping[str, _Given], leaves: Mapping[str, Any]) -> ConfigError:
    problems = []
    for problem in error.errors(include_url=False, include_context=False):
        key = _leaf_of(problem["loc"], leaves)
        secret = bool({SecretStr, SecretBytes} & set(_kinds(leaves.get(key, str))))
        gave = f", not {problem['input']!r}" if key in given and not secret else ""
        where = f" (from {_source(given, key)})" if key in given else ""
        message = problem["msg"].removeprefix("Value error, ")
        problems.append(f"{key}: {message}{gave}{where}.")
    return ConfigError("\n".join(problems), remedy=_SEE)


def _leaf_of(loc: Sequence[int | str], leaves: Mapping[str, Any]) -> str:
    for length in range(len(loc), 0, -1):
        key = ".".join(map(str, loc[:length]))
        if key in leaves:
            return key
    return ".".join(map(str, loc)) or "the settings"
