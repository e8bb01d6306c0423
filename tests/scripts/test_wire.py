"""The scripts that look and reach into a running assistant, against a real one that is typed to."""

from __future__ import annotations

import asyncio
import json
import subprocess
from collections.abc import AsyncIterator, Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from scripts import inject, load, tail
from scripts.wire import Away, Refused, Wire, injection
from services.app import Assistant, Settings
from services.gateway import GatewaySettings
from services.journal import JournalSettings
from services.models.settings import ModelsSettings
from services.skills.settings import SkillsSettings
from shared.events import GatewayOpened
from tests.kit.terminal import SOTTO, Terminal, home_of

Call = Callable[..., Coroutine[Any, Any, int]]


@pytest.fixture
async def url(tmp_path: Path) -> AsyncIterator[str]:
    """Where a typed assistant's gateway is."""
    settings = Settings(
        gateway=GatewaySettings(enabled=True, port=0),
        journal=JournalSettings(folder=tmp_path / "sessions"),
        models=ModelsSettings(folder=tmp_path / "models"),
        skills=SkillsSettings(alarms_file=tmp_path / "alarms.json"),
    )
    settings = settings.model_copy(update={"memory": settings.memory.model_copy(update={"enabled": False})})
    assistant = Assistant(settings, "text", watched=True)
    with assistant.bus.subscribe(GatewayOpened, name="test") as opened, capture_logs():
        async with assistant:
            yield (await anext(opened)).url


def script(main: Callable[[list[str]], int], url: str) -> Call:
    """A script's command, run on a thread beside the assistant."""
    return lambda *words: asyncio.to_thread(main, ["--url", url, *words])


async def test_an_event_is_injected_and_seen(url: str, capsys: pytest.CaptureFixture[str]) -> None:
    """By key=value and as JSON; `tail --json` prints what `inject --file` takes."""
    ids = []
    for words in (
        ["text.entered", "text=what is 17 times 23", "speak=false"],
        [json.dumps({"kind": "text.entered", "fields": {"text": "what is 2 times 3", "speak": False}})],
    ):
        assert await script(inject.main, url)(*words) == 0
        ids += capsys.readouterr().out.split()
    assert await script(tail.main, url)("--json", "--since", ids[0], "--count", "1", "text.entered") == 0
    event = json.loads(capsys.readouterr().out)
    assert (event["id"], event["text"]) == (ids[1], "what is 2 times 3")


async def test_what_tail_prints_can_be_injected_again(
    url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A file of it, or a pipe."""
    event = {"kind": "text.entered", "version": 1, "id": "x", "at": 1, "source": "y", "session": "s", "turn": 0,
             "cause": None, "root": "x", "trace": None, "text": "hello", "speak": False}  # fmt: skip
    (tmp_path / "said.jsonl").write_text(json.dumps(event) + "\n\n")
    assert await script(inject.main, url)("--json", "--file", str(tmp_path / "said.jsonl")) == 0
    assert set(json.loads(capsys.readouterr().out)) == {"id"}


async def test_a_turn_is_drawn_as_the_tree_of_its_causes(url: str, capsys: pytest.CaptureFixture[str]) -> None:
    """The skill's answer hangs below the question to it."""
    await script(inject.main, url)("session.cleared")
    before = capsys.readouterr().out.strip()
    await script(inject.main, url)("text.entered", "text=what is 17 times 23", "speak=false")
    assert await script(tail.main, url)("--tree", "--count", "1", "--since", before, "turn.*", "tool.*") == 0
    lines = capsys.readouterr().out
    assert "tool.call sentence=what is 17 times 23" in lines
    assert "turn.finished reason=answered" in lines
    assert "└" in lines


SCENARIO = """
- scenario: a typed question is answered
  script:
    - type: what is 17 times 23
    - until: turn.finished
    - inject: {session.cleared: {}}
  expect:
    - turn.started: {reason: text}
    - turn.finished: {answered: 17 times 23 is 391.}
    - session.cleared
  never: [turn.interrupted]
"""


async def test_a_scenario_is_played_and_judged(url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What is not as expected is named, and the status says so."""
    good, bad = tmp_path / "good.yaml", tmp_path / "bad.yaml"
    good.write_text(SCENARIO)
    bad.write_text(SCENARIO.replace("391", "392").replace("never: [turn.interrupted]", "never: [tool.call]"))
    assert await script(inject.main, url)("--scenario", str(good), "--patience", "60") == 0
    assert capsys.readouterr().out.startswith("ok  a typed question")
    assert await script(inject.main, url)("--scenario", str(bad), "--patience", "0.5", "--json") == 1
    told = json.loads(capsys.readouterr().out)
    assert [fault.split("}")[-1] for fault in told["faults"]] == [" did not come in its place", "tool.call came"]


async def test_the_suites_typed_scenarios_hold_against_a_running_sotto(
    url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """One after the other, each in a session of its own."""
    scenarios = Path(__file__).parents[1] / "conversation" / "scenarios" / "typed.yaml"
    status = await script(inject.main, url)("--scenario", str(scenarios), "--patience", "60")
    told = capsys.readouterr().out
    assert status == 0, told
    assert told.count("ok  ") >= 15


async def test_conversations_are_held_side_by_side(url: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Every turn comes to its end, also those of people who interrupt themselves."""
    words = ("--sessions", "4", "--turns", "3", "--think", "0", "--interrupt", "0.5", "--json")
    assert await script(load.main, url)(*words) == 0
    figures = {line["name"]: line["value"] for line in map(json.loads, capsys.readouterr().out.splitlines())}
    assert figures["turns that came to their end"] == 12
    assert figures["events that the watcher missed"] == 0


async def test_what_is_wrong_is_told_in_words(url: str, tmp_path: Path) -> None:
    """The field; the file and the line; the step; the absence of an assistant."""
    with pytest.raises(Refused, match=r"fields\.speak"):
        await script(inject.main, url)("text.entered", "text=hello")
    (tmp_path / "events").write_text('{"kind": "session.cleared", "fields": {}}\n{"kind"\n')
    with pytest.raises(Refused, match="line 2"):
        await script(inject.main, url)("--file", str(tmp_path / "events"))
    (tmp_path / "odd.yaml").write_text("[{script: [{dance: now}]}]")
    with pytest.raises(inject.NotAScenario, match="dance"):
        await script(inject.main, url)("--scenario", str(tmp_path / "odd.yaml"))
    (tmp_path / "odd.yaml").write_text("hello")
    with pytest.raises(inject.NotAScenario, match="script"):
        await script(inject.main, url)("--scenario", str(tmp_path / "odd.yaml"))
    with pytest.raises(Refused, match="no event kind"):
        await script(tail.main, url)("no.such")
    with pytest.raises(Away, match=r"scripts/run"):
        await asyncio.to_thread(Wire("http://127.0.0.1:9").get, "/health")


@pytest.mark.parametrize("main", [inject.main, load.main, tail.main], ids=["inject", "load", "tail"])
def test_help_shows_examples(main: Callable[[list[str]], int], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--help"])
    assert ended.value.code == 0
    assert "examples:\n  .venv/bin/python scripts/" in capsys.readouterr().out


def test_an_event_of_a_journal_becomes_an_injection() -> None:
    """The envelope that the gateway fills in is left out."""
    event = {"kind": "audio.stop", "version": 1, "id": "x", "at": 1, "source": "y", "session": "s", "turn": 2,
             "cause": None, "root": "x", "trace": None, "reply": "r"}  # fmt: skip
    assert injection(event) == {
        "kind": "audio.stop", "version": 1, "session": "s", "turn": 2, "fields": {"reply": "r"}
    }  # fmt: skip


@pytest.mark.slow
def test_a_file_is_spoken_into_the_microphone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Of a Sotto that has no other: it is heard, recognised and answered. Where nobody listens that is said."""
    spoken = subprocess.run(
        [*SOTTO, "speak", "how many miles is ten kilometers", "-o", tmp_path / "question.wav"],
        env=home_of(tmp_path), cwd=tmp_path, check=False, timeout=60,
    )  # fmt: skip
    assert spoken.returncode == 0
    with pytest.raises(Refused, match="no sound file"):
        inject.main(["--audio", __file__])
    options = ("--input", "none", "--output", "null", "--set", "gateway.enabled=true", "--set", "gateway.port=0")
    with Terminal(tmp_path, *options) as terminal:
        url = terminal.next("gateway.opened", timeout=60)["url"]
        assert inject.main(["--url", url, "--audio", str(tmp_path / "question.wav")]) == 0
        assert capsys.readouterr().out.strip()
        assert terminal.next("turn.finished", timeout=60)["answered"] == "10 kilometers is about 6.214 miles."
