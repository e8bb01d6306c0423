"""Remembered answers: told again piece by piece, made once, by a key that nothing escapes, in a file that may break."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from services.llm.answers import AnswerStore, Kept
from services.llm.cache import ResponseCache, key_of
from services.llm.settings import LlmSettings
from shared.clock import SystemClock
from shared.events import (
    LlmDelta,
    LlmRequest,
    LlmResponse,
    MemoryForget,
    MemoryForgotten,
    Message,
    Sampling,
    Stamp,
    Structure,
)
from shared.ids import id_source
from tests.services.llm.conftest import answered, serving
from tests.shared.events.reflect import example

STAMP = Stamp("test", SystemClock(), id_source("test-"), "test")


def kept(text: str) -> Kept:
    return Kept(((0, text),), {"text": text})


def wish(**fields: Any) -> LlmRequest:
    values = {"messages": (), "tools": (), "max_tokens": 9, "temperature": 0.0, "seed": 1, "stop": (), "prompt": "a"}
    return STAMP(LlmRequest, turn=0, **(values | fields))


@pytest.fixture
def store(tmp_path: Path) -> AnswerStore:
    return AnswerStore(tmp_path / "answers.sqlite3")


@pytest.fixture
async def cache(store: AnswerStore) -> AsyncIterator[ResponseCache]:
    cache = ResponseCache(store)
    yield cache
    await cache.close()


async def test_a_strict_answer_is_told_again_as_it_was(random_model: Path, tmp_path: Path) -> None:
    """Also after a restart; a fast one, and one that differs in anything, is made anew."""
    settings = LlmSettings(threads=1, cache_folder=tmp_path)
    wanted = {"mode": "strict", "temperature": 1.2, "logprobs": 2, "n": 2, "max_tokens": 6}
    async with serving(random_model, settings=settings) as bench:
        first = await answered(bench, "Hi", **wanted)
        second = await answered(bench, "Hi", **wanted)
        other = await answered(bench, "Ho", **wanted)
        fast = await answered(bench, "Hi", **{**wanted, "mode": "fast"})
        pieces = {
            response.request: [(e.choice, e.text) for e in bench.log if isinstance(e, LlmDelta)
                               and e.request == response.request]
            for response in (first, second)
        }  # fmt: skip
    async with serving(random_model, settings=settings) as bench:
        restarted = await answered(bench, "Hi", **wanted)
    assert [r.cached for r in (first, second, other, fast, restarted)] == [False, True, False, False, True]
    assert pieces[first.request] == pieces[second.request]
    for response in (second, restarted):
        same = {"text", "finish", "logprobs", "more", "fingerprint", "model", "usage"}
        assert response.model_dump(include=same) == first.model_dump(include=same)


@pytest.mark.parametrize(
    "changed", [{"top_k": 3}, {"top_p": 0.5}, {"thinking": True}, {"context_tokens": 512}], ids=lambda c: next(iter(c))
)
async def test_a_setting_that_can_change_the_answer_has_it_made_anew(
    changed: dict[str, object], random_model: Path, tmp_path: Path
) -> None:
    settings = LlmSettings(threads=1, cache_folder=tmp_path)
    told = []
    for each in (settings, settings.model_copy(update=changed), settings):
        async with serving(random_model, settings=each) as bench:
            told.append((await answered(bench, "Hi", mode="strict", temperature=1.0, max_tokens=2)).cached)
    assert told == [False, False, True]


async def test_the_same_request_at_the_same_time_runs_once(random_model: Path, tmp_path: Path) -> None:
    async with serving(random_model, settings=LlmSettings(threads=1, cache_folder=tmp_path)) as bench:
        for _ in range(5):
            bench.publish(
                LlmRequest, turn=1, messages=(Message(role="user", content="Hi"),), tools=(), max_tokens=20,
                temperature=0.0, seed=1, stop=(), mode="strict",
            )  # fmt: skip
        responses = [await bench.next(LlmResponse) for _ in range(5)]
    assert [r.cached for r in responses].count(False) == 1
    assert len({r.text for r in responses}) == 1


async def test_who_waits_makes_it_when_the_first_one_fails(cache: ResponseCache) -> None:
    assert await cache.find("k") is None
    waiting = asyncio.create_task(cache.find("k"))
    await asyncio.sleep(0)
    cache.made("k", None)
    assert await waiting is None, "it is the second one's turn to make it"
    third = asyncio.create_task(cache.find("k"))
    await asyncio.sleep(0)
    cache.made("k", kept("x"))
    assert await third == kept("x")


@pytest.mark.parametrize("name", sorted(set(LlmRequest.model_fields) - {"priority", "deadline_ms"}))
def test_every_field_that_can_change_the_answer_changes_the_key(name: str) -> None:
    """And those that every event carries do not."""
    request, all_given = wish(), example(LlmRequest)
    changed = wish(**{name: getattr(all_given, name)}) if name in LlmRequest.__annotations__ else None
    if changed is None:
        assert key_of(request, ()) == key_of(wish(), ()), "another id, another time"
    else:
        assert key_of(request, ()) != key_of(changed, ())


@pytest.mark.parametrize(
    "other",
    [
        {"sampling": Sampling(min_p=0.1)},
        {"sampling": Sampling(logit_bias=({"token": 1, "bias": 2.0},))},  # type: ignore[arg-type]
        {"structure": Structure(regex="a")},
        {"prompt": "a "},
        {"mode": "strict"},
        {"seed": 2},
    ],
)
def test_the_smallest_change_is_another_key(other: dict[str, Any]) -> None:
    assert key_of(wish(), ()) != key_of(wish(**other), ())
    assert key_of(wish(), ("model a",)) != key_of(wish(), ("model b",))


async def test_what_another_process_took_away_is_not_told_again(cache: ResponseCache, store: AnswerStore) -> None:
    """`sotto cache clear` beside a Sotto that runs."""
    assert await cache.find("k") is None
    cache.made("k", kept("x"))
    assert await cache.find("k") == await cache.find("k") == kept("x")
    other = AnswerStore(store.path)
    assert await asyncio.to_thread(other.clear) == 1
    await asyncio.to_thread(other.close)
    assert await cache.find("k") is None
    cache.made("k", None)


async def test_the_memory_tells_nothing_too_old_and_counts_each_use(tmp_path: Path) -> None:
    moment = 1.0
    store = AnswerStore(tmp_path / "a", keep_s=10, now=lambda: moment)
    cache = ResponseCache(store)
    await asyncio.to_thread(store.put, "k", kept("x"))
    moment = 5.0
    assert [await cache.find("k") for _ in range(50)] == [kept("x")] * 50
    moment = 11.5
    assert await cache.find("k") is None
    cache.made("k", None)
    await cache.close()
    [line] = await asyncio.to_thread(store.lines)
    await asyncio.to_thread(store.close)
    assert (line.hits, line.made, line.used) == (51, 1.0, 11.5)


async def test_a_file_that_cannot_be_written_costs_no_answer(random_model: Path, tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("a folder cannot be here")
    async with serving(random_model, settings=LlmSettings(threads=1, cache_folder=blocked)) as bench:
        responses = [await answered(bench, "Hi", mode="strict", max_tokens=3) for _ in range(2)]
    assert responses[0].text == responses[1].text
    assert responses[0].finish == "length"


async def test_what_is_to_be_forgotten_is_not_told_again(random_model: Path, tmp_path: Path) -> None:
    """Keys tell no words, so that all answers go, and evaluated prompts with them; the receipt says how many."""
    async with serving(random_model, settings=LlmSettings(threads=1, cache_folder=tmp_path)) as bench:
        await answered(bench, "My code is 4512", mode="strict", max_tokens=2)
        order = {"turns": (), "since": 0, "until": 0, "texts": ("4512",), "about": "", "everything": False}
        bench.publish(MemoryForget, **order)
        receipt = await bench.next(MemoryForgotten)
        assert (receipt.store, receipt.removed, receipt.ok) == ("llm", 2, True)
        again = await answered(bench, "My code is 4512", mode="strict", max_tokens=2)
    assert (again.cached, again.usage.cached_tokens) == (False, 0)
