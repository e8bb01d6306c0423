"""A program that answers one question as JSON, in a process of its own: what takes long must not hold the loop up."""

from __future__ import annotations

import asyncio
import contextlib
import json
from asyncio.subprocess import DEVNULL, PIPE
from typing import Any

from shared.errors import SottoError

__all__ = ["ProgramFailed", "told"]

_PATIENCE_S = 300


class ProgramFailed(SottoError):
    """It could not answer; the message is its own, where it had one."""


async def told(*command: str) -> Any:
    """Run the program and return what it prints; it ends with whoever waits for it. Raises ProgramFailed."""
    process = await asyncio.create_subprocess_exec(*command, stdin=DEVNULL, stdout=PIPE, stderr=DEVNULL)
    try:
        async with asyncio.timeout(_PATIENCE_S):
            printed, _ = await process.communicate()
    except TimeoutError:
        raise ProgramFailed(f"That took longer than {_PATIENCE_S} s.", remedy="Try it with `sotto replay`.") from None
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
    try:
        answer = json.loads(printed)
    except ValueError:
        raise ProgramFailed("It ended without an answer.", remedy="Try it with `sotto replay`.") from None
    if process.returncode:
        raise ProgramFailed(str(answer.get("error", "It failed.")))
    return answer
