"""Units: every factor agrees with pint's, conversions are exact, and money is refused honestly."""

from __future__ import annotations

from fractions import Fraction

import pint
import pytest

from services.skills.measures import NoSuchUnit, WrongKind, convert, quantity_in, unit_named, units

PINT_NAMES = {
    "mass-tonne": "metric_ton",
    "mass-ton": "short_ton",
    "speed-kilometer-per-hour": "kilometer/hour",
    "speed-mile-per-hour": "mile/hour",
    "speed-meter-per-second": "meter/second",
    "volume-gallon-imperial": "imperial_gallon",
    "volume-barrel": "oil_barrel",
    "volume-cubic-meter": "meter**3",
    "volume-cubic-centimeter": "centimeter**3",
    "volume-cubic-foot": "foot**3",
    "volume-cubic-inch": "inch**3",
    "area-square-centimeter": "centimeter**2",
    "area-square-meter": "meter**2",
    "area-square-kilometer": "kilometer**2",
    "area-square-inch": "inch**2",
    "area-square-foot": "foot**2",
    "area-square-yard": "yard**2",
    "area-square-mile": "mile**2",
    "area-acre": "(66 * 660 * foot**2)",  # pint's acre is of survey feet, abolished in 2022
    "length-furlong": "(660 * foot)",
    "length-fathom": "(6 * foot)",
    "energy-kilowatt-hour": "kilowatt_hour",
    "pressure-pound-force-per-square-inch": "psi",
    "temperature-celsius": "degC",
    "temperature-fahrenheit": "degF",
    "duration-year": "(365 * day)",  # pint's year is the Julian one of 365.25 days
    "duration-decade": "(3650 * day)",
    "duration-century": "(36500 * day)",
}
BASES = {
    "length": "meter",
    "mass": "kilogram",
    "volume": "liter",
    "duration": "second",
    "speed": "meter/second",
    "area": "meter**2",
    "energy": "joule",
    "power": "watt",
    "pressure": "pascal",
    "digital": "byte",
    "temperature": "kelvin",
}


@pytest.fixture(scope="module")
def registry():
    return pint.UnitRegistry()


@pytest.mark.parametrize("unit", units(), ids=lambda unit: unit.cldr)
def test_the_factor_is_pints(registry, unit):
    name = PINT_NAMES.get(unit.cldr, unit.cldr.partition("-")[2].replace("-", "_"))
    if unit.kind == "temperature":
        expected = registry.Quantity(7.0, name).to("kelvin").magnitude
    else:
        expected = (7.0 * registry.parse_expression(name)).to(BASES[unit.kind]).magnitude
    assert float(unit.factor * 7 + unit.zero) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(
    ("text", "amount", "unit"),
    [
        ("10 kilometres", 10, "length-kilometer"),
        ("a mile", 1, "length-mile"),
        ("half a mile", Fraction(1, 2), "length-mile"),
        ("1 and a half litres", Fraction(3, 2), "volume-liter"),
        ("2.5 kilos", Fraction(5, 2), "mass-kilogram"),
        ("5 foot 11", 71, "length-inch"),
        ("2 pounds and 3 ounces", 35, "mass-ounce"),
        ("minus 40 degrees fahrenheit", -40, "temperature-fahrenheit"),
        ("100 miles per hour", 100, "speed-mile-per-hour"),
        ("3 tbsp", 3, "volume-tablespoon"),
    ],
)
def test_amounts_are_read_as_people_say_them(text, amount, unit):
    quantity = quantity_in(text, "en")
    assert (quantity.amount, quantity.unit.cldr) == (amount, unit)


@pytest.mark.parametrize(
    "text", ["", "10", "kilometres", "10 dogs", "the weather", "5 foot of snow", "10 miles of road"]
)
def test_what_is_no_amount_is_not_read(text):
    with pytest.raises(NoSuchUnit):
        quantity_in(text, "en")


def test_conversion_there_and_back_changes_nothing():
    for unit in units():
        for other in units():
            if unit.kind == other.kind:
                quantity = quantity_in("7 " + NAMES[unit.cldr], "en")
                there = convert(quantity, other)
                assert convert(type(quantity)(there, other), unit) == 7


NAMES = {unit.cldr: unit.cldr.partition("-")[2].replace("-", " ") for unit in units()} | {
    "volume-gallon-imperial": "imperial gallons",
    "energy-calorie": "small calories",
    "pressure-pound-force-per-square-inch": "psi",
}


def test_what_measures_different_things_is_not_converted():
    with pytest.raises(WrongKind):
        convert(quantity_in("10 miles", "en"), unit_named("kilograms", "en"))


@pytest.mark.parametrize(
    ("language", "sentence", "speech"),
    [
        ("en", "how many miles is ten kilometres", "10 kilometers is about 6.214 miles."),
        ("en", "convert 212 degrees fahrenheit to celsius", "212 degrees Fahrenheit is 100 degrees Celsius."),
        ("en", "what is twenty degrees in fahrenheit", "20 degrees Celsius is 68 degrees Fahrenheit."),
        ("en", "how many teaspoons are in a tablespoon", "1 tablespoon is 3 teaspoons."),
        ("en", "how many seconds in a year", "1 year is 31,536,000 seconds."),
        ("en", "how many inches is one foot", "1 foot is 12 inches."),
        ("de", "wie viele meilen sind zehn kilometer", "10 Kilometer sind ungefähr 6,214 Meilen."),
        ("fr", "combien de kilomètres font dix miles", "10 miles font environ 16,09 kilomètres."),
        ("es", "cuántos kilómetros son diez millas", "10 millas son aproximadamente 16,09 kilómetros."),
    ],
)
async def test_the_answer_in_words(talking, language, sentence, speech):
    async with talking(languages=[language]) as talk:
        assert (await talk.say(sentence, language)).speech == speech


@pytest.mark.parametrize(
    "sentence", ["how many dollars is ten euros", "convert 100 pounds to euros", "how much is 5 € in dollars"]
)
async def test_money_is_refused_with_the_reason(talk, sentence):
    result = await talk.say(sentence)
    assert (result.name, result.outcome) == ("convert_units", "failed")
    assert "internet" in result.speech


async def test_a_pound_may_be_a_weight(talk):
    assert (await talk.say("how many kilograms is ten pounds")).speech == "10 pounds is about 4.536 kilograms."
