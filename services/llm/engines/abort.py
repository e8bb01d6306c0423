"""A flag that ends a native step: raised from any thread, read by llama.cpp without the interpreter."""

from __future__ import annotations

import ctypes
from typing import Any

__all__ = ["AbortFlag"]


class AbortFlag:
    """One per generation, so that raising it late can never end the next one.

    llama.cpp asks its abort callback before every node of the graph. A Python callback would wait for the interpreter
    each time; libc's `strlen` has a compatible shape (a pointer in, non-zero out for "abort") and reads a text that is
    empty until the flag is raised.
    """

    def __init__(self) -> None:
        self._text = ctypes.create_string_buffer(2)

    def raise_(self) -> None:
        """End the step under way and refuse further ones."""
        self._text[0] = b"\1"

    @property
    def raised(self) -> bool:
        return self._text[0] != b"\0"

    @property
    def address(self) -> int:
        """What the callback is to be given; valid as long as this object lives."""
        return ctypes.addressof(self._text)

    @staticmethod
    def callback(kind: type[Any]) -> Any:
        """The callback as a C function pointer of type `kind`, a `bool (*)(void *)`."""
        return ctypes.cast(ctypes.CDLL(None).strlen, kind)
