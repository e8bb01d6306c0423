"""`sotto generate` and `sotto tokens`: the language model without a conversation."""

from __future__ import annotations

import asyncio
import json
import sys
from dataclasses import dataclass
from pathlib import Path

from pydantic import JsonValue

from services.supervisor import run_process
from shared.errors import ConfigError
from shared.events import LlmDelta, LlmFailed, LlmResponse, Message, Structure
from ui.cli.asker import Asker
from ui.cli.piped import is_piped, is_silent
from ui.cli.session import Session, errors, print_json

__all__ = ["Wish", "answer_piped", "generate_text", "print_decoded", "print_tokens"]

_PATIENCE_S = 5.0
"""Longest wait for what is piped in besides words: whoever writes it may need a while to begin."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What is to be generated, as the options say it."""

    text: str = ""
    system: str = ""
    raw: bool = False
    schema: str | None = None
    regex: str | None = None
    choices: str | None = None
    seed: int = 42
    temperature: float = 0.0
    max_tokens: int = 512
    stop: tuple[str, ...] = ()
    logprobs: int | None = None
    strict: bool = False


def generate_text(session: Session, wish: Wish, *, as_json: bool) -> int:
    """Print the answer as it comes, or with `as_json` one object when it is whole; exit status 1 when there is none.

    Raises ConfigError for a form that says nothing, a schema that is no JSON, or when there is nothing to answer.
    """
    structure = _structure(wish)
    text = _given(wish.text)
    asker = Asker(session)
    return run_process(lambda stop: _generate(asker, stop, wish, text, structure, as_json))


def answer_piped(session: Session, *, as_json: bool) -> int:
    """Answer what is piped in, as `sotto generate` does without options."""
    return generate_text(session, Wish(), as_json=as_json)


def print_tokens(session: Session, text: str, *, count_only: bool, as_json: bool) -> int:
    """Print the tokens of a text, one a line with its id, or only their number. Raises NoLanguageModel."""
    text = _given(text)
    from services.app import vocabulary

    model, words = vocabulary(session.settings)
    try:
        pieces = [(token, words.piece(token).decode(errors="replace")) for token in words.tokens(text)]
    finally:
        words.close()
    if as_json:
        each: list[JsonValue] = [{"id": token, "text": piece} for token, piece in pieces]
        print_json({"model": model, "count": len(pieces), **({} if count_only else {"tokens": each})})
    elif count_only:
        sys.stdout.write(f"{len(pieces)}\n")
    else:
        for token, piece in pieces:
            sys.stdout.write(f"{token:>8}  {piece!r}\n")
    return 0


def print_decoded(session: Session, ids: str, *, as_json: bool) -> int:
    """Print the text that was cut into tokens of these ids. Raises NoLanguageModel, InvalidRequest or ConfigError."""
    tokens = [_id(word) for word in _given(ids).replace(",", " ").split()]
    from services.app import vocabulary

    model, words = vocabulary(session.settings)
    try:
        text = words.text(tokens)
    finally:
        words.close()
    if as_json:
        print_json({"model": model, "count": len(tokens), "text": text})
    else:
        sys.stdout.write(f"{text}\n")
    return 0


def _id(word: str) -> int:
    try:
        return int(word)
    except ValueError as error:
        raise ConfigError(
            f"{word[:40]!r} is no token's id.", remedy="Give numbers, as in `sotto tokens --decode 104 105`."
        ) from error


async def _generate(
    asker: Asker, stop: asyncio.Event, wish: Wish, text: str, structure: Structure, as_json: bool
) -> int:
    async with asker:
        reading = asyncio.create_task(_read(asker, wish, text, structure, as_json), name="answer")
        stopped = asyncio.create_task(stop.wait(), name="stop")
        await asyncio.wait([reading, stopped], return_when=asyncio.FIRST_COMPLETED)
        stopped.cancel()
        if not reading.done():
            reading.cancel()
            return 130
        return reading.result()


async def _read(asker: Asker, wish: Wish, text: str, structure: Structure, as_json: bool) -> int:
    async for event in asker.stream(
        messages=() if wish.raw else _messages(wish.system, text),
        prompt=text if wish.raw else "",
        tools=(),
        max_tokens=wish.max_tokens,
        temperature=wish.temperature,
        seed=wish.seed,
        stop=wish.stop,
        mode="strict" if wish.strict else "fast",
        structure=structure,
        logprobs=wish.logprobs,
    ):
        if isinstance(event, LlmFailed):
            errors().print(event.message, style="red", soft_wrap=True)
            return 1
        if isinstance(event, LlmDelta) and not as_json:
            sys.stdout.write(event.text)
            sys.stdout.flush()
        if isinstance(event, LlmResponse):
            _finish(event, as_json)
    return 0


def _finish(response: LlmResponse, as_json: bool) -> None:
    if as_json:
        wanted = {"text", "finish", "model", "fingerprint", "usage", "logprobs", "cached"}
        print_json(response.model_dump(mode="json", include=wanted))
    elif not response.text.endswith("\n"):
        sys.stdout.write("\n")


def _given(text: str) -> str:
    """What was said in words, and what is piped in; what is no UTF-8 becomes U+FFFD. Raises ConfigError for nothing."""
    said = text.encode(errors="surrogateescape").decode(errors="replace")
    whole = "\n\n".join(part for part in (said, _piped(besides=said.strip())) if part.strip())
    if not whole:
        raise ConfigError("There is no text.", remedy="Write it after the command, or pipe it in.")
    return whole


def _piped(*, besides: str) -> str:
    """What is piped in; besides words, a pipe that stays silent is passed over, and the person told."""
    if sys.stdin is None or sys.stdin.isatty():
        return ""
    if besides and not is_piped(patience_s=_PATIENCE_S):
        if is_silent():
            errors().print("Nothing came through the pipe, so only the words are taken.", style="yellow")
        return ""
    return sys.stdin.buffer.read().decode(errors="replace")


def _messages(system: str, text: str) -> tuple[Message, ...]:
    instructions = (Message(role="system", content=system),) if system else ()
    return (*instructions, Message(role="user", content=text))


def _structure(wish: Wish) -> Structure:
    if wish.regex == "":
        raise ConfigError("The pattern is empty.", remedy="Give a regular expression, as in --regex '[0-9]+'.")
    choices = tuple(choice.strip() for choice in (wish.choices or "").split(",") if choice.strip())
    if wish.choices is not None and not choices:
        raise ConfigError("There is nothing to choose from.", remedy="Give texts, as in --choices yes,no.")
    return Structure(
        json_schema=_schema(wish.schema) if wish.schema is not None else None, regex=wish.regex or "", choices=choices
    )


def _schema(source: str) -> dict[str, JsonValue]:
    try:
        schema: JsonValue = json.loads(source if source.lstrip().startswith("{") else Path(source).read_bytes())
    except OSError as error:
        raise ConfigError(f"The schema {source} cannot be read: {error.strerror}.", remedy="Name a file.") from error
    except ValueError as error:
        raise ConfigError(f"The schema is no JSON: {error}.", remedy="Give a JSON object, or a file of one.") from error
    if not isinstance(schema, dict):
        raise ConfigError("The schema is no JSON object.", remedy="Give a JSON object, or a file of one.")
    return schema
