"""Recalling: long-term memory is asked before the model is, for a bounded time, and drops what is to be forgotten."""

from __future__ import annotations

from dataclasses import replace
from pathlib import PurePath

from services.dialogue.history import Exchange
from services.dialogue.phrases import phrase
from services.dialogue.speaking import add_text
from services.dialogue.state import ANSWER, RECALL, Answer, State, emit, forget, wake_after, with_answer
from services.dialogue.words import normal
from shared.events import MemoryForget, MemoryForgotten, MemoryNoted, MemoryQuery, Remembered, ServiceReady, Summary

__all__ = [
    "lose_memory",
    "mention_loss",
    "mention_noted",
    "on_forget",
    "on_memory_ready",
    "on_noted",
    "recall",
    "take",
    "tell",
]

_QUOTED = 240
"""Letters of a passage that are read out."""


def recall(state: State) -> State:
    """Ask memory what it knows of the question."""
    answer, settings = state.answer, state.rules.settings
    assert answer is not None
    state = emit(
        state,
        MemoryQuery,
        answer.turn,
        text=answer.asked,
        purpose="answer",
        language=answer.language,
        limit=settings.recall_items,
        tokens=settings.recall_tokens,
    )
    state = wake_after(with_answer(state, stage="recall"), ANSWER, settings.model_timeout_s)
    return wake_after(state, RECALL, settings.recall_ms / 1000)


def take(state: State, items: tuple[Remembered, ...]) -> State:
    """This is what memory knows; nothing more is waited for."""
    return forget(with_answer(state, recalled=items), RECALL)


def tell(answer: Answer) -> str:
    """What memory knows best of the question, as it was told or written; empty where it knows nothing."""
    known = next((item for item in answer.recalled or () if item.what != "turn"), None)
    if known is None:
        return ""
    text = " ".join(known.text.split())
    if known.what == "fact":
        return phrase("remembered", answer.language, fact=text)
    short = text if len(text) <= _QUOTED else f"{text[:_QUOTED].rsplit(' ', 1)[0]} …"
    place = f"{PurePath(known.source).name}, {known.place}"
    return phrase("remembered-passage", answer.language, place=place, fact=short)


def mention_loss(state: State) -> State:
    """End an answer that had to do without memory with saying so, once in a conversation."""
    answer = state.answer
    assert answer is not None
    if not answer.without_memory or state.told_no_memory:
        return state
    space = "" if answer.text[-1:].isspace() else " "
    return add_text(replace(state, told_no_memory=True), space + phrase("lost-memory", answer.language))


def mention_noted(state: State) -> State:
    """End an answer with what is kept of what was said in passing."""
    if not state.noted or state.answer is None:
        return state
    told = phrase("noted", state.answer.language, fact="; ".join(state.noted))
    space = "" if not state.answer.text or state.answer.text[-1:].isspace() else " "
    return add_text(replace(state, noted=()), space + told)


def on_noted(state: State, event: MemoryNoted) -> State:
    """Memory keeps something that was not asked for: the person is told so with the next answer."""
    return replace(state, noted=(*state.noted, *(item.text for item in event.items)))


def on_memory_ready(state: State, event: ServiceReady) -> State:
    """Memory is there (again)."""
    return replace(state, memory="ready") if event.service == "memory" else state


def lose_memory(state: State) -> State:
    """Memory is not there any more; what waits for it goes on at once, when its time is up."""
    if state.memory == "none":
        return state
    state = replace(state, memory="lost")
    answer = state.answer
    if answer is None or answer.stage != "recall":
        return state
    return with_answer(state, without_memory=True)


def on_forget(state: State, event: MemoryForget) -> State:
    """Drop the past turns that are to be forgotten, and the wish itself when it is fulfilled."""
    answer = state.answer
    if answer is not None and (event.session, event.turn) == (state.session, answer.turn):
        state = with_answer(state, forgets=True)
    kept = tuple(exchange for exchange in state.past if not _meant(exchange, event, state.session))
    gone = len(state.past) - len(kept)
    summary = None if state.summary is None or _tells(state.summary, event) else state.summary
    detail = f"{gone} turns" if summary is state.summary else f"{gone} turns and the summary of those before"
    state = replace(state, past=kept, summary=summary, noted=())
    return emit(state, MemoryForgotten, 0, store="dialogue", removed=gone, detail=detail, ok=True)


def _tells(summary: Summary, event: MemoryForget) -> bool:
    """Whether the summary stands for a turn that is to be forgotten, or says its words."""
    if event.everything or set(summary.turns) & set(event.turns):
        return True
    if event.until and event.since <= summary.until and summary.since <= event.until:
        return True
    return _says(summary.text, event)


def _meant(exchange: Exchange, event: MemoryForget, session: str) -> bool:
    here = exchange.session or session
    if event.everything or any((name.session, name.turn) == (here, exchange.turn) for name in event.turns):
        return True
    if event.until and event.since <= exchange.at <= event.until:
        return True
    return _says(f"{exchange.asked}\n{exchange.text}", event)


def _says(text: str, event: MemoryForget) -> bool:
    said = text.casefold()
    if any(other.strip() and other.casefold() in said for other in event.texts):
        return True
    about = normal(event.about)
    return bool(about) and set(about) <= set(normal(said))
