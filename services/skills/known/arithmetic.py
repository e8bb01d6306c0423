"""Sums: calculated exactly, rounded only in speech."""

from __future__ import annotations

from decimal import Decimal, localcontext
from fractions import Fraction

from pydantic import Field

from services.skills.expression import DividedByZero, NotANumber, NotArithmetic, TooBig, Value, calculate, spoken
from services.skills.labels import upper_first
from services.skills.phrasings import phrased
from services.skills.skill import Answer, Arguments, Asked, Skill

__all__ = ["Calculate"]

_PLACES = 6
"""Decimal places that are said."""
_SCIENTIFIC_FROM = Fraction(10**15)
_TOO_LONG_TO_SAY = 10**6
"""Exponents of ten beyond this are refused."""


class CalculateArguments(Arguments):
    """What to calculate."""

    expression: str = Field(
        max_length=300, description="As 17 * 23, 20 percent of 80, average of 4 and 8, square root of 2."
    )


class Calculate(Skill[CalculateArguments]):
    """Calculate an arithmetic expression exactly."""

    name = "calculate"
    arguments = CalculateArguments

    def fits(self, arguments: CalculateArguments, asked: Asked) -> bool:
        try:
            calculate(arguments.expression, asked.language)
        except NotArithmetic:
            return False
        except (DividedByZero, NotANumber, TooBig):
            return True
        return True

    async def answer(self, arguments: CalculateArguments, asked: Asked) -> Answer:
        words = asked.words
        try:
            value = calculate(arguments.expression.lower(), asked.language)
        except NotArithmetic:
            return Answer(words.say(self.name, "not_understood"), {"error": "not an expression"}, failed=True)
        except DividedByZero:
            return Answer(words.say(self.name, "by_zero"), {"error": "division by zero"}, failed=True)
        except NotANumber:
            return Answer(words.say(self.name, "no_real"), {"error": "no real number"}, failed=True)
        except TooBig:
            return Answer(words.say(self.name, "too_big"), {"error": "too big"}, failed=True)
        return self._result(arguments.expression.lower(), value, asked)

    def _result(self, text: str, value: Value, asked: Asked) -> Answer:
        with localcontext(prec=60):
            number = Decimal(value.number.numerator) / Decimal(value.number.denominator)
            said, exact = _said(number, asked), value.exact and Fraction(number) == value.number
            rounded = exact and Fraction(round(number, _PLACES)) == value.number if abs(number) < 10**15 else False
        key = "result" if rounded else "about"
        expression, unit = upper_first(spoken(text, asked.language)), phrased(text, asked.language).unit
        speech = asked.words.say(self.name, key, expression=expression, result=f"{said}{unit}")
        return Answer(speech, {"result": str(number.normalize()), "exact": rounded})


def _said(number: Decimal, asked: Asked) -> str:
    if number and (abs(number) >= 10**15 or abs(number) < Decimal(10) ** -_PLACES):
        with localcontext(prec=5):  # rounded first, or 9.99999 would be said as 10 times a power
            number = +number
        exponent = number.adjusted()
        mantissa = asked.words.number(number.scaleb(-exponent), decimals=4)
        return asked.words.say("calculate", "scientific", mantissa=mantissa, exponent=exponent)
    return asked.words.number(number, decimals=_PLACES)
