"""One conversation over five processes, and over machines of their own network, through a slow and unreliable line."""

from __future__ import annotations

import contextlib
import itertools
import subprocess
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
import soundfile

from tests.kit.machines import Line, line, machine
from tests.kit.redis_server import redis_server
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


def test_speech_is_recognised_and_spoken_elsewhere(tmp_path: Path) -> None:
    """Sound crosses both ways: what the person says, and what is answered."""
    question = tmp_path / "question.wav"
    said = [*SOTTO, "speak", "what is seventeen times twenty three", "-o", question]
    subprocess.run(said, env=home_of(tmp_path), check=True, timeout=60)
    samples, rate = soundfile.read(question, dtype="float32")
    soundfile.write(question, np.concatenate([np.zeros(rate), samples, np.zeros(3 * rate)]), rate)
    with contextlib.ExitStack() as stack:
        connection = stack.enter_context(line(stack.enter_context(redis_server())))
        url = f"redis://{connection.address}"
        stack.enter_context(worker(tmp_path, url, ["stt", "tts"]))
        options = ("--input", str(question), "--output", str(tmp_path / "answer.wav"), "--bus", url)
        terminal = stack.enter_context(Terminal(tmp_path, *options, "--all-but", "stt", "--all-but", "tts"))
        assert terminal.wait(120) == 0
        terminal.rest()
    (finished,) = terminal.of("turn.finished")
    assert (finished["asked"], finished["heard"]) == ("what is seventeen times twenty three", "17 times 23 is 391.")


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
