"""What must always hold: nothing superseded or forgotten is ever found again."""

from __future__ import annotations

import random

import pytest

from shared.events import MemoryQuery, MemoryResult, SessionResume, SessionResumed
from tests.services.memory.conftest import MINUTE

THINGS = ("bike", "door", "car", "garage", "locker", "cellar")


class Truth:
    """What a person who forgets nothing would expect: by id, what was said about which thing, and when."""

    def __init__(self) -> None:
        self.said: dict[str, tuple[str, str, int, int]] = {}
        """The thing, the value, the turn, and the time."""
        self.dead: set[str] = set()
        self.forgotten: set[str] = set()
        """Values that must be in no file."""

    def told(self, id_: str, thing: str, value: str, turn: int, at: int) -> None:
        self.dead |= {other for other, (before, *_) in self.said.items() if before == thing}
        self.said[id_] = (thing, value, turn, at)

    def forget(self, *, thing: str = "", turn: int = -1, since: int = -1) -> None:
        meant = {
            id_
            for id_, (name, _, in_turn, at) in self.said.items()
            if id_ not in self.dead and (name == thing or in_turn == turn or (since >= 0 and at >= since))
        }
        things = {self.said[id_][0] for id_ in meant} if since < 0 else set()
        meant |= {id_ for id_, (name, *_) in self.said.items() if name in things | {thing}}
        meant |= {id_ for id_, (*_, at) in self.said.items() if since >= 0 and at >= since}
        self.dead |= meant
        self.forgotten |= {self.said[id_][1] for id_ in meant}


async def found(person, text, purpose):
    person.bench.publish(MemoryQuery, text=text, purpose=purpose, limit=50, turn=0)
    return (await person.bench.next(MemoryResult, timeout=60)).items


async def went_before(person) -> str:
    """All that a session is told that goes on with the conversation."""
    person.bench.publish(SessionResume, session="later", turn=0, name="last", begin=False)
    return str((await person.bench.next(SessionResumed, timeout=60)).turns)


@pytest.mark.parametrize("seed", [1, 2])
async def test_nothing_superseded_or_forgotten_is_ever_found_again(remembering, tmp_path, seed, steps):
    draw, truth = random.Random(seed), Truth()
    async with remembering() as person:
        for step in range(steps // 4000):
            thing = draw.choice(THINGS)
            match draw.choice(["tell", "tell", "tell", "correct", "wait", "about", "last", "since"]):
                case "tell":
                    value = f"value{seed}x{step}x"
                    stored = await person.tell(f"my {thing} code is {value}")
                    truth.told(stored.item.id, thing, value, person.turn, person.clock.now_ns())
                case "correct":
                    value = f"value{seed}x{step}x"
                    stored = await person.tell(value, corrects=True)
                    if stored.item is not None:
                        of = stored.item.text.split()[1]
                        truth.told(stored.item.id, of, value, person.turn, person.clock.now_ns())
                case "about":
                    await person.erase("about", text=f"{thing} code")
                    truth.forget(thing=thing)
                case "last":
                    await person.erase("last")
                    truth.forget(turn=person.finished)
                case "since":
                    await person.erase("since", since=person.clock.now_ns() - MINUTE)
                    truth.forget(since=person.clock.now_ns() - MINUTE)
                case "wait":
                    person.clock.advance(2 * MINUTE)
            for purpose in ("answer", "search", "value", "facts", "told"):
                ids = {item.id for item in await found(person, f"{thing} code", purpose)}
                assert not ids & truth.dead, (step, purpose)
            told = await went_before(person)
            assert [value for value in truth.forgotten if value in told] == [], step
            live = {item.id for item in await found(person, "", "facts")}
            assert live == truth.said.keys() - truth.dead
    kept = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    assert [value for value in sorted(truth.forgotten) if value.encode() in kept] == []
