"""Preparing: while a person speaks, the language model is told what it will be asked if no skill knows the answer."""

from __future__ import annotations

from services.dialogue.history import messages
from services.dialogue.state import State, emit, with_utterance
from shared.events import LlmPrepare, Message, Remembered

__all__ = ["conversation", "prepare"]


def conversation(state: State, asked: str, recalled: tuple[Remembered, ...] = ()) -> tuple[Message, ...]:
    """Return what the model is told when it is asked that: its instructions, the past turns and the question."""
    settings = state.rules.settings
    past = state.past[-settings.history_turns :] if settings.history_turns else ()
    return messages(settings.system_prompt, past, asked, recalled, state.summary.text if state.summary else "")


def prepare(state: State) -> State:
    """Tell it at the onset, and again whenever a few more words are sure; not what skills will answer anyway."""
    utterance, settings = state.utterance, state.rules.settings
    if utterance is None or not utterance.started or utterance.complete or not _read_along(state):
        return state
    words = len(utterance.stable.split())
    if utterance.prepared is not None and words < utterance.prepared + settings.prepare_words:
        return state
    said = conversation(state, utterance.stable)
    if not said:
        return state
    return emit(
        with_utterance(state, prepared=words),
        LlmPrepare,
        utterance.turn,
        messages=said,
        tools=state.tools if settings.tool_rounds else (),
        max_tokens=settings.max_tokens,
    )


def _read_along(state: State) -> bool:
    return state.has_model and "llm" not in state.dead and state.rules.settings.prepare_words > 0
