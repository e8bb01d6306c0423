"""English that names the operation before the numbers, as it is calculated and as it is said back."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

__all__ = ["Phrased", "phrased"]


@dataclass(frozen=True, slots=True)
class Phrased:
    """An expression: what is calculated, what is said of it, and what the result is counted in."""

    meant: str
    said: str
    unit: str = ""
    """As " percent of 80"."""


_SIGNED = r"(?:minus |-)?[\d.]+"
_N = rf"({_SIGNED})"
_SOME = rf"({_SIGNED}(?:(?: and)? {_SIGNED})+)"
_MONEY = r"(?:a )?[$€£]?([\d.]+)(?: ?[$€£]| (?:dollar|euro|pound)s?)?(?: bill| check| meal)?"
_PERCENT = r"(?:percent|per cent|percentage)"


def _share(part: str, whole: str) -> Phrased:
    return Phrased(f"{part} divided by {whole} times 100", part, f" percent of {whole}")


def _average(numbers: str) -> Phrased:
    each = _each(numbers)
    return Phrased(f"({' plus '.join(each)}) divided by {len(each)}", f"the average of {_listed(each)}")


def _tip(percent: str, amount: str) -> Phrased:
    return Phrased(f"{percent} percent of {amount}", f"a {percent} percent tip on {amount}")


def _joined(operator: str) -> Callable[..., Phrased]:
    """The numbers of a list, or of two places, with the operator between them."""
    return lambda *numbers: _plain(f" {operator} ".join(_each(" ".join(numbers))))


def _plain(text: str) -> Phrased:
    return Phrased(text, text)


def _each(numbers: str) -> list[str]:
    return re.findall(_N, numbers)


def _listed(each: list[str]) -> str:
    return f"{', '.join(each[:-1])} and {each[-1]}"


_PHRASINGS: tuple[tuple[str, Callable[..., Phrased]], ...] = (
    (rf"(?:the )?sum of {_SOME}", _joined("plus")),
    (rf"(?:the )?product of {_SOME}", _joined("times")),
    (rf"(?:the )?difference (?:between|of) {_N} and {_N}", _joined("minus")),
    (rf"add {_SOME}", _joined("plus")),
    (rf"add {_N} to {_N}", lambda one, other: _plain(f"{other} plus {one}")),
    (rf"subtract {_N} from {_N}", lambda one, other: _plain(f"{other} minus {one}")),
    (rf"multiply {_N} (?:by|with) {_N}", _joined("times")),
    (rf"divide {_N} by {_N}", _joined("divided by")),
    (rf"{_N} {_PERCENT} off {_N}", lambda percent, amount: _plain(f"{amount} minus {percent} percent")),
    (rf"{_N} (?:increased|raised) by {_N} {_PERCENT}", lambda one, more: _plain(f"{one} plus {more} percent")),
    (rf"{_N} (?:decreased|reduced) by {_N} {_PERCENT}", lambda one, less: _plain(f"{one} minus {less} percent")),
    (rf"(?:the )?(?:average|mean) of {_SOME}", _average),
    (rf"what {_PERCENT} of {_N} (?:is|are) {_N}", lambda whole, part: _share(part, whole)),
    (rf"what {_PERCENT} (?:is|are) {_N} (?:out )?of {_N}", _share),
    (rf"{_N} (?:is|are) what {_PERCENT} of {_N}", _share),
    (rf"{_N} as an? {_PERCENT} of {_N}", _share),
    (rf"{_N} (?:out )?of {_N} (?:as an?|in) {_PERCENT}", _share),
    (rf"(?:an? )?{_N} {_PERCENT} tip (?:on|for|of) {_MONEY}", _tip),
    (
        rf"(?:the |an? )?tip (?:on|for|of) {_MONEY} (?:at|with) {_N} {_PERCENT}",
        lambda amount, percent: _tip(percent, amount),
    ),
)


def phrased(text: str, language: str) -> Phrased:
    """Return an expression as it is meant; what names no operation first is meant as it stands."""
    plain = text.strip(" =").replace(", ", " ")
    for pattern, put in _PHRASINGS if language == "en" else ():
        if match := re.fullmatch(pattern, plain):
            return put(*match.groups())
    return _plain(plain)
