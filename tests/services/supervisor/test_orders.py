"""A person's orders: a service is run again or made to crash because an event asks for it."""

from __future__ import annotations

import asyncio
from typing import ClassVar

import pytest

from services.contract import Context
from services.supervisor import Backoff, Child
from shared.events import (
    Event,
    ServiceCrash,
    ServiceCrashed,
    ServiceFailed,
    ServiceReady,
    ServiceRestart,
    ServiceRestarted,
    TextEntered,
)
from tests.services.supervisor.conftest import Tree

pytestmark = pytest.mark.looptime


class Reader:
    """Reads texts, and crashes on a bad one; one that takes long is in hand until it is told otherwise."""

    name: ClassVar[str] = "reader"
    consumes: ClassVar[tuple[type[Event], ...]] = (TextEntered,)

    def __init__(self, read: list[str]) -> None:
        self._read = read

    async def run(self, ctx: Context) -> None:
        ctx.ready()
        async for event in ctx.inbox:
            assert isinstance(event, TextEntered)
            if event.text == "bad":
                raise ValueError("a bad text")
            self._read.append(event.text)
            if event.text == "long" and self._read.count("long") == 1:
                await asyncio.Event().wait()
            ctx.emit(ServiceReady, service=event.text)


def said(tree: Tree) -> list[str]:
    """What was said of the reader, but for the orders."""
    return [what for name, what in tree.service_events() if name == "reader" and what not in ("restart", "crash")]


async def test_a_service_is_run_again_when_it_is_told(plant):
    """It stops in order; what it had in hand and what waited comes again."""
    read: list[str] = []
    async with plant(Child(Reader, lambda: Reader(read))) as tree:
        await tree.until(ServiceReady, service="reader")
        tree.say("long")
        tree.say("next")
        await asyncio.sleep(1)
        tree.bus.publish(tree.stamp(ServiceRestart, service="reader"))
        await tree.until(ServiceReady, service="next")
        told = said(tree)
    assert read == ["long", "long", "next"]
    assert told[:5] == ["starting", "ready", "stopped", "restarted", "starting"]


async def test_a_service_crashes_when_it_is_told_and_comes_back(plant):
    """As if it had raised, so that one sees what becomes of it."""
    read: list[str] = []
    async with plant(Child(Reader, lambda: Reader(read))) as tree:
        await tree.until(ServiceReady, service="reader")
        tree.bus.publish(tree.stamp(ServiceCrash, service="reader"))
        assert "told to crash" in (await tree.until(ServiceCrashed, service="reader")).error
        assert (await tree.until(ServiceRestarted, service="reader")).delay_ns == 0
        await tree.until(ServiceReady, service="reader")
        tree.say("hello")
        await tree.until(ServiceReady, service="hello")


async def test_a_service_that_was_given_up_gets_a_new_life(plant):
    """With an empty mailbox; what comes from then on reaches it."""
    read: list[str] = []
    others = Child(Reader, lambda: Reader([]), name="other")
    async with plant(Child(Reader, lambda: Reader(read)), others, backoff=Backoff(limit=1)) as tree:
        for _ in range(2):
            await tree.until(ServiceReady, service="reader")
            tree.bus.publish(tree.stamp(ServiceCrash, service="reader"))
        await tree.until(ServiceFailed, service="reader")
        assert tree.supervisor.failed == ("reader",)
        tree.bus.publish(tree.stamp(ServiceRestart, service="reader"))
        await tree.until(ServiceReady, service="reader")
        assert tree.supervisor.failed == ()
        tree.say("hello")
        await tree.until(ServiceReady, service="hello")
    assert read == ["hello"]


async def test_an_order_for_nobody_is_nobodys_business(plant):
    """Nothing happens."""
    async with plant(Child(Reader, lambda: Reader([]))) as tree:
        await tree.until(ServiceReady, service="reader")
        for kind in (ServiceRestart, ServiceCrash):
            tree.bus.publish(tree.stamp(kind, service="nobody"))
        await asyncio.sleep(1)
        assert said(tree) == ["starting", "ready"]
