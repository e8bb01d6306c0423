"""A branch: a supervisor as a service of another one, so that trees nest."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import ClassVar

from services.contract import Context, Service
from services.supervisor.backoff import Backoff
from services.supervisor.child import Child
from services.supervisor.supervisor import Strategy, Supervisor
from shared.events import Event

__all__ = ["branch"]


def branch(
    label: str,
    children: Sequence[Child],
    *,
    strategy: Strategy = "one_for_one",
    backoff: Backoff | None = None,
    stop_within: float = 0.4,
) -> type[Service]:
    """Return a service that supervises `children`; its `stop_within` belongs well below that of the tree above."""

    class Branch:
        name: ClassVar[str] = label
        consumes: ClassVar[tuple[type[Event], ...]] = ()

        async def run(self, ctx: Context) -> None:
            supervisor = Supervisor(
                ctx.bus,
                ctx.clock,
                ctx.ids,
                ctx.session,
                children,
                strategy=strategy,
                backoff=backoff,
                stop_within=stop_within,
            )
            ctx.ready()
            await supervisor.run(asyncio.Event())

    return Branch
