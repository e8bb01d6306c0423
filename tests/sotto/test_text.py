"""Text from a script: the same call gives the same answer, in the form that was asked for, or a typed error."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel, Field

import sotto
from services.app import Daemon, Settings
from services.llm.settings import LlmSettings
from services.local.client import connected
from services.models.settings import ModelsSettings
from sotto import aio
from tests.kit import gguf_models
from tests.sotto.conftest import Model


class Person(BaseModel):
    age: int = Field(ge=0, le=120)


def test_it_answers_in_this_process_when_no_sotto_runs(scripted: Model) -> None:
    scripted("The sea", " is", " deep.")
    assert sotto.generate("How is the sea?") == "The sea is deep."
    assert "".join(sotto.generate_iter("How is the sea?")) == "The sea is deep."


def test_the_same_call_gives_the_same_answer(random_model: Path) -> None:
    once = sotto.generate("Tell me.", temperature=2.0, max_tokens=20)
    assert sotto.generate("Tell me.", temperature=2.0, max_tokens=20) == once
    assert sotto.generate("Tell me.", temperature=2.0, max_tokens=20, seed=7) != once


def test_the_answer_has_the_form_that_was_asked_for(random_model: Path) -> None:
    schema = Person.model_json_schema()
    assert Person.model_validate(sotto.generate_json("Who?", schema)).age <= 120
    assert isinstance(sotto.generate_json("Who?", Person, temperature=2.0), Person)
    assert sotto.generate_regex("When?", "[0-9]{2}:[0-9]{2}")[2] == ":"
    assert sotto.generate_choice("Is it?", ["yes", "no"]) in ("yes", "no")
    with pytest.raises(sotto.NotFinished, match="max_tokens"):
        sotto.generate_regex("When?", "[0-9]{40}", max_tokens=3)


def test_what_cannot_be_done_is_a_typed_error_or_none(home: Path) -> None:
    with pytest.raises(sotto.NoModel, match="sotto models pull"):
        sotto.generate("Is there anybody?")
    assert sotto.generate("Is there anybody?", errors="none") is None
    assert list(sotto.generate_iter("Is there anybody?", errors="none")) == []
    assert sotto.generate_choice("Is there?", ["yes"], errors="none") is None


def test_bad_arguments_say_what_to_do(scripted: Model) -> None:
    scripted("Fine.")
    for options in ({"max_tokens": -1}, {"temperature": float("nan")}, {"max_tokens": "many"}):
        with pytest.raises(sotto.InvalidRequest):
            sotto.generate("How are you?", **options)
    with pytest.raises(sotto.InvalidRequest):
        sotto.generate_json("How are you?", {"type": "object", "not": {}})
    with pytest.raises(sotto.PromptTooLong, match="room for"):
        sotto.generate("word " * 2_000_000)
    assert sotto.generate("How\0 are \ud800 you?", errors="none") in ("Fine.", None)
    assert sotto.generate([("user", "Hello."), ("assistant", "Hello."), ("user", "How are you?")]) == "Fine."


Ask = Callable[[Any], object]

untyped: Any = sotto
"""As a script may call it that no type checker has seen."""

UNUSABLE: list[Ask] = [
    lambda to: untyped.generate(None, **to),
    lambda to: untyped.generate(5, **to),
    lambda to: untyped.generate([("user", "Hi", "there")], **to),
    lambda to: untyped.generate([("nobody", "Hi")], **to),
    lambda to: untyped.generate("Hi", stop=None, **to),
    lambda to: untyped.generate("Hi", max_token=3, **to),
    lambda to: next(untyped.generate_iter("Hi", max_token=3, **to), None),
    lambda to: untyped.generate_choice("Which?", [], **to),
    lambda to: untyped.generate_choice("Which?", None, **to),
    lambda to: untyped.generate_choice("Which?", "yes", **to),
    lambda to: untyped.generate_choice("Which?", [1, 2], **to),
    lambda to: untyped.generate_regex("When?", "", **to),
    lambda to: untyped.generate_regex("When?", None, **to),
    lambda to: untyped.generate_json("Who?", None, **to),
    lambda to: untyped.generate_json("Who?", "x", **to),
    lambda to: untyped.transcribe(["a"], **to),
    lambda to: untyped.transcribe(None, **to),
    lambda to: untyped.speak(5, **to),
    lambda to: untyped.speak("Hi.", 5, **to),
]


@pytest.mark.parametrize("ask", UNUSABLE)
def test_what_cannot_be_asked_is_refused_and_never_answered_otherwise(scripted: Model, ask: Ask) -> None:
    """Nor does another error escape a caller who wants none."""
    scripted("Fine.")
    with pytest.raises(sotto.InvalidRequest):
        ask({})
    assert ask({"errors": "none"}) is None


def test_an_option_that_does_not_exist_is_named(scripted: Model) -> None:
    scripted("Fine.")
    with pytest.raises(sotto.InvalidRequest, match=r"no option max_token\. .*max_tokens"):
        untyped.generate("Hi", max_token=3)
    for ask in (
        untyped.generate,
        untyped.transcribe,
        lambda text, errors: list(untyped.generate_iter(text, errors=errors)),
    ):
        with pytest.raises(sotto.InvalidRequest, match='"raise" or "none"'):
            ask("Hi", errors="non")


def test_one_text_is_one_stop(scripted: Model) -> None:
    scripted("a", "b", "c", "ab", "d")
    assert sotto.generate("Go.", stop="ca") == "ab"
    assert sotto.generate("Go.", stop=["x", "ca"]) == "ab"


def test_any_value_will_do_for_an_empty_schema(random_model: Path) -> None:
    assert sotto.generate_json("Anything", {"enum": [True]}) is True
    assert sotto.generate_json("Anything", {}, errors="none", max_tokens=3) is None


def test_leaving_a_stream_calls_it_off(random_model: Path) -> None:
    for piece in sotto.generate_iter("Go on.", max_tokens=3000):
        assert piece
        break
    assert sotto.generate("And again.", max_tokens=3)


def test_it_may_be_called_from_many_threads(scripted: Model) -> None:
    scripted("Fine.")
    said: list[str] = []
    threads = [threading.Thread(target=lambda: said.append(sotto.generate("How?"))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert said == ["Fine."] * 8


async def test_the_same_on_an_event_loop(scripted: Model, random_model: Path) -> None:
    random_model.unlink()
    scripted("The sea", " is", " deep.")
    assert await aio.generate("How is the sea?") == "The sea is deep."
    assert "".join([piece async for piece in aio.generate_iter("How?")]) == "The sea is deep."
    assert await aio.generate_choice("Which?", ["a", "b"]) in ("a", "b")
    assert isinstance(await aio.generate_json("Who?", Person), Person)
    assert await aio.generate("How?", max_tokens=-1, errors="none") is None


async def test_a_sotto_that_runs_answers(home: Path, tmp_path: Path) -> None:
    path = gguf_models.write_scripted(tmp_path / "theirs.gguf", ["I", " run."])
    settings = Settings(models=ModelsSettings(folder=home), llm=LlmSettings(model=str(path), threads=1, cache_mb=0))
    daemon, stop = Daemon(settings), asyncio.Event()
    running = asyncio.create_task(daemon.supervisor.run(stop))
    async with asyncio.timeout(30):
        while True:
            async with connected() as connection:
                if connection is not None:
                    break
            await asyncio.sleep(0)
    try:
        assert await aio.generate("Who are you?") == "I run."
        assert "".join([piece async for piece in aio.generate_iter("Who are you?")]) == "I run."
        with pytest.raises(sotto.InvalidRequest):
            await aio.generate("Who?", temperature=-1)
    finally:
        stop.set()
        await running
    with pytest.raises(sotto.NoModel):
        await aio.generate("Who are you?")


@pytest.mark.slow
def test_a_script_that_generates_ends_without_a_word(scripted: Model) -> None:
    """The model it loaded is let go while the interpreter ends; nothing needs to be closed."""
    scripted("Deep.")
    script = (
        "import sotto; print(sotto.generate('How is the sea?'), sotto.generate('And?', model='none', errors='none'))"
    )
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert (ended.stdout, ended.stderr) == ("Deep. None\n", "")
