"""The cache: a text is computed once, even across restarts, and a broken cache fails nobody."""

from __future__ import annotations

import asyncio
import hashlib
import math
import sqlite3
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.embedding.cache import Cache, Kept, key_of
from services.embedding.embedder import Embedder
from services.embedding.heat import HALF_LIFE_S, warmed
from services.embedding.settings import EmbeddingSettings
from tests.services.embedding.conftest import Watched

ROW = Kept(b"\x01" * 400, 3, False)


async def opened(settings: EmbeddingSettings) -> Embedder:
    embedder = Embedder(settings)
    await embedder.open()
    return embedder


async def test_a_text_is_computed_once(settings: EmbeddingSettings) -> None:
    """Also when it comes twice in one request; the answer is the same to the bit."""
    encoder, embedder = Watched(), await opened(settings)
    first = await embedder.embed(encoder, ["one", "two", "one"])
    again = await embedder.embed(encoder, ["one", "two", "one"])
    await embedder.close()
    assert first == again
    assert encoder.computed == 2


async def test_hits_survive_a_restart(settings: EmbeddingSettings) -> None:
    first, second = Watched(), Watched()
    embedder = await opened(settings)
    before = await embedder.embed(first, ["one", "word " * 9999])
    await embedder.close()
    embedder = await opened(settings)
    assert await embedder.embed(second, ["one", "word " * 9999]) == before
    await embedder.close()
    assert before.truncated == (1,)
    assert second.computed == 0


async def test_two_who_ask_at_once_wait_for_one_computation(settings: EmbeddingSettings) -> None:
    encoder, embedder = Watched(), await opened(settings)
    encoder.gate.clear()
    async with asyncio.TaskGroup() as tasks:
        asked = [tasks.create_task(embedder.embed(encoder, ["one", "two"])) for _ in range(5)]
        await asyncio.sleep(0)
        encoder.gate.set()
    await embedder.close()
    assert len({task.result().rows for task in asked}) == 1
    assert encoder.computed == 2


async def test_when_the_one_who_computes_leaves_another_takes_over(settings: EmbeddingSettings) -> None:
    encoder, embedder = Watched(), await opened(settings)
    encoder.gate.clear()
    blocking = asyncio.create_task(embedder.embed(encoder, ["something else"]))
    await asyncio.sleep(0)
    leader = asyncio.create_task(embedder.embed(encoder, ["one"]))
    follower = asyncio.create_task(embedder.embed(encoder, ["one"]))
    await asyncio.sleep(0)
    leader.cancel()
    await asyncio.wait([leader])
    encoder.gate.set()
    assert (await follower).rows == (await embedder.embed(encoder, ["one"])).rows
    await blocking
    await embedder.close()
    assert leader.cancelled()


@pytest.mark.parametrize("other", ["model", "purpose", "text"])
def test_whatever_changes_the_vector_changes_the_key(other: str) -> None:
    info = Watched().info
    changed = {
        "model": key_of(info._replace(fingerprint="other"), "", "one"),
        "purpose": key_of(info, "query", "one"),
        "text": key_of(info, "", "two"),
    }
    assert changed[other] != key_of(info, "", "one")
    assert key_of(info, "", "one") == key_of(info, "", "one")


async def test_the_coldest_go_when_there_is_no_room(tmp_path: Path) -> None:
    """In memory and on disk: what was used again stays."""
    keys = [bytes([n]) * 16 for n in range(10)]
    cache = Cache(memory_bytes=8000, disk_bytes=8000, file=tmp_path / "cache")
    await cache.open()
    cache.put(dict.fromkeys(keys[:5], ROW))
    await cache.get(keys[:1])
    cache.put(dict.fromkeys(keys[5:], ROW))
    assert keys[0] in await cache.get(keys[:1])
    await cache.close()
    cache = Cache(memory_bytes=8000, disk_bytes=8000, file=tmp_path / "cache")
    await cache.open()
    found = await cache.get(keys)
    await cache.close()
    assert keys[0] in found
    assert 5 <= len(found) < 10


async def test_what_is_forgotten_is_gone_from_the_file(settings: EmbeddingSettings) -> None:
    encoder, embedder = Watched(), await opened(settings)
    secret = (await embedder.embed(encoder, ["my bike code is 4512"])).rows
    await embedder.close()
    assert settings.cache_file is not None
    assert secret[:64] in b"".join(path.read_bytes() for path in settings.cache_file.parent.iterdir())
    embedder = await opened(settings)
    assert await embedder.forget() == 1
    assert await embedder.forget() == 0
    await embedder.close()
    files = b"".join(path.read_bytes() for path in settings.cache_file.parent.iterdir())
    assert secret[:64] not in files


async def test_what_is_not_on_disk_is_not_looked_for_there(tmp_path: Path) -> None:
    """Also after it was opened again, cleared, and filled beyond its room many times."""
    keys = [hashlib.blake2b(b"%d" % n, digest_size=16).digest() for n in range(4000)]

    def looks(cache: Cache, count: int) -> bool:
        assert cache._disk is not None
        return sum(cache._disk.may_have(key) for key in keys[-500:]) > count

    cache = Cache(memory_bytes=0, disk_bytes=100_000, file=tmp_path / "cache")
    await cache.open()
    for first in range(0, 3500, 50):
        cache.put(dict.fromkeys(keys[first : first + 50], ROW))
        cache._write()
        assert cache._writing is not None
        await cache._writing
    assert not looks(cache, 25)
    await cache.close()
    cache = Cache(memory_bytes=0, disk_bytes=100_000, file=tmp_path / "cache")
    await cache.open()
    assert len(await cache.get(keys)) > 50
    assert not looks(cache, 10)
    await cache.clear()
    assert not looks(cache, 0)
    await cache.close()


async def test_what_is_computed_while_it_is_forgotten_is_not_kept(settings: EmbeddingSettings) -> None:
    encoder, embedder = Watched(), await opened(settings)
    encoder.gate.clear()
    asked = asyncio.create_task(embedder.embed(encoder, ["my bike code is 4512"]))
    await asyncio.sleep(0)
    await embedder.forget()
    encoder.gate.set()
    assert (await asked).rows
    assert await embedder.forget() == 0
    await embedder.close()


async def test_a_file_that_is_no_cache_is_begun_anew(settings: EmbeddingSettings) -> None:
    assert settings.cache_file is not None
    settings.cache_file.parent.mkdir()
    settings.cache_file.write_bytes(b"this is no database" * 100)
    embedder = await opened(settings)
    await embedder.embed(Watched(), ["one"])
    await embedder.close()
    assert settings.cache_file.read_bytes().startswith(b"SQLite format 3")


async def test_a_cache_of_another_version_is_begun_anew(settings: EmbeddingSettings) -> None:
    assert settings.cache_file is not None
    settings.cache_file.parent.mkdir()
    database = sqlite3.connect(settings.cache_file)
    database.executescript("CREATE TABLE vector (other TEXT); PRAGMA user_version = 99")
    database.close()
    embedder = await opened(settings)
    assert (await embedder.embed(Watched(), ["one"])).rows
    await embedder.close()


async def test_the_file_is_about_as_large_as_what_it_holds(tmp_path: Path) -> None:
    """So that the limit in bytes is one."""
    cache = Cache(memory_bytes=0, disk_bytes=1 << 30, file=tmp_path / "cache")
    await cache.open()
    rows = {key_of(Watched().info, "", f"text {n}"): Kept(bytes(1536), 3, False) for n in range(2000)}
    cache.put(rows)
    await cache.close()
    assert (tmp_path / "cache").stat().st_size < 1.5 * 2000 * 1536


async def test_where_no_file_can_be_kept_texts_are_embedded_all_the_same(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    embedder = await opened(EmbeddingSettings(cache_file=tmp_path / "file" / "cache", threads=1))
    assert (await embedder.embed(Watched(), ["one"])).rows
    await embedder.close()


@given(st.lists(st.floats(0, 1e10), min_size=1), st.floats(1e10, 1e11))
def test_a_use_warms_and_the_order_of_two_never_changes_with_time(uses: list[float], later: float) -> None:
    heat = -math.inf
    for use in sorted(uses):
        before, heat = heat, warmed(heat, use)
        assert heat >= before
        assert heat >= use / HALF_LIFE_S
    assert warmed(heat, later) >= warmed(-math.inf, later)


async def test_no_file_is_made_before_there_is_something_to_keep(settings: EmbeddingSettings) -> None:
    assert settings.cache_file is not None
    embedder = await opened(settings)
    await embedder.close()
    assert not settings.cache_file.exists()


async def test_a_file_that_another_process_holds_delays_nobody(settings: EmbeddingSettings) -> None:
    embedder = await opened(settings)
    await embedder.embed(Watched(), ["one"])
    await embedder.close()
    assert settings.cache_file is not None
    holder = sqlite3.connect(settings.cache_file, isolation_level=None)
    holder.execute("BEGIN EXCLUSIVE")
    embedder = await opened(settings)
    assert (await embedder.embed(Watched(), ["two"])).rows
    await embedder.close()
    holder.close()
