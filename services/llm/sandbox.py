"""The sandbox that chat templates run in: they come with models, which anybody may have made.

Jinja's own sandbox keeps them from Python's internals and from changing what they are given. This one also ends what
goes on for ever: turns of loops, calls and filters are paid for from one purse, longer texts more dearly, and what
would be larger than any conversation is refused before it is made.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterable, Iterator, MappingView, Sequence, Sized
from typing import Any

from jinja2 import TemplateError, nodes
from jinja2.ext import Extension, loopcontrols
from jinja2.runtime import Context, LoopContext
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.utils import Namespace
from jinja2.visitor import NodeTransformer

__all__ = ["Endless", "Sandbox"]

_STEPS = 100_000
"""Turns of loops, calls and filters of one rendering: a conversation of a thousand messages takes some ten thousand."""

_STEP = 1 << 14
"""Characters that cost a step more, whether they are read or made."""

_LONGEST = 1 << 24
"""Characters of a value, all that it holds together: no context has room for as many."""

_ITEM = 256
"""Characters that an item counts for."""

_PIECE = 16
"""Characters that a piece of what is printed counts for besides its own."""

_LARGEST_BITS = 4096
"""Of a number."""

_WIDEST = 10_000
"""Characters that a field of a format may be padded to."""

_WIDER = re.compile(r"\d{5}|%[-+ #.\d]*\*|:[^{}]*\{[^{}]*\}[^{}]*\}")
"""In a format: a field wider than that, or as wide as another value says."""

_UNSAFE_GLOBALS = ("lipsum", "cycler")
_UNSAFE_FILTERS = ("batch", "center", "round", "slice", "urlize", "wordwrap")
_UNSAFE_METHODS = frozenset(
    {"center", "encode", "expandtabs", "format_map", "ljust", "rjust", "to_bytes", "translate", "zfill"}
)
"""They make texts, lists or numbers as long as a number or another text says; no family's template needs them."""

_JINJAS = ("_loop_vars", "_block_vars")
"""What Jinja gives to calls besides, where they are in a loop or a block."""

_WEIGHED, _COUNTED, _PRINTED, _READ = "weighed", "counted", "printed", "read"


class Endless(TemplateError):
    """The template would go on for longer than any conversation takes."""


class Sandbox(ImmutableSandboxedEnvironment):
    """Blocks trimmed, as the authors of chat templates expect. `begin` is said before each rendering."""

    intercepted_binops = frozenset({"*", "**", "+", "%"})

    def __init__(self, extensions: Sequence[type[Extension]]) -> None:
        super().__init__(trim_blocks=True, lstrip_blocks=True, autoescape=False, extensions=[loopcontrols, *extensions])
        self._left = _STEPS
        for name in _UNSAFE_GLOBALS:
            del self.globals[name]
        for name in _UNSAFE_FILTERS:
            del self.filters[name]
        self.globals["namespace"] = _Namespace
        self.filters = {name: self._paid_for(name, filter) for name, filter in self.filters.items()}
        self.filters |= {_WEIGHED: self._weighed, _COUNTED: self._counted, _PRINTED: _printed, _READ: self._read}

    def begin(self) -> None:
        """A rendering begins, and may take all steps."""
        self._left = _STEPS

    def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:
        """True for what a template may reach."""
        return attr not in _UNSAFE_METHODS and super().is_safe_attribute(obj, attr, value)

    def call(self, context: Context, obj: Any, *given: Any, **named: Any) -> Any:
        """Call what the template calls."""
        if isinstance(obj, LoopContext):  # a recursive loop
            given = tuple(map(self._counted, given))
        method = getattr(obj, "__wrapped__", obj)  # Jinja wraps `format`
        if isinstance(text := getattr(method, "__self__", None), str) and method.__name__ in _CHECKS:
            given = tuple(map(_at_hand, given))
            values = (*given, text) if method.__name__ == "join" else (text, *given)
            _CHECKS[method.__name__](*values, **{name: named[name] for name in named if name not in _JINJAS})
        self._read(text)
        return self._weighed(super().call(context, obj, *given, **named))

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        """Compute, unless the outcome would be endless."""
        if operator == "*":
            _refuse_number(_bits(left) + _bits(right))
            if not isinstance(left, int) or not isinstance(right, int):
                _refuse(max(_times(left, right), _times(right, left)))
        elif operator == "**":
            _refuse_number(_bits(left) * abs(right))
        elif operator == "%" and isinstance(left, str):
            _check_format(left, right)
        return self._weighed(super().call_binop(context, operator, left, right))

    def concat(self, pieces: Iterable[str]) -> str:
        """Join what is printed, unless it is endless."""
        printed: list[str] = []
        size = 0
        for piece in pieces:
            size += len(piece) + _PIECE
            _refuse(size)
            printed.append(piece)
        self._pay(1 + size // _STEP)
        return "".join(printed)

    def _generate(self, source: nodes.Template, *given: Any, **named: Any) -> str:
        return super()._generate(_Metering().visit(source), *given, **named)

    def _paid_for(self, name: str, filter: Callable[..., Any]) -> Callable[..., Any]:
        check = _CHECKS.get(name)
        first = 1 if hasattr(filter, "jinja_pass_arg") else 0  # what Jinja gives besides

        @functools.wraps(filter)
        def paid(*given: Any, **named: Any) -> Any:
            if check is not None:
                given = tuple(map(_at_hand, given))
                check(*given[first:], **named)
            for value in given[first:]:
                self._read(value)
            return self._weighed(filter(*given, **named))

        return paid

    def _counted(self, items: Iterable[Any]) -> Iterator[Any]:
        for item in items:
            self._pay(1)
            yield item

    def _read(self, value: Any) -> Any:
        """The value, which is gone through from one end to the other."""
        self._pay(_length(value) // _STEP)
        return value

    def _weighed(self, value: Any) -> Any:
        """The value, unless it is endless; items that are still to come are weighed when they do."""
        if isinstance(value, Iterator):
            return self._metered(value)
        self._pay(1 + _size(value) // _STEP)
        return value

    def _metered(self, items: Iterable[Any]) -> Iterator[Any]:
        size = 0
        for item in items:
            size += _size(item)
            _refuse(size)
            yield item
        self._pay(1 + size // _STEP)

    def _pay(self, steps: int) -> None:
        self._left -= steps
        if self._left < 0:
            raise Endless("it goes on for ever")


class _Namespace(Namespace):
    """One may hold another, twice: it is never printed."""

    def __repr__(self) -> str:
        return "<Namespace>"


class _Metering(NodeTransformer):
    """Has every turn of a loop counted, what is made of several values weighed, and what is compared or cut read."""

    def visit_For(self, node: nodes.For) -> nodes.For:  # noqa: N802 (Jinja's)
        self.generic_visit(node)
        node.iter = _filtered(node.iter, _COUNTED)
        return node

    def visit_Compare(self, node: nodes.Compare) -> nodes.Compare:  # noqa: N802 (Jinja's)
        self.generic_visit(node)
        node.expr = _filtered(node.expr, _READ)
        for operand in node.ops:
            operand.expr = _filtered(operand.expr, _READ)
        return node

    def visit_Getitem(self, node: nodes.Getitem) -> nodes.Expr:  # noqa: N802 (Jinja's)
        self.generic_visit(node)
        return _filtered(node, _READ) if isinstance(node.arg, nodes.Slice) else node

    def visit_List(self, node: nodes.List) -> nodes.Filter:  # noqa: N802 (Jinja's)
        self.generic_visit(node)
        return _filtered(node, _WEIGHED)

    def visit_Dict(self, node: nodes.Dict) -> nodes.Filter:  # noqa: N802 (Jinja's)
        self.generic_visit(node)
        return _filtered(node, _WEIGHED)

    def visit_Tuple(self, node: nodes.Tuple) -> nodes.Expr:  # noqa: N802 (Jinja's)
        self.generic_visit(node)
        return _filtered(node, _WEIGHED) if node.ctx == "load" else node

    def visit_Concat(self, node: nodes.Concat) -> nodes.Filter:  # noqa: N802 (Jinja's)
        self.generic_visit(node)
        return _filtered(_filtered(nodes.List(node.nodes, lineno=node.lineno), _WEIGHED), _PRINTED)


def _filtered(node: Any, name: str) -> nodes.Filter:
    return nodes.Filter(node, name, [], [], None, None, lineno=node.lineno)


def _printed(values: Iterable[Any]) -> str:
    return "".join(map(str, values))


def _at_hand(value: Any) -> Any:
    return list(value) if isinstance(value, Iterator) else value


def _check_replace(text: object, old: object, new: object, count: object = None) -> None:
    _refuse(str(text).count(str(old)) * len(str(new)))


def _check_join(value: object, d: object = "", attribute: object = None) -> None:
    _refuse(_length(value) * len(str(d)))


def _check_indent(s: object, width: object = 4, first: object = False, blank: object = False) -> None:
    _refuse((str(s).count("\n") + 1) * (width if isinstance(width, int) else _length(width)))


def _check_format(form: object, *given: object, **named: object) -> None:
    form = str(form)
    if _WIDER.search(form):
        raise Endless("it makes a text without end")
    _refuse((form.count("%") + form.count("{")) * (_WIDEST + _size((given, named))))


_CHECKS: dict[str, Callable[..., None]] = {
    "format": _check_format, "indent": _check_indent, "join": _check_join, "replace": _check_replace,
}  # fmt: skip
"""By filter, with its arguments: whether what it makes of them is endless."""


def _refuse(size: int) -> None:
    if size > _LONGEST:
        raise Endless("it makes a text without end")


def _refuse_number(bits: float) -> None:
    if bits > _LARGEST_BITS:
        raise Endless("it makes a number without end")


def _size(value: object) -> int:
    """Characters that a value holds together; what it holds twice counts twice, as it does when it is printed."""
    size = 0
    within: list[Any] = [value]
    while within:
        each = within.pop()
        if isinstance(each, str):
            size += len(each)
        elif isinstance(each, dict):
            within += (*each, *each.values())
        elif isinstance(each, list | tuple | MappingView):
            within.extend(each)  # type: ignore[arg-type]  # every view can be gone through
        size += _ITEM
        _refuse(size)
        _refuse_number(_bits(each))
    return size


def _times(value: object, count: object) -> int:
    if not isinstance(count, int):
        return 0
    return (len(value) if isinstance(value, str) else _size(value)) * count


def _length(value: object) -> int:
    return len(value) if isinstance(value, Sized) else 0


def _bits(value: object) -> int:
    return value.bit_length() if isinstance(value, int) else 0
