"""Events made from their own declarations: any, for properties, and the same ones always, for golden files."""

from __future__ import annotations

import types
from collections.abc import Iterator
from itertools import count
from typing import Any, Literal, Union, get_args, get_origin

from hypothesis import strategies as st
from pydantic import BaseModel, JsonValue

from shared.events import Event, Part

_FINITE = st.floats(allow_nan=False, allow_infinity=False)
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | _FINITE | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)
_NS_OF_YEAR_9999 = 253_402_300_799 * 10**9
_PLAIN = {str: st.text(), int: st.integers(), bool: st.booleans(), bytes: st.binary(), float: _FINITE}


def any_event(cls: type[Event]) -> st.SearchStrategy[Event]:
    """Every event of the class that its declaration allows (made between 1970 and 9999)."""
    return _any_model(cls, at=st.integers(0, _NS_OF_YEAR_9999))


def example(cls: type[Event]) -> Event:
    """One event of the class with something in every field; the same every time."""
    made = _example_model(cls, count(1))
    assert isinstance(made, Event)
    return made


def _any_model(cls: type[BaseModel], **given: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    fields = {name: _any(field.annotation) for name, field in cls.model_fields.items()}
    return st.builds(cls, **(fields | given))


def _any(annotation: Any) -> st.SearchStrategy[Any]:
    if annotation is JsonValue:
        return _JSON
    if annotation in _PLAIN:
        return _PLAIN[annotation]
    if isinstance(annotation, type) and issubclass(annotation, Part):
        return _any_model(annotation)
    origin, args = get_origin(annotation), get_args(annotation)
    if origin is Literal:
        return st.sampled_from(args)
    if origin in (Union, types.UnionType):
        return st.one_of(*(st.none() if arg is type(None) else _any(arg) for arg in args))
    if origin is tuple and args[1:] == (...,):
        return st.lists(_any(args[0]), max_size=3).map(tuple)
    if origin is dict:
        return st.dictionaries(_any(args[0]), _any(args[1]), max_size=3)
    raise NotImplementedError(f"no events are made of {annotation} yet: add it here")


def _example_model(cls: type[BaseModel], numbers: Iterator[int]) -> BaseModel:
    return cls(**{name: _example(name, field.annotation, numbers) for name, field in cls.model_fields.items()})


def _example(name: str, annotation: Any, numbers: Iterator[int]) -> Any:
    if annotation is JsonValue:
        return {"list": [None, True, next(numbers), 0.5, "naïve"]}
    if isinstance(annotation, type) and issubclass(annotation, Part):
        return _example_model(annotation, numbers)
    origin, args = get_origin(annotation), get_args(annotation)
    if origin is Literal:
        return args[-1]
    if origin in (Union, types.UnionType):
        return _example(name, next(arg for arg in args if arg is not type(None)), numbers)
    if origin is tuple:
        return (_example(name, args[0], numbers),)
    if origin is dict:
        return {"key": _example(name, args[1], numbers)}
    number = next(numbers)
    return {str: f"{name} {number}", int: number, bool: True, bytes: bytes([number]), float: number + 0.25}[annotation]
