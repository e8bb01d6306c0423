"""A request may name its model: several are open at once, as far as memory allows, and streams finish first."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

from services.llm import LlmSettings
from shared.events import LlmDelta, LlmFailed, LlmResponse, ModelFailed, ModelLoaded, ModelUnload, ModelUnloaded
from shared.gguf import read_gguf
from tests.kit import gguf_models
from tests.services.llm.conftest import SETTINGS, answered, ask, serving

Scripted = Callable[..., Path]
UNLOAD = {"role": "llm", "engine": "llama-cpp", "turn": 0}


async def too_little_for_both(*paths: Path) -> LlmSettings:
    """As much memory as either of two models takes, and not both."""
    need = sum([(await asyncio.to_thread(read_gguf, path)).memory(SETTINGS.context_tokens) for path in paths])
    return SETTINGS.model_copy(update={"memory_mb": (need - 1) >> 20})


async def test_each_request_is_answered_by_the_model_it_names(scripted: Scripted) -> None:
    one, other, third = (scripted(name, name=name) for name in ("one", "other", "third"))
    async with serving(one, other) as bench:
        assert (await answered(bench, "Who?")).text == "one"
        named = await answered(bench, "Who?", model="other")
        assert (named.text, named.model) == ("other", "other")
        assert (await answered(bench, "Who?", model=str(third))).text == "third"
        assert (await answered(bench, "Who?", model="one")).text == "one"
        assert (await answered(bench, "Who?", model="other")).text == "other"
    loaded = [event.name for event in bench.log if isinstance(event, ModelLoaded)]
    assert loaded == ["one", "other", "third"], "each is loaded once"


async def test_the_one_used_longest_ago_makes_room(tmp_path: Path, scripted: Scripted) -> None:
    main, one, other = scripted("main", name="main"), scripted("one", name="one"), scripted("other", name="other")
    async with serving(main, one, other, settings=await too_little_for_both(one, other)) as bench:
        for name in ("one", "other", "one"):
            assert (await answered(bench, "Who?", model=name)).text == name
        assert (await answered(bench, "Who?")).text == "main", "the one in use stays"
    gone = [event.name for event in bench.log if isinstance(event, ModelUnloaded)]
    assert gone == ["one", "other"]


async def test_a_stream_ends_before_its_model_makes_room(tmp_path: Path, scripted: Scripted) -> None:
    main, other = scripted("main", name="main"), scripted("other", name="other")
    long = gguf_models.write_random(tmp_path / "long.gguf")
    async with serving(main, other, long, settings=await too_little_for_both(long, other)) as bench:
        streaming = ask(bench, "Go on.", model="long", max_tokens=200)
        await bench.next(LlmDelta)
        ask(bench, "Who?", model="other")
        first, second = await bench.next(LlmResponse), await bench.next(LlmResponse)
    assert (first.request, first.finish, first.usage.completion_tokens) == (streaming.id, "length", 200)
    assert second.text == "other"


async def test_one_that_nobody_asks_is_let_go(scripted: Scripted) -> None:
    main, one = scripted("main", name="main"), scripted("one", name="one")
    settings = SETTINGS.model_copy(update={"idle_minutes": 0.0005})
    async with serving(main, one, settings=settings) as bench:
        await answered(bench, "Who?", model="one")
        assert (await bench.next(ModelUnloaded)).name == "one"
        assert (await answered(bench, "Who?", model="one")).text == "one"


async def test_models_are_let_go_on_demand(scripted: Scripted) -> None:
    main, one = scripted("main", name="main"), scripted("one", name="one")
    async with serving(main, one) as bench:
        await answered(bench, "Who?", model="one")
        bench.publish(ModelUnload, name="one", **UNLOAD)
        assert (await bench.next(ModelUnloaded)).name == "one"
        bench.publish(ModelUnload, name="one", **UNLOAD)
        assert "not in memory" in (await bench.next(ModelFailed)).message
        bench.publish(ModelUnload, name="main", **UNLOAD)
        assert (await bench.next(ModelUnloaded)).name == "main"
        assert (await answered(bench, "Who?")).text == "main", "it comes back with the next request"


async def test_what_cannot_be_opened_is_told_and_the_rest_goes_on(tmp_path: Path, scripted: Scripted) -> None:
    main, big = scripted("main", name="main"), gguf_models.write_exact(tmp_path / "big.gguf")
    cut = tmp_path / "cut.gguf"
    cut.write_bytes(big.read_bytes()[:-1000])
    settings = SETTINGS.model_copy(update={"memory_mb": 12})
    async with serving(main, big, cut, settings=settings) as bench:
        for name, words in (("nobody", "no language model named"), ("big", "needs about"), ("cut", "cut off")):
            ask(bench, "Who?", model=name)
            assert words in (await bench.next(LlmFailed)).message
        assert (await answered(bench, "Who?")).text == "main"
