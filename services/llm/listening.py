"""Listening: while a person speaks the processor is recognition's, and the model reads ahead what it will be asked."""

from __future__ import annotations

from services.llm.cores import Cores
from services.llm.port import Answer, LanguageModel
from shared.events import Event, LlmPrepare, ServiceCrashed, SessionClosed, SttCancel, SttFailed, SttFinal, SttStart

__all__ = ["HEARD", "Listening"]

HEARD: tuple[type[Event], ...] = (ServiceCrashed, SessionClosed, SttCancel, SttFailed, SttFinal, SttStart)
"""Kinds that say that somebody speaks, or no longer does."""

_EARS = ("audio", "listening", "stt", "dialogue", "dictation")
"""Services without which no utterance comes to its end."""


class Listening:
    """Of all sessions; used on the event loop."""

    def __init__(self, cores: Cores) -> None:
        self._cores = cores
        self._ahead: dict[str, Answer] = {}

    def hear(self, event: Event) -> None:
        """Take in one of the kinds in HEARD."""
        if isinstance(event, SttStart):
            self._cores.take(event.session)
        elif not isinstance(event, ServiceCrashed):
            self._over(event.session)
        elif event.service in _EARS:
            self._cores.release_all()
            for session in tuple(self._ahead):
                self._over(session)

    async def prepare(self, wish: LlmPrepare, model: LanguageModel) -> None:
        """Read ahead until that is done, another wish or a question comes, or the utterance is over.

        Raises PromptTooLong, InvalidRequest or GenerationFailed.
        """
        if not self._cores.taken_by(wish.session):
            return
        self._call_off(wish.session)
        ahead = self._ahead[wish.session] = model.prepare(wish)
        try:
            await ahead.outcome()
        finally:
            ahead.cancel()
            if self._ahead.get(wish.session) is ahead:
                del self._ahead[wish.session]

    def _over(self, session: str) -> None:
        self._cores.release(session)
        self._call_off(session)

    def _call_off(self, session: str) -> None:
        ahead = self._ahead.pop(session, None)
        if ahead is not None:
            ahead.cancel()
