"""Units of measure: exact factors, and names in every language that CLDR knows.

A unit is an exact fraction of its kind's base unit, by definition and not by measurement: the international yard and
pound (1959), the thermochemical calorie, US customary volumes, and a year of 365 days. Names and plurals come from
CLDR through Babel; English gets the further names that people use.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import cache

__all__ = ["NoSuchUnit", "Quantity", "Unit", "WrongKind", "convert", "quantity_in", "unit_named"]


class NoSuchUnit(Exception):
    """The words name no unit, or no amount of one."""


class WrongKind(Exception):
    """The two units measure different things."""


@dataclass(frozen=True, slots=True)
class Unit:
    """A unit. `cldr` is its identifier there ("length-mile"), whose first part is what it measures."""

    cldr: str
    factor: Fraction
    """Base units in one of it."""
    zero: Fraction = Fraction(0)
    """Where its zero lies, in base units (temperatures)."""

    @property
    def kind(self) -> str:
        """What it measures."""
        return self.cldr.partition("-")[0]


@dataclass(frozen=True, slots=True)
class Quantity:
    """An amount of a unit, in the smaller unit of two ("5 feet 11" is 71 inches)."""

    amount: Fraction
    unit: Unit


_FACTORS = """
length-millimeter 1/1000        length-centimeter 1/100       length-decimeter 1/10    length-meter 1
length-kilometer 1000           length-micrometer 1/1000000   length-nanometer 1/1000000000
length-inch 254/10000           length-foot 3048/10000        length-yard 9144/10000   length-mile 1609344/1000
length-nautical-mile 1852       length-light-year 9460730472580800
length-astronomical-unit 149597870700                         length-furlong 201168/1000
length-fathom 18288/10000
mass-microgram 1/1000000000     mass-milligram 1/1000000      mass-gram 1/1000         mass-kilogram 1
mass-tonne 1000                 mass-ounce 28349523125/1000000000000
mass-pound 45359237/100000000   mass-stone 635029318/100000000                         mass-ton 90718474/100000
mass-carat 2/10000
volume-milliliter 1/1000        volume-centiliter 1/100       volume-deciliter 1/10    volume-liter 1
volume-hectoliter 100           volume-cubic-meter 1000       volume-cubic-centimeter 1/1000
volume-teaspoon 492892159375/100000000000000                  volume-tablespoon 1478676478125/100000000000000
volume-fluid-ounce 295735295625/10000000000000                volume-cup 2365882365/10000000000
volume-pint 473176473/1000000000                              volume-quart 946352946/1000000000
volume-gallon 3785411784/1000000000                           volume-gallon-imperial 454609/100000
volume-cubic-foot 28316846592/1000000000                      volume-cubic-inch 16387064/1000000000
volume-barrel 158987294928/1000000000
duration-millisecond 1/1000     duration-second 1             duration-minute 60       duration-hour 3600
duration-day 86400              duration-week 604800          duration-year 31536000   duration-decade 315360000
duration-century 3153600000
speed-meter-per-second 1        speed-kilometer-per-hour 1000/3600
speed-mile-per-hour 1609344/3600000                           speed-knot 1852/3600
area-square-centimeter 1/10000  area-square-meter 1           area-square-kilometer 1000000
area-hectare 10000              area-acre 40468564224/10000000
area-square-inch 64516/100000000                              area-square-foot 9290304/100000000
area-square-yard 83612736/100000000                           area-square-mile 2589988110336/1000000
energy-joule 1                  energy-kilojoule 1000         energy-calorie 4184/1000
energy-kilocalorie 4184         energy-kilowatt-hour 3600000
power-watt 1                    power-kilowatt 1000           power-megawatt 1000000
power-horsepower 745699871582270220/1000000000000000
pressure-pascal 1               pressure-hectopascal 100      pressure-kilopascal 1000 pressure-bar 100000
pressure-millibar 100           pressure-atmosphere 101325
pressure-pound-force-per-square-inch 8896443230521/1290320000
digital-bit 1/8                 digital-byte 1                digital-kilobyte 1000    digital-megabyte 1000000
digital-gigabyte 1000000000     digital-terabyte 1000000000000
digital-petabyte 1000000000000000                             digital-megabit 125000   digital-gigabit 125000000
"""
_TEMPERATURES = (
    Unit("temperature-kelvin", Fraction(1)),
    Unit("temperature-celsius", Fraction(1), Fraction(27315, 100)),
    Unit("temperature-fahrenheit", Fraction(5, 9), Fraction(45967, 100) * Fraction(5, 9)),
)
_ALSO_ENGLISH = {
    "length-millimeter": "mm|millimetre|millimetres",
    "length-centimeter": "cm|centimetre|centimetres",
    "length-decimeter": "dm|decimetre|decimetres",
    "length-meter": "m|metre|metres",
    "length-kilometer": "km|kilometre|kilometres|kilometer|k|kms",
    "length-micrometer": "micron|microns|micrometre|micrometres",
    "length-nanometer": "nm|nanometre|nanometres",
    "length-inch": "in|\"|inch|inches",
    "length-foot": "ft|foot|feet",
    "length-yard": "yd|yards",
    "length-mile": "mi|mile|miles",
    "length-light-year": "lightyear|lightyears",
    "mass-milligram": "mg|milligramme|milligrammes",
    "mass-gram": "g|gramme|grammes",
    "mass-kilogram": "kg|kilo|kilos|kilogramme|kilogrammes|kgs",
    "mass-tonne": "tonne|tonnes|metric ton|metric tons|t",
    "mass-ounce": "oz|ounce|ounces",
    "mass-pound": "lb|lbs|pound|pounds",
    "mass-stone": "st|stone|stones",
    "mass-ton": "ton|tons|short ton|short tons",
    "volume-milliliter": "ml|millilitre|millilitres|mil",
    "volume-centiliter": "cl|centilitre|centilitres",
    "volume-deciliter": "dl|decilitre|decilitres",
    "volume-liter": "l|litre|litres",
    "volume-cubic-meter": "cubic metre|cubic metres",
    "volume-cubic-centimeter": "cubic centimetre|cubic centimetres|cc",
    "volume-teaspoon": "tsp|teaspoonful|teaspoonfuls",
    "volume-tablespoon": "tbsp|tablespoonful|tablespoonfuls",
    "volume-fluid-ounce": "fl oz|fluid oz",
    "volume-gallon": "us gallon|us gallons",
    "volume-gallon-imperial": "imperial gallon|imperial gallons|uk gallon|uk gallons|british gallon|british gallons",
    "duration-millisecond": "ms",
    "duration-second": "s|sec|secs",
    "duration-minute": "min|mins",
    "duration-hour": "h|hr|hrs",
    "speed-meter-per-second": "m/s|metre per second|metres per second|meters a second|metres a second",
    "speed-kilometer-per-hour": "km/h|kmh|kph|kilometre per hour|kilometres per hour|kilometers an hour|"
    "kilometres an hour",
    "speed-mile-per-hour": "mph|miles an hour",
    "area-square-meter": "square metre|square metres|m2",
    "area-square-centimeter": "square centimetre|square centimetres",
    "area-square-kilometer": "square kilometre|square kilometres|km2",
    "energy-calorie": "small calorie|small calories",
    "energy-kilocalorie": "kcal|calorie|calories|food calorie|food calories",
    "energy-kilowatt-hour": "kwh",
    "power-watt": "w",
    "power-kilowatt": "kw",
    "power-horsepower": "hp",
    "pressure-pound-force-per-square-inch": "psi|pounds per square inch",
    "pressure-hectopascal": "hpa",
    "pressure-atmosphere": "atm",
    "digital-kilobyte": "kb",
    "digital-megabyte": "mb",
    "digital-gigabyte": "gb|gigs|gig",
    "digital-terabyte": "tb",
    "temperature-celsius": "celsius|centigrade|°c|c|degree celsius|degrees centigrade",
    "temperature-fahrenheit": "fahrenheit|°f|f|degree fahrenheit",
    "temperature-kelvin": "k|kelvin|kelvins|degrees kelvin",
}  # fmt: skip
_TEMPERATURE_NAMES = {
    "temperature-celsius": "celsius|°c|grad celsius|degré celsius|degrés celsius|grados celsius|grado celsius",
    "temperature-fahrenheit": "fahrenheit|°f|grad fahrenheit|degré fahrenheit|degrés fahrenheit|grados fahrenheit",
    "temperature-kelvin": "kelvin|kelvins",
}
_HALVES = (
    (re.compile(r"^half (an?|of an?) "), Fraction(1, 2)),
    (re.compile(r"^(a )?quarter (of an?|an?) "), Fraction(1, 4)),
    (re.compile(r"^(an?|one|eine[nrms]?|ein|une?|una) "), Fraction(1)),
)
_AMOUNT = re.compile(
    r"(?P<sign>(?:minus|negative|moins|menos) |-)?(?P<number>\d+(?:\.\d+)?)(?P<half> and a half)? ?(?P<rest>.*)"
)


@cache
def units() -> tuple[Unit, ...]:
    """Every unit."""
    words = _FACTORS.split()
    return (
        *(Unit(cldr, Fraction(factor)) for cldr, factor in zip(words[::2], words[1::2], strict=True)),
        *_TEMPERATURES,
    )


@cache
def _names(language: str) -> dict[str, Unit]:
    from babel import Locale

    patterns = Locale.parse({"en": "en_US"}.get(language, language))._data["unit_patterns"]  # noqa: SLF001 (Babel has no public way to names)
    names: dict[str, Unit] = {}
    for unit in units():
        for name in _names_of(unit, language, patterns):
            names.setdefault(name, unit)
    return names


def _names_of(unit: Unit, language: str, patterns: object) -> Iterator[str]:
    also = _ALSO_ENGLISH if language == "en" else _TEMPERATURE_NAMES
    yield from (name for name in also.get(unit.cldr, "").split("|") if name)
    forms = patterns.get(unit.cldr, {}).get("long", {})  # type: ignore[attr-defined] # Babel's own mapping
    for count, pattern in forms.items():
        if count != "per" and isinstance(pattern, str):
            yield pattern.replace("{0}", "").strip().lower().replace("-", " ")


def unit_named(text: str, language: str) -> Unit:
    """Return the unit of a name in plain form ("miles per hour"). Raises NoSuchUnit."""
    name = text.strip()
    names = _names(language)
    found = names.get(name) or names.get(name.removeprefix("degrees ")) or names.get(name.removesuffix("s"))
    if found is None:
        raise NoSuchUnit(text)
    return found


def quantity_in(text: str, language: str, *, beside: Unit | None = None) -> Quantity:
    """Return the amount and unit of a phrase in plain form: "10 miles", "half a mile", "5 foot 11", "a cup".

    "20 degrees" alone is the other temperature than that of `beside`. Raises NoSuchUnit.
    """
    amount, rest = _amount(text.strip())
    if rest in ("degrees", "degree", "grad", "degrés", "grados") and beside is not None:
        return Quantity(amount, _other_temperature(beside))
    words = rest.split()
    for count in range(len(words), 0, -1):
        try:
            unit = unit_named(" ".join(words[:count]), language)
        except NoSuchUnit:
            continue
        return _with_remainder(Quantity(amount, unit), " ".join(words[count:]), language)
    raise NoSuchUnit(text)


def _amount(text: str) -> tuple[Fraction, str]:
    for pattern, amount in _HALVES:
        if match := pattern.match(text):
            return amount, text[match.end() :]
    match = _AMOUNT.fullmatch(text)
    if match is None:
        raise NoSuchUnit(text)
    amount = Fraction(match["number"]) + (Fraction(1, 2) if match["half"] else 0)
    return (-amount if match["sign"] else amount), match["rest"]


def _other_temperature(unit: Unit) -> Unit:
    if unit.kind != "temperature":
        raise NoSuchUnit("degrees")
    celsius, fahrenheit = _TEMPERATURES[1:]
    return celsius if unit is fahrenheit or unit.cldr.endswith("kelvin") else fahrenheit


_SMALLER = {"length-foot": "length-inch", "mass-pound": "mass-ounce", "mass-stone": "mass-pound"}
_SMALLER |= {"duration-hour": "duration-minute", "duration-minute": "duration-second"}


def _with_remainder(whole: Quantity, text: str, language: str) -> Quantity:
    """Add a smaller part: "5 foot 11", "2 pounds and 3 ounces"."""
    part = text.removeprefix("and ").strip()
    if not part:
        return whole
    smaller = next((unit for unit in units() if unit.cldr == _SMALLER.get(whole.unit.cldr)), None)
    if smaller is None:
        raise NoSuchUnit(text)
    rest = Quantity(Fraction(part), smaller) if part.isdecimal() else quantity_in(part, language)
    if rest.unit != smaller:
        raise NoSuchUnit(text)
    return Quantity(whole.amount * whole.unit.factor / smaller.factor + rest.amount, smaller)


def convert(quantity: Quantity, to: Unit) -> Fraction:
    """Return the amount in the other unit, exactly. Raises WrongKind."""
    if quantity.unit.kind != to.kind:
        raise WrongKind(f"{quantity.unit.cldr} to {to.cldr}")
    base = quantity.amount * quantity.unit.factor + quantity.unit.zero
    return (base - to.zero) / to.factor
