"""The net under all tests: blocking calls on the event loop are caught."""

from __future__ import annotations

import asyncio
import time

import pytest
from blockbuster import BlockingError


async def _call_through_ours(blocking: object) -> None:
    # `exec` with a file name of ours puts one of our frames on the stack.
    import shared.clock

    code = compile("blocking()", shared.clock.__file__ or "", "exec")
    exec(code, {"blocking": blocking})


async def test_blocking_below_our_code_on_the_loop_raises() -> None:
    with pytest.raises(BlockingError, match="sleep"):
        await _call_through_ours(lambda: time.sleep(0))


async def test_the_same_call_in_a_thread_is_fine() -> None:
    await asyncio.to_thread(time.sleep, 0)


@pytest.mark.may_block("shows the way out")
async def test_a_marked_test_may_block() -> None:
    await _call_through_ours(lambda: time.sleep(0))
