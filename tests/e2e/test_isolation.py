"""The assistant with its engines in processes of their own: it answers, and outlives the death of all of them."""

from __future__ import annotations

from pathlib import Path

import psutil
import pytest

from tests.kit.terminal import Terminal

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]


def test_every_engine_s_process_is_killed_and_the_conversation_goes_on(tmp_path: Path) -> None:
    """They come back by themselves, and end with the assistant."""
    apart = [f"--set=isolation.{service}.isolate=process" for service in ("llm", "embedding")]
    with Terminal(tmp_path, "--text", *apart, typed=True) as terminal:
        terminal.ready("llm", "embedding", "skills")
        before = terminal.ask("what is twelve times twelve")
        processes = psutil.Process(terminal.pid).children()
        for process in processes:
            process.kill()
        crashed: dict[str, str] = {}
        while crashed.keys() != {"llm", "embedding"}:  # one that was made again meanwhile may have been killed, too
            crash = terminal.next("service.crashed")
            crashed.setdefault(crash["service"], crash["error"])
        terminal.ready("llm", "embedding")
        after = terminal.ask("what is seven times eight")
        processes += psutil.Process(terminal.pid).children()
        terminal.hang_up()
        assert terminal.wait(30) == 0
    assert "144" in before["answered"]
    assert "56" in after["answered"]
    assert all("was killed (SIGKILL)" in error for error in crashed.values())
    gone, alive = psutil.wait_procs(processes, timeout=30)
    assert not alive
    assert gone
