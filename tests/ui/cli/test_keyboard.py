"""Typed lines arrive one by one, from a pipe or a file, and split anywhere."""

from __future__ import annotations

import asyncio
import os
import threading
from pathlib import Path
from typing import TextIO

from ui.cli.keyboard import lines


async def test_lines_of_a_pipe_arrive_whole_even_when_written_in_pieces() -> None:
    reading, writing = os.pipe()
    with os.fdopen(reading) as stream:
        typed = aiter(lines(stream))
        os.write(writing, "wie sp\xc3".encode("latin-1"))
        os.write(writing, b"\xa4t ist es\nund ")
        assert await anext(typed) == "wie spät ist es"
        os.write(writing, b"morgen")
        os.close(writing)
        assert [line async for line in typed] == ["und morgen"]


async def test_several_lines_written_at_once_are_several() -> None:
    reading, writing = os.pipe()
    os.write(writing, b"one\ntwo\n")
    os.close(writing)
    with os.fdopen(reading) as stream:
        assert [line async for line in lines(stream)] == ["one", "two"]


async def test_a_file_is_read_to_its_end(tmp_path: Path) -> None:
    (tmp_path / "typed").write_text("a\nb\n")
    with (tmp_path / "typed").open() as stream:
        assert [line async for line in lines(stream)] == ["a", "b"]


async def test_after_a_line_the_loop_goes_on_until_the_next_one_is_typed() -> None:
    """Nothing is read that is not there: a read that waits for it would hold everything up."""
    reading, writing = os.pipe()
    late = threading.Timer(5, os.write, (writing, b"late\n"))
    late.start()
    got: list[str] = []

    async def read(stream: TextIO) -> None:
        async for line in lines(stream):
            got.append(line)  # noqa: PERF401 (each is looked at as it comes)

    with os.fdopen(reading) as stream:
        typed = asyncio.create_task(read(stream))
        for line in ("one", "two"):
            os.write(writing, f"{line}\n".encode())
            for _ in range(10):
                await asyncio.sleep(0)
            assert got[-1] == line
        late.cancel()
        os.close(writing)
        await typed
    assert got == ["one", "two"]
