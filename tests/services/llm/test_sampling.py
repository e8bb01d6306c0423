"""How tokens are drawn: every setting does what its name says, on a real model of random weights."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from pydantic import JsonValue

from services.llm import LlmSettings
from services.testing import Bench
from shared.events import LlmFailed, Sampling
from tests.kit import gguf_models
from tests.services.llm.conftest import answered, ask, serving

Write = Callable[..., Path]


@pytest.fixture
async def bench(random_model: Path) -> AsyncIterator[Bench]:
    async with serving(random_model) as bench:
        yield bench


def drawn(**fields: JsonValue) -> Sampling:
    return Sampling.model_validate(fields)


async def tokens(bench: Bench, **fields: object) -> list[int]:
    """The token ids of an answer."""
    response = await answered(bench, "Hi", logprobs=0, **{"max_tokens": 30, "temperature": 1.5, **fields})
    return [chance.token for chance in response.logprobs]


@pytest.mark.parametrize(
    "narrow", [{"top_k": 1}, {"top_p": 1e-6}, {"min_p": 1.0}, {"top_k": 0, "typical_p": 1e-6, "top_p": 1e-6}]
)
async def test_the_narrowest_choice_is_always_the_same(bench: Bench, narrow: dict[str, JsonValue]) -> None:
    """Whatever the seed; all but typical sampling then take the likeliest."""
    first, second = [await tokens(bench, sampling=drawn(**narrow), seed=seed) for seed in (1, 2)]
    assert first == second
    if "typical_p" not in narrow:
        assert first == await tokens(bench, temperature=0.0)


@pytest.mark.parametrize("seed", [-1, 2**32 - 1, 2**64 - 1])
async def test_every_seed_draws_the_same_again(bench: Bench, seed: int) -> None:
    """Also those by which llama.cpp means that it is to draw at random; the next seed is another one."""
    first, second, other = [await tokens(bench, seed=s) for s in (seed, seed, seed + 1)]
    assert first == second != other


async def test_a_bias_forces_and_forbids(bench: Bench) -> None:
    forced = drawn(logit_bias=({"token": 65, "bias": 500.0},))
    assert await tokens(bench, sampling=forced, temperature=0.0) == [65] * 30
    [likeliest, *_] = await tokens(bench, temperature=0.0)
    forbidden = drawn(logit_bias=({"token": likeliest, "bias": -500.0}, {"token": 10**6, "bias": 1.0}))
    assert likeliest not in await tokens(bench, sampling=forbidden, temperature=0.0)


@pytest.mark.parametrize(
    "penalty",
    [
        {"repetition_penalty": 50.0},
        {"presence_penalty": 50.0, "penalty_tokens": -1},
        {"frequency_penalty": 50.0},
    ],
)
async def test_a_penalty_ends_repetition(bench: Bench, penalty: dict[str, JsonValue]) -> None:
    forced: dict[str, JsonValue] = {"logit_bias": ({"token": 65, "bias": 20.0},)}
    plain = Counter(await tokens(bench, sampling=drawn(**forced), temperature=0.0))
    assert plain[65] == 30
    said = await tokens(bench, sampling=drawn(**forced, **penalty), temperature=0.0)
    assert Counter(said)[65] < 10


async def test_dry_ends_a_run_that_repeats_itself(bench: Bench) -> None:
    forced: dict[str, JsonValue] = {"logit_bias": ({"token": 65, "bias": 20.0},)}
    dry = drawn(**forced, dry_multiplier=5.0, dry_base=2.0, dry_allowed=2)
    said = await tokens(bench, sampling=dry, temperature=0.0)
    assert said != [65] * 30
    assert said[:3] == [65] * 3, "short runs cost nothing"


async def test_log_probabilities_are_of_the_models_own_scores(bench: Bench) -> None:
    """They do not depend on how it was drawn, add up to one over the whole vocabulary, and come in order."""
    greedy = await answered(bench, "Hi", max_tokens=5, logprobs=4, mode="strict")
    narrow = drawn(top_k=1)
    warm = await answered(bench, "Hi", max_tokens=5, logprobs=4, mode="strict", temperature=1.9, sampling=narrow)
    assert greedy.logprobs == warm.logprobs
    for chance in greedy.logprobs:
        assert len(chance.others) == 4
        assert chance.others[0].token == chance.token, "at temperature 0 the likeliest is taken"
        assert [o.logprob for o in chance.others] == sorted((o.logprob for o in chance.others), reverse=True)
        assert chance.logprob < 0
    assert "".join(c.text for c in greedy.logprobs).startswith(greedy.text[:1])


async def test_a_token_that_stops_is_no_part_of_the_answer(scripted: Write) -> None:
    path = scripted("One", " two", " three")
    async with serving(path) as bench:
        whole = await answered(bench, "Count", logprobs=0)
        cut = await answered(bench, "Count", stop_tokens=(whole.logprobs[1].token,))
    assert whole.text == "One two three"
    assert (cut.text, cut.finish) == ("One", "stop")


async def test_a_text_is_gone_on_from_as_it_is(scripted: Write) -> None:
    """Without messages there is no template: what is left of the model's words is text, to the last space."""
    async with serving(scripted(" two", " <think>", " three")) as bench:
        response = await answered(bench, messages=(), prompt="One\n")
    assert response.text == " two <think> three"


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"temperature": -1.0}, "temperature is -1"),
        ({"n": 0}, "n is 0"),
        ({"n": 1000}, "from 1 to 16"),
        ({"logprobs": 1000}, "logprobs is 1000"),
        ({"sampling": Sampling(min_p=2.0)}, "min_p is 2"),
        ({"sampling": Sampling(repetition_penalty=0.0)}, "repetition_penalty is 0"),
        ({"messages": (), "prompt": ""}, "nothing to answer"),
    ],
)
async def test_a_value_that_cannot_be_used_is_named(bench: Bench, fields: dict[str, object], says: str) -> None:
    ask(bench, "Hi", **fields)
    failed = await bench.next(LlmFailed)
    assert failed.reason == "invalid"
    assert says in failed.message
    assert (await answered(bench, "Hi", max_tokens=1)).finish == "length"


@pytest.mark.parametrize("text", ["x" * 10_000_000, "word " * 2_000_000], ids=["one word", "many words"])
async def test_ten_megabytes_are_refused_at_once_and_nothing_is_disturbed(bench: Bench, text: str) -> None:
    ask(bench, text)
    failed = await bench.next(LlmFailed)
    assert failed.reason == "too-long"
    assert "10000000 characters" in failed.message
    assert "room for" in failed.message
    assert (await answered(bench, "Hi", max_tokens=1)).finish == "length"


@pytest.mark.parametrize("text", ["a\0b", "a\ud800b"], ids=["NUL", "half a character"])
async def test_odd_characters_are_read_like_any_other(bench: Bench, text: str) -> None:
    assert (await answered(bench, text, max_tokens=2)).finish == "length"


async def test_an_overflow_is_an_error_where_nothing_may_be_left_out(scripted: Write) -> None:
    history = [f"number {i} " * 20 for i in range(21)]
    settings = LlmSettings(threads=1, context_tokens=1024, sequences=1)
    async with serving(scripted("Yes"), settings=settings) as bench:
        ask(bench, *history, overflow="error", max_tokens=8)
        failed = await bench.next(LlmFailed)
        kept = await answered(bench, *history, max_tokens=8)
    assert failed.reason == "too-long"
    assert kept.usage.dropped_messages > 0


async def test_damaged_weights_do_not_stop_the_engine(tmp_path: Path) -> None:
    """A file whose shape is right and whose numbers are not: it answers nonsense or fails, and goes on."""
    path = gguf_models.write_random(tmp_path / "damaged.gguf")
    content = bytearray(path.read_bytes())
    content[-200_000:] = b"\xff" * 200_000  # not a number, everywhere
    path.write_bytes(content)
    async with serving(path) as bench:
        async with asyncio.timeout(10):
            await answered(bench, "Hi", temperature=1.0, max_tokens=3)
            ask(bench, "Hi", max_tokens=3, logprobs=2)
            assert "damaged" in (await bench.next(LlmFailed)).message
            assert (await answered(bench, "Hi", max_tokens=3)).finish == "length"
