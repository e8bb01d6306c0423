"""Units of measure: lengths, weights, cooking, temperatures. Currencies are refused: their rates need the internet."""

from __future__ import annotations

import re
from decimal import Decimal, localcontext
from fractions import Fraction

from pydantic import Field

from services.skills.measures import NoSuchUnit, Quantity, Unit, WrongKind, convert, quantity_in, unit_named
from services.skills.skill import Answer, Arguments, Asked, Skill

__all__ = ["ConvertUnits"]

_MONEY = re.compile(
    r"(?<!\w)(?:"
    r"dollar|dollars|\$|usd|buck|bucks|euro|euros|€|eur|pound|pounds|sterling|quid|£|gbp|yen|¥|jpy|franc|"
    r"francs|franken|chf|rupee|rupees|rupien|roupies|rupias|yuan|renminbi|cny|won|krone|kroner|kronor|"
    r"krona|kronen|couronnes|coronas|zloty|ruble|rubles|rouble|roubles|rubel|real|reais|peso|pesos|lira|"
    r"shekel|shekels|rand|bitcoin|bitcoins|cent|cents|dólar|dólares|libra|libras|livre|livres|pfund"
    r")(?!\w)"
)
_ALSO_WEIGHT = frozenset({"pound", "pounds", "libra", "libras", "livre", "livres", "pfund"})


class ConvertArguments(Arguments):
    """What to convert into what."""

    quantity: str = Field(max_length=100, description="Amount and unit, as 10 kilometres, 5 foot 11, 350 fahrenheit.")
    to: str = Field(max_length=60, description="The unit to convert to, as miles.")


class ConvertUnits(Skill[ConvertArguments]):
    """Convert an amount from one unit of measure to another."""

    name = "convert_units"
    arguments = ConvertArguments

    def fits(self, arguments: ConvertArguments, asked: Asked) -> bool:
        if _about_money(arguments):
            return True
        try:
            _read(arguments, asked.language)
        except NoSuchUnit:
            return False
        return True

    async def answer(self, arguments: ConvertArguments, asked: Asked) -> Answer:
        words = asked.words
        if _about_money(arguments):
            return Answer(words.say(self.name, "money"), {"error": "exchange rates need the internet"}, failed=True)
        try:
            quantity, unit = _read(arguments, asked.language)
            result = convert(quantity, unit)
        except NoSuchUnit:
            return Answer(words.say(self.name, "unknown"), {"error": "unknown unit"}, failed=True)
        except WrongKind:
            return Answer(words.say(self.name, "wrong_kind"), {"error": "different kinds"}, failed=True)
        return self._result(quantity, unit, result, asked)

    def _result(self, quantity: Quantity, unit: Unit, result: Fraction, asked: Asked) -> Answer:
        words = asked.words
        given = words.measure(_decimal(quantity.amount), quantity.unit.cldr)
        number = _decimal(result)
        places = max(0, min(6, 3 - number.adjusted())) if number else 0
        key = "result" if Fraction(round(number, places)) == result else "about"
        said = words.measure(number, unit.cldr)
        speech = words.say(self.name, key, given=given, result=said)
        return Answer(speech[:1].upper() + speech[1:], {"result": str(number.normalize()), "unit": unit.cldr})


def _read(arguments: ConvertArguments, language: str) -> tuple[Quantity, Unit]:
    unit = unit_named(arguments.to.strip().lower(), language)
    return quantity_in(arguments.quantity.strip().lower(), language, beside=unit), unit


def _about_money(arguments: ConvertArguments) -> bool:
    """Whether both sides name money, one of them nothing but money (a pound may be a weight)."""
    given, to = arguments.quantity.lower(), arguments.to.lower()
    sides = [set(_MONEY.findall(side)) for side in (given, to)]
    amount = any(mark.isdigit() for mark in given) or given.startswith("a ")
    return all(sides) and amount and bool((sides[0] | sides[1]) - _ALSO_WEIGHT)


def _decimal(number: Fraction) -> Decimal:
    with localcontext(prec=40):
        return Decimal(number.numerator) / Decimal(number.denominator)
