"""Arithmetic in spoken and written form, calculated exactly: "20 percent of 80 plus 5", "(3 + 4) * 2", "2 ^ 100".

Nothing is executed: words become operators and a small precedence parser works on exact fractions. Only roots and
fractional powers are rounded, to 30 digits, and say so.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, localcontext
from fractions import Fraction
from functools import cache
from math import isqrt

from services.skills.phrasings import phrased

__all__ = ["DividedByZero", "NotANumber", "NotArithmetic", "TooBig", "Value", "calculate", "spoken"]

_DIGITS = 30
"""Significant digits of what cannot be exact."""
_MAX_BITS = 20_000
"""The largest whole number that is worked out: some 6,000 digits."""


class NotArithmetic(Exception):
    """The text is no expression, or has nothing to calculate."""


class DividedByZero(Exception):
    """A division by zero, or zero to a negative power."""


class NotANumber(Exception):
    """There is no real number for it: a root of a negative number."""


class TooBig(Exception):
    """The number has too many digits."""


@dataclass(frozen=True, slots=True)
class Value:
    """A result. `exact` is False when it had to be rounded."""

    number: Fraction
    exact: bool = True


_EN = {
    "+": "plus|added to|and|add",
    "-": "minus|negative|less|take away|subtract",
    "*": "times|multiplied by|multiply by|x|multiplied with",
    "/": "divided by|divide by|over|by",
    "^": "to the power of|to the power|raised to the power of|raised to|to the",
    "%of": "percent of|per cent of|% of",
    "%": "percent|per cent|%",
    "√": "the square root of|square root of|root of|the root of|the square root|√",
    "∛": "the cube root of|cube root of",
    "²": "squared|²",
    "³": "cubed|³",
    "1/2 of": "half of|1 half of|a half of|half",
    "!": "factorial",
    "m": "mod|modulo",
    "2 of": "double|twice",
    "3 of": "triple",
    "(": "open bracket|open parenthesis",
    ")": "close bracket|close parenthesis",
}
_DE = {
    "+": "plus|und",
    "-": "minus|weniger",
    "*": "mal|multipliziert mit|x",
    "/": "geteilt durch|dividiert durch|durch",
    "^": "hoch",
    "%of": "prozent von|% von",
    "%": "prozent|%",
    "√": "die quadratwurzel aus|quadratwurzel aus|die wurzel aus|wurzel aus|die quadratwurzel von|wurzel von|√",
    "²": "quadrat|zum quadrat|²",
    "1/2 of": "die hälfte von|hälfte von",
    "2 of": "das doppelte von",
}
_FR = {
    "+": "plus|et",
    "-": "moins",
    "*": "fois|multiplié par|x",
    "/": "divisé par|sur",
    "^": "puissance|à la puissance|exposant",
    "%of": "pour cent de|pourcent de|% de",
    "%": "pour cent|pourcent|%",
    "√": "la racine carrée de|racine carrée de|racine de|la racine de|√",
    "²": "au carré|²",
    "³": "au cube|³",
    "1/2 of": "la moitié de|moitié de",
    "2 of": "le double de",
}
_ES = {
    "+": "más|mas|y",
    "-": "menos",
    "*": "por|multiplicado por|veces|x",
    "/": "entre|dividido por|dividido entre|dividido",
    "^": "elevado a la|elevado a|a la potencia de",
    "%of": "por ciento de|% de",
    "%": "por ciento|%",
    "√": "la raíz cuadrada de|raíz cuadrada de|raíz de|la raíz de|√",
    "²": "al cuadrado|²",
    "³": "al cubo|³",
    "1/2 of": "la mitad de|mitad de",
    "2 of": "el doble de",
}
_WORDS: Mapping[str, Mapping[str, str]] = {"en": _EN, "de": _DE, "fr": _FR, "es": _ES}
_PARTS = {"third": 3, "quarter": 4, "fourth": 4, "fifth": 5, "sixth": 6, "seventh": 7, "eighth": 8}
_PARTS |= {"ninth": 9, "tenth": 10}
_PART = rf"(?:(?P<count>\d+|an?) )?(?P<part>{'|'.join(_PARTS)})s? of\b"
_SPOKEN = {
    "en": {"+": "plus", "-": "minus", "*": "times", "/": "divided by", "^": "to the power of"},
    "de": {"+": "plus", "-": "minus", "*": "mal", "/": "geteilt durch", "^": "hoch"},
    "fr": {"+": "plus", "-": "moins", "*": "fois", "/": "divisé par", "^": "puissance"},
    "es": {"+": "más", "-": "menos", "*": "por", "/": "entre", "^": "elevado a"},
}


@cache
def _vocabulary(language: str) -> tuple[re.Pattern[str], Mapping[str, str]]:
    operators = {
        phrase: operator for operator, phrases in _WORDS.get(language, _EN).items() for phrase in phrases.split("|")
    }
    words = "|".join(
        re.escape(phrase) + (r"(?!\w)" if phrase[-1].isalpha() else "")
        for phrase in sorted(operators, key=len, reverse=True)
    )
    part = _PART if language == "en" else "(?!)"
    number = r"(?P<number>\d+(?:\.\d+)?|\.\d+)"
    return re.compile(rf"\s*(?:{part}|{number}|(?P<word>{words})|(?P<sign>\*\*|[-+*/^()%!]))"), operators


def calculate(text: str, language: str = "en") -> Value:
    """Return the value of an expression in plain form.

    Raises NotArithmetic, DividedByZero, NotANumber or TooBig; anything without an operator is no arithmetic.
    """
    tokens = _tokens(phrased(text, language).meant, language)
    if len(tokens) < 2:
        raise NotArithmetic(text)
    parser = _Parser(tokens, text)
    value = parser.sum()
    if not parser.done:
        raise NotArithmetic(text)
    return value


def spoken(text: str, language: str = "en") -> str:
    """The expression with its signs written as words, to be said back."""
    words = _SPOKEN.get(language, _SPOKEN["en"])
    plain = phrased(text, language).said
    return " ".join(
        re.sub(r"\*\*|[-+*/^]", lambda sign: f" {words[sign[0][:1] if sign[0] != '**' else '^']} ", plain).split()
    )


def _tokens(text: str, language: str) -> list[str]:
    pattern, operators = _vocabulary(language)
    found: list[str] = []
    at, end = 0, len(text.rstrip())
    while at < end:
        match = pattern.match(text, at)
        if match is None:
            raise NotArithmetic(text)
        found.append(_token(match, operators))
        at = match.end()
    return found


def _token(match: re.Match[str], operators: Mapping[str, str]) -> str:
    said = match.groupdict()
    if said.get("part"):
        count = said["count"] or ""
        return f"{count if count.isdecimal() else 1}/{_PARTS[said['part']]} of"
    if said["word"]:
        return operators[said["word"]]
    return "^" if said["sign"] == "**" else said["number"] or said["sign"]


class _Parser:
    """Precedence: sums, products (and "percent of"), signs, powers and roots, what follows a number."""

    def __init__(self, tokens: list[str], text: str) -> None:
        self._tokens = tokens
        self._text = text
        self._at = 0

    @property
    def done(self) -> bool:
        return self._at == len(self._tokens)

    def _peek(self) -> str:
        return "" if self.done else self._tokens[self._at]

    def _accept(self, *tokens: str) -> str:
        token = self._peek()
        if token and token in tokens:
            self._at += 1
            return token
        return ""

    def sum(self) -> Value:
        """Terms added and subtracted, a percentage of what stands before it ("200 plus 10 percent")."""
        value = self._product()
        while operator := self._accept("+", "-"):
            right = self._product()
            if self._accept("%"):
                right = _times(value, Value(right.number / 100, right.exact))
            value = _plus(value, right if operator == "+" else _times(right, Value(Fraction(-1))))
        if self._accept("%"):
            return Value(value.number / 100, value.exact)
        return value

    def _product(self) -> Value:
        value = self._signed()
        while operator := self._accept("*", "/", "%of", "m"):
            right = self._signed()
            if operator == "*":
                value = _times(value, right)
            elif operator == "%of":
                value = _times(Value(value.number / 100, value.exact), right)
            elif right.number == 0:
                raise DividedByZero
            elif operator == "/":
                value = Value(value.number / right.number, value.exact and right.exact)
            else:
                value = Value(value.number % right.number, value.exact and right.exact)
        return value

    def _signed(self) -> Value:
        sign = self._accept("-", "+")
        if sign:
            value = self._signed()
            return _times(value, Value(Fraction(-1))) if sign == "-" else value
        if self._peek().endswith(" of"):
            part = Fraction(self._accept(self._peek()).removesuffix(" of"))
            return _times(Value(part), self._signed())
        return self._power()

    def _power(self) -> Value:
        base = self._followed()
        if self._accept("^"):
            return _power(base, self._signed())
        return base

    def _followed(self) -> Value:
        value = self._atom()
        while sign := self._accept("²", "³", "!"):
            value = _factorial(value) if sign == "!" else _power(value, Value(Fraction(2 if sign == "²" else 3)))
        return value

    def _atom(self) -> Value:
        root = self._accept("√", "∛")
        if root:
            return _root(self._signed(), 2 if root == "√" else 3)
        if self._accept("("):
            value = self.sum()
            if not self._accept(")"):
                raise NotArithmetic(self._text)
            return value
        token = self._peek()
        if not token or not (token[0].isdecimal() or token[0] == "."):
            raise NotArithmetic(self._text)
        self._at += 1
        return Value(Fraction(Decimal(token)))


def _plus(left: Value, right: Value) -> Value:
    return Value(left.number + right.number, left.exact and right.exact)


def _times(left: Value, right: Value) -> Value:
    return Value(left.number * right.number, left.exact and right.exact)


def _bits(number: Fraction) -> int:
    return max(number.numerator.bit_length(), number.denominator.bit_length())


def _power(base: Value, exponent: Value) -> Value:
    if base.number == 0 and exponent.number < 0:
        raise DividedByZero
    exact = base.exact and exponent.exact
    if exponent.number.denominator == 1:
        if base.number not in (-1, 0, 1) and _bits(base.number) * abs(exponent.number.numerator) > _MAX_BITS:
            raise TooBig
        return Value(base.number**exponent.number.numerator, exact)
    if base.number < 0:
        raise NotANumber
    if exponent.number == Fraction(1, 2):
        return _root(base, 2)
    if abs(exponent.number) * _bits(base.number) > _MAX_BITS:
        raise TooBig
    with localcontext(prec=_DIGITS + 10):
        return Value(Fraction(_decimal(base.number) ** _decimal(exponent.number)), exact=False)


def _root(value: Value, degree: int) -> Value:
    if value.number < 0 and degree % 2 == 0:
        raise NotANumber
    whole = _exact_root(value.number, degree)
    if whole is not None:
        return Value(whole, value.exact)
    sign = -1 if value.number < 0 else 1
    with localcontext(prec=_DIGITS + 10):
        size = _decimal(abs(value.number))
        root = size.sqrt() if degree == 2 else size ** (Decimal(1) / degree)
    return Value(sign * Fraction(root), exact=False)


def _exact_root(number: Fraction, degree: int) -> Fraction | None:
    sign = -1 if number < 0 else 1
    roots = (_whole_root(abs(number.numerator), degree), _whole_root(number.denominator, degree))
    return None if None in roots else sign * Fraction(roots[0] or 0, roots[1] or 1)


def _whole_root(number: int, degree: int) -> int | None:
    guess = isqrt(number) if degree == 2 else round(number ** (1 / degree)) if number < 2**1000 else 0
    return guess if guess**degree == number else None


def _factorial(value: Value) -> Value:
    from math import factorial

    if value.number.denominator != 1 or value.number < 0:
        raise NotANumber
    if value.number > 1000:
        raise TooBig
    return Value(Fraction(factorial(value.number.numerator)), value.exact)


def _decimal(number: Fraction) -> Decimal:
    return Decimal(number.numerator) / Decimal(number.denominator)
