"""Chance: a coin, dice, a number between two others."""

from __future__ import annotations

from random import Random

from pydantic import Field

from services.skills.skill import Answer, Arguments, Asked, NoArguments, Skill

__all__ = ["FlipCoin", "RandomNumber", "RollDice"]


class FlipCoin(Skill[NoArguments]):
    """Flip a coin: heads or tails."""

    name = "flip_coin"

    def __init__(self, random: Random) -> None:
        self._random = random

    async def answer(self, arguments: NoArguments, asked: Asked) -> Answer:
        side = self._random.choice(("heads", "tails"))
        return Answer(asked.words.say(self.name, side), {"side": side})


class DiceArguments(Arguments):
    """Which dice."""

    count: int = Field(1, ge=1, le=20, description="How many dice.")
    sides: int = Field(6, ge=2, le=1000, description="Sides of each.")


class RollDice(Skill[DiceArguments]):
    """Roll one or more dice."""

    name = "roll_dice"
    arguments = DiceArguments

    def __init__(self, random: Random) -> None:
        self._random = random

    async def answer(self, arguments: DiceArguments, asked: Asked) -> Answer:
        rolled = [self._random.randint(1, arguments.sides) for _ in range(arguments.count)]
        key = "one" if len(rolled) == 1 else "several"
        said = asked.words.all_of(map(str, rolled))
        return Answer(asked.words.say(self.name, key, rolled=said, total=sum(rolled)), {"rolled": [*rolled]})


class NumberArguments(Arguments):
    """Between which numbers."""

    low: int = Field(1, ge=-(10**12), le=10**12, description="The smallest.")
    high: int = Field(100, ge=-(10**12), le=10**12, description="The largest.")


class RandomNumber(Skill[NumberArguments]):
    """Pick a random whole number between two others, both included."""

    name = "random_number"
    arguments = NumberArguments

    def __init__(self, random: Random) -> None:
        self._random = random

    async def answer(self, arguments: NumberArguments, asked: Asked) -> Answer:
        low, high = sorted((arguments.low, arguments.high))
        number = self._random.randint(low, high)
        return Answer(asked.words.say(self.name, "picked", number=number), {"number": number})
