"""The language model as memory uses it: in the background, at low priority, and never where there is none."""

from __future__ import annotations

from bus import Fenced, NoMailbox, RequestTimeout
from services.contract import Context
from services.memory.words import safe
from shared.events import LlmFailed, LlmRequest, LlmResponse, Message, Structure

__all__ = ["Model"]

_WAIT_S = 900.0
"""It stands still while anybody waits for an answer, so that it may take long."""


class Model:
    """Asked one thing at a time. After it said that no model is there, it is not asked before one came."""

    def __init__(self) -> None:
        self.there = True
        """False from the first time on that there was none."""

    async def ask(
        self, ctx: Context, session: str, system: str, text: str, *, tokens: int, form: Structure | None = None
    ) -> tuple[str, bool]:
        """Return what it says, empty where it says nothing, and whether that is all it had to say."""
        request = ctx.event(
            LlmRequest,
            session=session,
            turn=0,
            messages=(Message(role="system", content=system), Message(role="user", content=text)),
            tools=(),
            max_tokens=tokens,
            temperature=0.0,
            seed=0,
            stop=(),
            priority="background",
            structure=form or Structure(),
        )
        try:
            reply = await ctx.bus.request(request, _WAIT_S)
        except (NoMailbox, RequestTimeout, Fenced):
            return "", False
        if isinstance(reply, LlmFailed):
            self.there = reply.reason != "no-model"
            return "", False
        return (safe(reply.text), reply.finish == "stop") if isinstance(reply, LlmResponse) else ("", False)
