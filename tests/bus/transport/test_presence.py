"""Who is there, and has what there is one of on a bus: a name, a conversation, the memory."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from collections.abc import AsyncIterator

import pytest

from bus.transport import Node, RedisTransport, SessionTaken, StoreTaken
from tests.bus.transport.conftest import Household
from tests.kit.redis_server import RedisServer


def keeper(name: str, token: str = "1", *, sessions: tuple[str, ...] = (), machine: str = "") -> Node:
    about = {"version": "1", "services": ("memory",), "serves": ("memory.query",), "wants": {}}
    return Node(name=name, token=token, keeps=("memory",), sessions=sessions, machine=machine, pid=1, **about)


@contextlib.asynccontextmanager
async def processes(server: RedisServer, prefix: str, *names: str) -> AsyncIterator[list[RedisTransport]]:
    found = [RedisTransport(server.url, name, prefix=prefix, alive_s=60) for name in names]
    try:
        yield found
    finally:
        for transport in found:
            await transport.close()


async def test_of_all_that_work_for_others_one_keeps_the_memory(server: RedisServer, prefix: str) -> None:
    """A second one is told who, and is not there."""
    async with processes(server, prefix, "attic", "cellar") as (attic, cellar):
        await attic.presence.announce(keeper("attic"), anew=True)
        with pytest.raises(
            StoreTaken, match=r"^The process attic keeps the memory of this bus\. Leave memory out here"
        ):
            await cellar.presence.announce(keeper("cellar"), anew=True)
        await cellar.leave()
        assert set(await attic.living()) == {"attic"}


async def test_it_is_remembered_while_it_is_away(server: RedisServer, prefix: str) -> None:
    """Nobody begins an empty one meanwhile; it comes back, or another machine takes its name and so its log."""
    async with processes(server, prefix, "attic", "cellar", "attic") as (attic, cellar, moved):
        await attic.presence.announce(keeper("attic", machine="a"), anew=True)
        await attic.leave()
        assert not await attic.living()
        with pytest.raises(StoreTaken, match="It is away"):
            await cellar.presence.announce(keeper("cellar", machine="c"), anew=True)
        assert set(await attic.presence.announce(keeper("attic", machine="a"), anew=True)) == {"attic"}
        await attic.leave()
        nodes = await moved.presence.announce(keeper("attic", "2", machine="c"), anew=True)
        assert nodes["attic"].machine == "c"


async def test_where_its_store_is_it_may_come_back_by_another_name(server: RedisServer, prefix: str) -> None:
    """As when that machine runs one service more; never beside the first."""
    async with processes(server, prefix, "memory", "memory+skills") as (first, second):
        await first.presence.announce(keeper("memory", machine="a"), anew=True)
        with pytest.raises(StoreTaken):
            await second.presence.announce(keeper("memory+skills", machine="a"), anew=True)
        await first.leave()
        assert set(await second.presence.announce(keeper("memory+skills", machine="a"), anew=True)) == {"memory+skills"}


async def test_a_conversation_s_own_memory_is_in_nobody_s_way(server: RedisServer, prefix: str) -> None:
    async with processes(server, prefix, "attic", "desk", "bed") as (attic, desk, bed):
        await attic.presence.announce(keeper("attic"), anew=True)
        await desk.presence.announce(keeper("desk", sessions=("s",)), anew=True)
        nodes = await bed.presence.announce(keeper("bed", sessions=("t",)), anew=True)
        assert [name for name, node in nodes.items() if node.runs("memory")] == ["attic"]


async def test_a_conversation_has_one_holder(household: Household) -> None:
    """Whoever comes second is refused, and the first goes on."""
    first = household.start("first", sessions=("s",))
    await first.knows()
    second = household.start("second", sessions=("s",))
    with pytest.raises(ExceptionGroup) as caught:
        await second.task
    assert caught.group_contains(SessionTaken, match="first holds the conversation s")
    await first.knows()


async def test_the_name_of_a_process_that_died_on_this_machine_is_free_at_once(server, prefix: str) -> None:
    """It is not waited until it counts as silent."""
    with subprocess.Popen([sys.executable, "-c", ""]) as gone:
        gone.wait()
    about = {"version": "1", "services": (), "serves": (), "wants": {}, "sessions": (), "machine": "m"}
    transport = RedisTransport(server.url, "here", prefix=prefix, alive_s=3600)
    await transport.presence.announce(Node(name="here", token="1", pid=gone.pid, **about))
    nodes = await transport.presence.announce(Node(name="here", token="2", pid=1, **about))
    await transport.close()
    assert nodes["here"].token == "2"
