"""`sotto chat`: a conversation with a language model by keyboard."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sys
from collections.abc import AsyncIterator, Iterator

from shared.errors import SottoError
from shared.events import LlmDelta, LlmFailed, LlmResponse, Message
from ui.cli.asker import Asker
from ui.cli.keyboard import lines
from ui.cli.session import Session, console, errors

__all__ = ["Chat", "chat"]

_HELP = """\
/new             begin anew
/retry           answer the last message again, differently
/system TEXT     instructions from now on; without a text, none
/model NAME      answer with another model; without a name, with the best
/help            this
/quit            end, as Ctrl-D does; Ctrl-C stops an answer"""

_UNSHOWN = {code: None for code in (*range(32), *range(127, 160)) if chr(code) not in "\n\t"}
"""Characters that would move a terminal's cursor or change its colours."""


def chat(session: Session, *, system: str, model: str, temperature: float, max_tokens: int) -> int:
    """Converse until the input ends."""
    conversation = Chat(Asker(session), system=system, model=model, temperature=temperature, max_tokens=max_tokens)
    return asyncio.run(conversation.hold())


class Chat:
    """One conversation: what was said, and who answers."""

    def __init__(self, asker: Asker, *, system: str, model: str, temperature: float, max_tokens: int) -> None:
        self._asker = asker
        self._system = system
        self._model = model
        self._temperature = temperature
        self._max_tokens = max_tokens
        self._seed = 42
        self._said: list[Message] = []
        self._answering: asyncio.Task[str] | None = None
        self._over = asyncio.Event()

    async def hold(self) -> int:
        """Answer each line until the input ends; exit status 1 when the last one found no answer."""
        self._tell("Ctrl-C stops an answer, Ctrl-D ends. /help lists the commands.")
        status = 0
        async with self._asker:
            with self._interrupted():
                async for line in self._lines():
                    if line.startswith("/"):
                        status = await self._obey(line)
                    elif line.strip():
                        self._said.append(Message(role="user", content=line))
                        status = await self._answer()
        return status

    async def _lines(self) -> AsyncIterator[str]:
        typed = lines()
        while not self._over.is_set():
            if sys.stdin.isatty():
                console().print(">", style="bold", end=" ")
            reading = asyncio.ensure_future(anext(typed, None))
            over = asyncio.create_task(self._over.wait())
            await asyncio.wait([reading, over], return_when=asyncio.FIRST_COMPLETED)
            over.cancel()
            line = reading.result() if reading.done() else None
            if line is None:
                reading.cancel()
                return
            yield line

    async def _obey(self, line: str) -> int:
        command, _, rest = line[1:].partition(" ")
        match command:
            case "new":
                self._said.clear()
            case "retry":
                while self._said and self._said[-1].role == "assistant":
                    self._said.pop()
                self._seed += 1
                return await self._answer(again=True) if self._said else 0
            case "system":
                self._system = rest.strip()
            case "model":
                self._model = rest.strip()
            case "quit":
                self._over.set()
            case _:
                self._tell(_HELP)
        return 0

    async def _answer(self, *, again: bool = False) -> int:
        """Answer what was said last; what cannot be answered is said no more."""
        self._answering = asyncio.create_task(self._streamed(again), name="answer")
        try:
            text = await self._answering
        except asyncio.CancelledError:
            self._tell("(stopped)")
            return 0
        except SottoError as error:
            self._said.pop()
            errors().print(str(error), style="red", soft_wrap=True)
            return 1
        finally:
            self._answering = None
        self._said.append(Message(role="assistant", content=text))
        return 0

    async def _streamed(self, again: bool) -> str:
        instructions = (Message(role="system", content=self._system),) if self._system else ()
        pieces: list[str] = []
        try:
            async for event in self._asker.stream(
                messages=(*instructions, *self._said),
                tools=(),
                max_tokens=self._max_tokens,
                temperature=max(self._temperature, 0.8) if again else self._temperature,
                seed=self._seed,
                stop=(),
                model=self._model,
            ):
                match event:
                    case LlmFailed():
                        raise NoAnswer(event.message)
                    case LlmDelta():
                        pieces.append(event.text)
                        sys.stdout.write(event.text.translate(_UNSHOWN) if sys.stdout.isatty() else event.text)
                        sys.stdout.flush()
                    case LlmResponse() if event.usage.dropped_messages:
                        self._tell(f"\n({event.usage.dropped_messages} of the oldest messages no longer fit)")
        except asyncio.CancelledError:
            if pieces:  # what was read stays said
                self._said.append(Message(role="assistant", content="".join(pieces)))
            raise
        finally:
            if pieces:
                sys.stdout.write("\n")
        return "".join(pieces)

    @contextlib.contextmanager
    def _interrupted(self) -> Iterator[None]:
        """Ctrl-C stops the answer; where there is none, it ends the conversation."""
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGINT, self._stop)
        try:
            yield
        finally:
            loop.remove_signal_handler(signal.SIGINT)

    def _stop(self) -> None:
        if self._answering is not None:
            self._answering.cancel()
        else:
            self._over.set()

    @staticmethod
    def _tell(words: str) -> None:
        if sys.stdout.isatty():
            console().print(words, style="dim")


class NoAnswer(SottoError):
    """The model could not answer; the message says what to do."""
