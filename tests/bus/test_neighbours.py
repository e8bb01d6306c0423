"""What a process says of itself, and what others take from that."""

from __future__ import annotations

import json

from bus import Bus, Overflow, describe
from bus.neighbours import Neighbours
from bus.transport import Node
from shared.events import REGISTRY, LlmRequest, MemoryQuery, MemoryStore, TextEntered


async def described() -> Node:
    bus = Bus()
    bus.subscribe(LlmRequest, TextEntered, name="llm")
    bus.subscribe(MemoryQuery, MemoryStore, name="memory")
    bus.subscribe(LlmRequest, name="watcher", overflow=Overflow.DROP_OLDEST)
    services = ("llm", "memory", "models")
    return describe(bus, REGISTRY, name="here", token="1", version="1", services=services, sessions=())


async def test_a_process_says_which_of_its_services_answers_what() -> None:
    """Whoever only watches answers nothing."""
    node = await described()
    assert node.serves == ("llm.request", "memory.query", "memory.store")
    assert node.offers == {"llm": ("llm.request",), "memory": ("memory.query", "memory.store")}
    assert node.behind("memory.query") == ("memory",)


async def test_of_an_older_process_any_service_may_have_answered() -> None:
    """It says only what it answers as a whole."""
    about = json.loads((await described()).model_dump_json())
    del about["offers"]
    assert Node.model_validate(about).behind("memory.query") == ("llm", "memory", "models")


async def test_one_that_drains_is_still_known_for_what_it_answered() -> None:
    """It gets nothing more; what it has in hand can be lost."""
    node = (await described()).model_copy(update={"serves": ()})
    assert node.behind("llm.request") == ("llm",)


async def test_an_era_ends_when_somebody_reads_something_else_comes_or_goes() -> None:
    """And not with every beat, in which they say how much they have to do."""
    neighbours, node = Neighbours("home"), await described()
    eras = [neighbours.era]
    for nodes in (
        {"here": node},
        {"here": node.model_copy(update={"lag": 7})},
        {"here": node.model_copy(update={"wants": {}})},
        {},
        {},
    ):
        neighbours.update(nodes, 0.0)
        eras.append(neighbours.era)
    assert eras == [0, 1, 1, 2, 3, 3]
    neighbours.update({}, 3601.0)  # whoever is away for so long does not come back
    assert neighbours.era == 4
