"""Who has the processor: told once when somebody begins to speak, and once when the last one has ended."""

from __future__ import annotations

from services.llm.cores import Cores


def test_watchers_are_told_of_the_first_and_the_last_who_speaks() -> None:
    cores, told = Cores(), list[bool]()
    unwatch = cores.watch(lambda: told.append(cores.taken))
    cores.take("a")
    cores.take("a")
    cores.take("b")
    cores.release("a")
    assert (cores.taken_by("a"), cores.taken_by("b"), cores.taken) == (False, True, True)
    cores.release("b")
    cores.release("b")
    assert told == [True, False]
    unwatch()
    cores.take("a")
    cores.release_all()
    assert told == [True, False]
    assert not cores.taken
