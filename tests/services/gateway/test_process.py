"""The gateway of a real `sotto`: another program types into it, services are run again, and it ends as it should."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from scripts.wire import Wire
from tests.kit.terminal import Terminal

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]

OPEN = ("--text", "--set", "gateway.enabled=true", "--set")


def test_another_program_talks_to_it_and_it_ends_in_time(tmp_path: Path) -> None:
    """A question typed elsewhere is answered, a service is run again by order, and SIGTERM ends it with a watcher."""
    with Terminal(tmp_path, *OPEN, "gateway.port=0", typed=True) as terminal:
        wire = Wire(terminal.next("gateway.opened", timeout=90)["url"])
        if "skills" not in [event["service"] for event in terminal.of("service.ready")]:
            terminal.ready("skills", timeout=90)
        with wire.watch(kind="turn.finished") as watch:
            wire.post([{"kind": "service.crash", "fields": {"service": "skills"}}])
            terminal.next("service.restarted", timeout=90)
            terminal.ready("skills", timeout=90)
            wire.post([{"kind": "text.entered", "fields": {"text": "what is 17 times 23", "speak": False}}])
            assert watch.next(90)["event"]["answered"] == "17 times 23 is 391."
            assert wire.get("/ready")["services"]["skills"]["restarts"] == 1
            assert terminal.stop() == 0
    assert "skills" in terminal.errors.read_text()  # the crash, and nothing else
    assert "gateway" not in terminal.errors.read_text()


def test_a_taken_port_does_not_keep_it_from_talking(tmp_path: Path) -> None:
    """The person is told, and answered."""
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with Terminal(tmp_path, *OPEN, f"gateway.port={port}", typed=True) as terminal:
            while f"Port {port} is taken" not in terminal.next("service.degraded", timeout=90)["reason"]:
                pass
            assert terminal.ask("what is 17 times 23")["answered"] == "17 times 23 is 391."
            assert terminal.stop() == 0
