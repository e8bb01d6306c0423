"""One conversation over five processes, and over machines of their own network, through a slow and unreliable line."""

from __future__ import annotations

import contextlib
import itertools
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from tests.kit.redis_server import RedisServer, redis_server
from tests.kit.terminal import ROOT, SOTTO, Terminal, home_of

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(500),
    pytest.mark.only_long("processes and network namespaces (root), for a minute"),
]

SERVICES = ("skills", "llm", "tts", "embedding", "memory")
QUESTIONS = {
    "what is twelve times twelve": "144",
    "how many miles is ten kilometers": "6.214",
    "set a pasta timer for ten minutes": "pasta timer is set for 10 minutes",
    "what is seven times eight": "56",
    "remember that my bike code is 4512": "",
    "what is my bike code": "4512",
}


class Line:
    """The proxy between everybody and Redis, in a process of its own."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        assert process.stdout is not None
        self._process = process
        self.address = process.stdout.readline().strip()

    def does(self, what: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(f"{what}\n")
        self._process.stdin.flush()


@contextlib.contextmanager
def line(server: RedisServer, host: str = "127.0.0.1", within: Sequence[str] = ()) -> Iterator[Line]:
    """A proxy that delays by 20 ms."""
    command = [*within, sys.executable, "-m", "tests.kit.proxy", server.socket, host, "0"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
        try:
            found = Line(process)
            found.does("delay 0.02")
            yield found
        finally:
            process.kill()


@contextlib.contextmanager
def worker(home: Path, url: str, services: Sequence[str], within: Sequence[str] = ()) -> Iterator[None]:
    """`sotto run`, once it is linked."""
    command = [*within, *SOTTO, "run", *services, "--bus", url, "--name", ".".join(services)]
    with subprocess.Popen(command, env=home_of(home), stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
        try:
            assert process.stdout is not None
            while (said := process.stdout.readline()) != "link: ready\n":
                assert said, "the worker ended"
            yield
        finally:
            process.kill()


def converse(terminal: Terminal, questions: dict[str, str]) -> None:
    for question, answer in questions.items():
        assert answer in terminal.ask(question)["answered"], question


def holds_through(terminal: Terminal, connection: Line) -> None:
    """The same answers while the line is slow, after it broke, and after it stood still."""
    terminal.ready("skills", "memory", timeout=60)
    converse(terminal, QUESTIONS)
    connection.does("cut")
    converse(terminal, dict(itertools.islice(QUESTIONS.items(), 2)))
    connection.does("stall")
    time.sleep(1.0)  # the line is dead for so long
    connection.does("flow")
    converse(terminal, dict(itertools.islice(QUESTIONS.items(), 2)))


def test_five_processes(tmp_path: Path) -> None:
    """Every service that can be apart is."""
    with contextlib.ExitStack() as stack:
        connection = stack.enter_context(line(stack.enter_context(redis_server())))
        url = f"redis://{connection.address}"
        for service in SERVICES:
            home = tmp_path / service
            home.mkdir()
            stack.enter_context(worker(home, url, [service]))
        options = [part for service in SERVICES for part in ("--all-but", service)]
        holds_through(stack.enter_context(Terminal(tmp_path, "--text", "--bus", url, *options, typed=True)), connection)


def test_three_machines(tmp_path: Path) -> None:
    """Redis, the workers and the conversation each in a network namespace of its own."""
    with contextlib.ExitStack() as stack:
        redis_, workers, person = (stack.enter_context(machine(number)) for number in (1, 2, 3))
        connection = stack.enter_context(line(stack.enter_context(redis_server()), "10.98.76.1", redis_))
        url = f"redis://{connection.address}"
        (tmp_path / "worker").mkdir()
        stack.enter_context(worker(tmp_path / "worker", url, ["skills", "memory", "embedding"], workers))
        options = ("--text", "--bus", url, *("--all-but", "skills", "--all-but", "memory", "--all-but", "embedding"))
        terminal = Terminal(tmp_path, *options, typed=True, program=[*person, *SOTTO])
        holds_through(stack.enter_context(terminal), connection)


@contextlib.contextmanager
def machine(number: int) -> Iterator[list[str]]:
    """A network namespace on a bridge with the others; yields what runs a command in it."""
    name, bridge = f"sotto-m{number}", "sotto-bridge"

    def ip(*words: str, check: bool = True) -> None:
        subprocess.run(["ip", *words], check=check, capture_output=True)

    ip("link", "add", bridge, "type", "bridge", check=False)  # the first machine makes it
    ip("link", "set", bridge, "up")
    ip("netns", "add", name)
    try:
        ip("link", "add", f"sotto-v{number}", "type", "veth", "peer", "name", "eth0", "netns", name)
        ip("link", "set", f"sotto-v{number}", "master", bridge, "up")
        ip("-n", name, "addr", "add", f"10.98.76.{number}/24", "dev", "eth0")
        ip("-n", name, "link", "set", "eth0", "up")
        ip("-n", name, "link", "set", "lo", "up")
        yield ["ip", "netns", "exec", name]
    finally:
        ip("netns", "del", name, check=False)
        ip("link", "del", bridge, check=False)
