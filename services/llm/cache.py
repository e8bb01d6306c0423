"""Answers that are the same again: remembered by everything that can change them, never wrong.

Only strict answers are kept, for only they are the same every time.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial

from services.llm.answers import AnswerStore, CacheUnusable, Kept
from shared.events import Event, LlmRequest

__all__ = ["ResponseCache", "key_of"]

_IN_MEMORY = 256
_COUNTED_AFTER_S = 0.1
"""Uses are counted together so long after the first of them: a use by itself costs more than finding the answer."""

_WITHOUT_EFFECT = frozenset({*Event.model_fields, "priority", "deadline_ms"})
"""Fields of a request that change when an answer comes, not which."""


def key_of(request: LlmRequest, surroundings: Iterable[str]) -> str:
    """Hash everything that can change the answer: every field of the request that says what, and `surroundings`."""
    fields = request.model_dump(mode="json", exclude=set(_WITHOUT_EFFECT))
    text = json.dumps([fields, *surroundings], sort_keys=True, ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()


class ResponseCache:
    """The store behind a memory of the latest answers, on a thread of its own; used on one event loop.

    Requests of the same key run once: whoever asks while the first is computed waits for it. The memory tells nothing
    that is gone from the store, whichever process took it away.
    """

    def __init__(self, store: AnswerStore) -> None:
        self._store = store
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="llm-cache")
        self._latest: OrderedDict[str, tuple[bytes, Kept]] = OrderedDict()
        self._making: dict[str, asyncio.Future[Kept | None]] = {}
        self._unwanted: set[str] = set()
        self._uses: Counter[str] = Counter()
        self._counting: asyncio.TimerHandle | None = None

    async def find(self, key: str) -> Kept | None:
        """Return the answer, waiting while another makes it; None when the caller is to make it and say `made`.

        Raises CacheUnusable, and then nobody is to wait.
        """
        while True:
            latest = self._recalled(key)
            if latest is not None:
                return latest
            making = self._making.get(key)
            if making is None:
                break
            found = await asyncio.shield(making)
            if found is not None:
                self._use(key)
                return found
        era = self._store.era
        future = self._making[key] = asyncio.get_running_loop().create_future()
        try:
            found = await asyncio.get_running_loop().run_in_executor(self._thread, self._store.get, key)
        except BaseException:
            self._done(key, None)
            raise
        if found is not None and key not in self._unwanted:
            self._remember(key, era, found)
        if found is not None:
            self._done(key, found)
        assert found is not None or not future.done()
        return found

    def made(self, key: str, kept: Kept | None) -> None:
        """Say what came of it: an answer to remember, or None, and then one who waits makes it in its turn."""
        if kept is not None and key not in self._unwanted:
            kept = replace(kept, made=self._store.now())
            self._remember(key, self._store.era, kept)
            self._write(partial(self._store.put, key, kept))
        self._done(key, kept)

    async def forget(self) -> int:
        """Forget all answers, also those that are being made; returns how many there were. Raises CacheUnusable."""
        self._latest.clear()
        self._unwanted |= set(self._making)
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._store.clear)

    async def close(self) -> None:
        """Write what is to be written and let the file go."""
        self._count()
        self._thread.submit(self._store.close)
        await asyncio.to_thread(self._thread.shutdown)

    def _use(self, key: str) -> None:
        """Have it counted soon, with others."""
        self._uses[key] += 1
        if self._counting is None:
            self._counting = asyncio.get_running_loop().call_later(_COUNTED_AFTER_S, self._count)

    def _count(self) -> None:
        if self._counting is not None:
            self._counting.cancel()
            self._write(partial(self._store.count, self._uses))
            self._counting, self._uses = None, Counter()

    def _write(self, write: Callable[[], None]) -> None:
        self._thread.submit(_tried, write)

    def _recalled(self, key: str) -> Kept | None:
        era, kept = self._latest.pop(key, (b"", None))
        if kept is None or era != self._store.era or self._store.is_old(kept):
            return None
        self._latest[key] = era, kept
        self._use(key)
        return kept

    def _remember(self, key: str, era: bytes, kept: Kept) -> None:
        self._latest[key] = era, kept
        if len(self._latest) > _IN_MEMORY:
            self._latest.popitem(last=False)

    def _done(self, key: str, kept: Kept | None) -> None:
        self._unwanted.discard(key)
        future = self._making.pop(key, None)
        if future is not None and not future.done():
            future.set_result(kept)


def _tried(write: Callable[[], None]) -> None:
    with contextlib.suppress(CacheUnusable):  # the answer was given; it is computed again another time
        write()
