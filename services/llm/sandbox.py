"""The sandbox that chat templates run in: they come with models, which anybody may have made.

Jinja's own sandbox keeps them from Python's internals and from changing what they are given. This one also ends what
goes on for ever: every turn of a loop and every call counts, and no text may be multiplied beyond all measure.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence, Sized
from typing import Any

from jinja2 import TemplateError, nodes
from jinja2.ext import Extension, loopcontrols
from jinja2.runtime import Context
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.visitor import NodeTransformer

__all__ = ["Endless", "Sandbox"]

_STEPS = 100_000
"""Turns of loops and calls of one rendering: a conversation of a thousand messages takes some ten thousand."""

_LONGEST = 1 << 22
"""Characters or items that an operation may make."""

_LARGEST_POWER = 64

_COUNTED, _BOUNDED = "counted", "bounded"


class Endless(TemplateError):
    """The template would go on for longer than any conversation takes."""


class Sandbox(ImmutableSandboxedEnvironment):
    """Blocks trimmed, as the authors of chat templates expect. `begin` is said before each rendering."""

    intercepted_binops = frozenset({"*", "**", "+"})

    def __init__(self, extensions: Sequence[type[Extension]]) -> None:
        super().__init__(trim_blocks=True, lstrip_blocks=True, autoescape=False, extensions=[loopcontrols, *extensions])
        self._left = _STEPS
        for name in ("lipsum", "cycler"):
            self.globals.pop(name)
        for name in ("center", "indent"):  # they make texts as long as a number says
            self.filters[name] = _with_small_numbers(self.filters[name])
        del self.filters["wordwrap"]
        self.filters[_COUNTED], self.filters[_BOUNDED] = self._counted, _bounded

    def begin(self) -> None:
        """A rendering begins, and may take all steps."""
        self._left = _STEPS

    def call(self, context: Context, obj: Any, *given: Any, **named: Any) -> Any:
        """Call what the template calls."""
        self._count()
        return super().call(context, obj, *given, **named)

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        """Compute, unless the outcome would be endless."""
        if operator == "*":
            size = max(_times(left, right), _times(right, left))
        elif operator == "**":
            size = _LONGEST + 1 if abs(right) > _LARGEST_POWER else 0
        else:
            size = _size(left) + _size(right)
        if size > _LONGEST:
            raise Endless("it makes a text without end")
        return super().call_binop(context, operator, left, right)

    def _generate(self, source: nodes.Template, *given: Any, **named: Any) -> str:
        return super()._generate(_Counting().visit(source), *given, **named)

    def _counted(self, items: Iterable[Any]) -> Iterator[Any]:
        for item in items:
            self._count()
            yield item

    def _count(self) -> None:
        self._left -= 1
        if self._left < 0:
            raise Endless("it goes on for ever")


class _Counting(NodeTransformer):
    """Has every turn of a loop counted, and every joined text looked at."""

    def visit_For(self, node: nodes.For) -> nodes.For:  # noqa: N802 (Jinja's)
        self.generic_visit(node)
        node.iter = nodes.Filter(node.iter, _COUNTED, [], [], None, None, lineno=node.lineno)
        return node

    def visit_Concat(self, node: nodes.Concat) -> nodes.Filter:  # noqa: N802 (Jinja's)
        self.generic_visit(node)
        return nodes.Filter(node, _BOUNDED, [], [], None, None, lineno=node.lineno)


def _bounded(text: str) -> str:
    if len(text) > _LONGEST:
        raise Endless("it makes a text without end")
    return text


def _with_small_numbers(inner: Callable[..., str]) -> Callable[..., str]:
    def bounded(*given: Any, **named: Any) -> str:
        return inner(*map(_small, given), **{name: _small(value) for name, value in named.items()})

    return bounded


def _small(value: Any) -> Any:
    if isinstance(value, int) and value > _LONGEST:
        raise Endless("it makes a text without end")
    return value


def _times(value: object, count: object) -> int:
    return _size(value) * count if isinstance(count, int) else 0


def _size(value: object) -> int:
    return len(value) if isinstance(value, Sized) else 0
