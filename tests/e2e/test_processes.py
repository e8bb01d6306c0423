"""One conversation in two processes that meet at a Redis: nothing is different, also when one is killed."""

from __future__ import annotations

import contextlib
import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.kit.redis_server import RedisServer, redis_server
from tests.kit.terminal import SOTTO, Terminal, home_of

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]


@pytest.fixture
def server() -> Iterator[RedisServer]:
    with redis_server() as running:
        yield running


@contextlib.contextmanager
def worker(home: Path, server: RedisServer) -> Iterator[subprocess.Popen[str]]:
    """`sotto run skills`, once its services are ready."""
    home.mkdir(exist_ok=True)
    with subprocess.Popen(
        [*SOTTO, "run", "skills", "--bus", server.url, "--name", "kitchen"],
        env=home_of(home),
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            wait_for(process, "skills", "link")
            yield process
        finally:
            process.kill()


def wait_for(process: subprocess.Popen[str], *services: str) -> None:
    """Read what it prints until they are ready."""
    assert process.stdout is not None
    missing = set(services)
    while missing:
        line = process.stdout.readline()
        assert line, "the worker ended"
        name, _, state = line.strip().partition(": ")
        missing -= {name} if state == "ready" else set()


def test_skills_answer_from_another_process_and_its_death_costs_a_sentence(tmp_path: Path, server: RedisServer) -> None:
    """The person hears an apology while it is gone; started again under its name it answers again."""
    options = ("--text", "--bus", server.url, "--all-but", "skills")
    with Terminal(tmp_path, *options, typed=True) as terminal:
        with worker(tmp_path / "worker", server):
            terminal.ready("skills")
            first = terminal.ask("what is twelve times twelve")
            shown = subprocess.run(
                [*SOTTO, "ps", "--bus", server.url, "--json"],
                env=home_of(tmp_path),
                capture_output=True,
                text=True,
                check=True,
            )
        terminal.next("service.crashed")
        lost = terminal.ask("what is two plus two")
        with worker(tmp_path / "worker", server) as process:
            terminal.ready("skills")
            again = terminal.ask("what is seven times eight")
            process.terminate()
            assert process.wait(20) == 0
    held = {node["name"]: node["services"] for node in map(json.loads, shown.stdout.splitlines())}
    assert held["kitchen"] == ["skills"]
    assert len(held) == 2
    assert "144" in first["answered"]
    assert lost["reason"] == "failed"
    assert "56" in again["answered"]


def test_what_must_stay_with_the_conversation_is_told(tmp_path: Path) -> None:
    """In words, before anything starts."""
    done = subprocess.run(
        [*SOTTO, "run", "audio", "--bus", "redis://127.0.0.1:9"],
        env=home_of(tmp_path),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "audio cannot run apart from the conversation." in done.stderr


def test_what_was_given_up_is_listed_and_sent_again(tmp_path: Path, server: RedisServer) -> None:
    """With the reason, and once."""
    header = b'{"kind":"tool.call","version":1,"sentence":"boom"}'
    with server.client() as client:
        entry = client.xadd("sotto:dead", {"h": header, "p": b"", "reason": "5 lives ended over it", "to": "kitchen"})

    def bus(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*SOTTO, "bus", *arguments, "--bus", server.url],
            env=home_of(tmp_path),
            capture_output=True,
            text=True,
            check=False,
        )

    (letter,) = map(json.loads, bus("dead", "--json").stdout.splitlines())
    assert (letter["entry"], letter["reason"], letter["to"]) == (entry.decode(), "5 lives ended over it", "kitchen")
    assert letter["event"]["sentence"] == "boom"
    assert "tool.call was sent to kitchen again." in bus("retry", letter["entry"]).stdout
    assert bus("dead", "--json").stdout == ""
    again = bus("retry", letter["entry"])
    assert again.returncode == 1
    assert "No event" in again.stderr
    with server.client() as client:
        ((_, sent),) = client.xrange("sotto:to:kitchen")
    assert sent[b"e"] == header
