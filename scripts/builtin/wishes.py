"""All wishes that skills fulfil, and how often each is to be heard: those about time, numbers, the voice and memory."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any

from scripts.builtin.phrases import draw, drawn_from
from scripts.builtin.slots import count, person_or_invented, slot
from scripts.builtin.timekeeping import OF_TIME
from scripts.builtin.wish import PHRASES, Wish, asked, copied
from scripts.builtin.words import LISTS, invented

__all__ = ["TOOLS", "UNITS", "WISHES", "Wish"]

_SUMS: list[dict[str, Any]] = PHRASES["sum"]


def _sum(random: Random) -> Wish:
    big = random.choice((20, 100, 100, 1000, 10000))
    a, b, c = random.randint(1, big), random.randint(1, max(10, big // random.choice((1, 10)))), random.randint(1, 50)
    a_, b_, c_ = (count(n, random) if n < 100 else str(n) for n in (a, b, c))
    if random.random() < 0.15:
        a_ = f"{a}.{random.randint(1, 99)}"
        a = a_  # type: ignore[assignment]
    what = random.choice(LISTS["food"] + LISTS["common"])
    kind = random.choices(_SUMS, [each["share"] for each in _SUMS])[0]
    expression = kind["expression"].format(a=a, b=b, c=c)
    said = drawn_from(kind["asks"], random, slot(random, a=a_, b=b_, c=c_, what=what, who=person_or_invented(random)))
    return Wish(said, "calculate", {"expression": copied(expression)}, f"{expression} is {random.randint(1, 100000)}.")


_UNITS = (
    "kilometres/miles/metres/feet/yards/inches/centimetres/millimetres/kilometers/meters/centimeters",
    "kilograms/pounds/grams/ounces/kilos/stone/tons/milligrams",
    "litres/gallons/cups/pints/millilitres/tablespoons/teaspoons/liters/fluid ounces/quarts",
    "celsius/fahrenheit/degrees celsius/degrees fahrenheit/kelvin",
    "hours/minutes/seconds/days/weeks",
    "square metres/acres/hectares/square feet/square kilometres",
    "kilometres per hour/miles per hour/metres per second/knots",
    "megabytes/gigabytes/kilobytes/terabytes",
    "joules/calories/kilowatt hours",
)

UNITS = tuple(unit for kind in _UNITS for unit in kind.split("/"))


def _convert(random: Random) -> Wish:
    units = random.choices(_UNITS, (6, 5, 5, 5, 3, 1, 2, 1, 1))[0].split("/")
    one, other = random.sample(units, 2)
    n = random.choice((random.randint(1, 20), random.randint(1, 500), random.choice((10, 50, 100, 1000, 180, 350))))
    number = count(n, random)
    digits = str(n)
    if random.random() < 0.12:
        number = digits = f"{random.randint(1, 20)}.{random.randint(1, 9)}"
    said = asked(random, "convert", one=one, other=other, number=number)
    return Wish(
        said,
        "convert_units",
        {"quantity": copied(f"{digits} {one}"), "to": copied(other)},
        f"{digits} {one} is {random.randint(1, 5000)} {other}.",
    )


def _coin(random: Random) -> Wish:
    said = asked(random, "coin")
    return Wish(said, "flip_coin", {}, random.choice(("Heads.", "Tails.")))


def _dice(random: Random) -> Wish:
    if random.random() < 0.4:
        said = asked(random, "die")
        return Wish(said, "roll_dice", {}, f"You rolled {random.randint(1, 6)}.")
    n, sides = random.randint(2, 6), random.choice((4, 6, 8, 10, 12, 20, 20, 100))
    if random.random() < 0.5:
        said = asked(random, "dice", n=count(n, random))
        return Wish(
            said,
            "roll_dice",
            {"count": n},
            f"You rolled {random.randint(1, 6)} and {random.randint(1, 6)}, together {random.randint(2, 12)}.",
        )
    said = asked(random, "die-of-sides", sides=count(sides, random), s=str(sides))
    return Wish(said, "roll_dice", {"sides": sides}, f"You rolled {random.randint(1, sides)}.")


def _pick(random: Random) -> Wish:
    low = random.choice((0, 1, 1, 1, random.randint(2, 50)))
    high = low + random.choice((5, 9, 10, 19, 50, 99, 100, 999, random.randint(1, 999)))
    if low < 2:
        high = random.choice((3, 6, 10, 20, 50, 100, 1000, random.randint(5, 999)))
    if random.random() < 0.2:
        said = asked(random, "number-any")
        return Wish(said, "random_number", {}, f"{random.randint(1, 100)}.")
    said = asked(
        random, "number-between", low=count(low, random), high=count(high, random) if high < 1000 else str(high)
    )
    return Wish(said, "random_number", {"low": low, "high": high}, f"{random.randint(low, high)}.")


def _volume(random: Random) -> Wish:
    kind = random.random()
    if kind < 0.4:
        said = asked(random, "louder")
        return Wish(said, "change_volume", {"change": "louder"}, random.choice(('{"change": "louder"}', "Louder.")))
    if kind < 0.75:
        said = asked(random, "quieter")
        return Wish(said, "change_volume", {"change": "quieter"}, random.choice(('{"change": "quieter"}', "Quieter.")))
    n = random.choice((5, 10, 15, 20, 25, 30, 40, 50, 60, 70, 75, 80, 90, 100, random.randint(1, 99)))
    said = asked(random, "volume", n=count(n, random))
    return Wish(said, "change_volume", {"percent": n}, f"Volume {n} percent.")


def _remember(random: Random) -> Wish:
    value = random.choice(
        (str(random.randint(10, 9999)), invented(random), *(random.choice(LISTS[n]) for n in ("colour", "weekday")))
    )
    fact = draw(
        random.choice(PHRASES["said"]["kept"]),
        random,
        slot(
            random,
            value=value,
            who=person_or_invented(random),
            day=random.choice(LISTS["weekday"]),
            common2=random.choice(LISTS["common"]),
            food2=random.choice(LISTS["food"]),
        ),
    )
    said = draw(random.choice(PHRASES["said"]["remember"]), random, {"fact": fact})
    told = fact.replace("my ", "your ").replace("I ", "you ")
    return Wish(said, "remember_fact", {"fact": copied(fact)}, f"I will remember that {told}.")


def _recall_about(random: Random) -> Wish:
    on = f"On {random.choice(LISTS['month'])} {random.randint(1, 28)} you told me that"
    if random.random() < 0.25:
        told = f"{on} your {random.choice(LISTS['thing'])} is {invented(random)}."
        return Wish(asked(random, "recall-all"), "recall_about", {}, told)
    of = random.choice(LISTS["topic"]).removeprefix("the ")
    topic = draw(random.choice(PHRASES["said"]["topics"]), random, slot(random, topic=of))
    said = asked(random, "recall-about", topic=topic)
    value = random.choice((invented(random), random.choice(LISTS["colour"])))
    told = f"{on} {topic.replace('my ', 'your ')} is {value}."
    answers = (told, "You have not told me anything about that.")
    return Wish(said, "recall_about", {"topic": copied(topic)}, random.choice(answers))


WISHES: tuple[tuple[float, Callable[[Random], Wish]], ...] = (
    *OF_TIME,
    (3.0, _sum),
    (2.6, _convert),
    (0.7, _coin),
    (0.9, _dice),
    (0.9, _pick),
    (1.4, _volume),
    (2.4, _remember),
    (2.2, _recall_about),
)
"""What makes a wish, and how often it is to be heard."""

TOOLS = tuple(
    """
    alarm_status calculate cancel_alarm cancel_timer change_timer change_volume convert_units flip_coin pause_timer
    random_number recall_about remember_fact roll_dice set_alarm set_timer silence snooze tell_date tell_time
    timer_status unpause_timer
    """.split()  # noqa: SIM905
)
"""All that is ever called."""
