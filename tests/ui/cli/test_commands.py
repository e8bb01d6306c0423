"""The commands do what they say, and say what is wrong in words that help."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import wave
from collections.abc import Callable
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

Run = Callable[..., subprocess.CompletedProcess[str]]
ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def sotto(tmp_path: Path) -> Run:
    """Runs `sotto` with a home of its own."""

    env = {
        **{name: value for name, value in os.environ.items() if not name.startswith("SOTTO_")},
        "SOTTO_SKILLS__ALARMS_FILE": str(tmp_path / "alarms.json"),
        "SOTTO_MODELS__FOLDER": str(tmp_path / "models"),
        "SOTTO_MEMORY__FOLDER": str(tmp_path / "memory"),
        "SOTTO_JOURNAL__FOLDER": str(tmp_path / "sessions"),
        "SOTTO_GATEWAY__ENABLED": "false",
        "HF_ENDPOINT": "http://127.0.0.1:9",
        "PYTHONPATH": str(ROOT),
    }

    def run(*arguments: str, typed: str = "") -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "ui.cli", *arguments],
            input=typed, env=env, cwd=tmp_path, capture_output=True, text=True, errors="replace", timeout=110,
            check=False,
        )  # fmt: skip

    return run


def test_asking_prints_the_answer_alone(sotto: Run) -> None:
    asked = sotto("ask", "what", "is", "17", "times", "23")
    assert (asked.returncode, asked.stdout.strip()) == (0, "17 times 23 is 391.")


def test_without_a_language_model_the_answer_says_how_to_get_one(sotto: Run) -> None:
    assert "sotto models pull" in sotto("ask", "who wrote Faust").stdout


def test_a_typed_conversation_remembers_its_timers_and_ends_with_its_input(sotto: Run) -> None:
    typed = sotto("--text", typed="set a pasta timer for ten minutes\nhow long is left on the pasta timer\n")
    assert typed.returncode == 0
    assert re.search(r"(10 minutes|9 minutes and \d+ seconds) left", typed.stdout)


def test_events_as_json_tell_the_turn_from_text_to_end(sotto: Run) -> None:
    events = [json.loads(line) for line in sotto("--json", "--text", typed="what time is it\n").stdout.splitlines()]
    kinds = [event["kind"] for event in events if event["turn"] == 1]
    assert kinds[0] == "turn.started"
    assert kinds[-1] == "turn.finished"
    assert {"turn.committed", "tool.call", "tool.result"} < set(kinds)


@pytest.mark.parametrize("command", [("config",), ("models", "list"), ("ask", "who", "are", "you")])
def test_json_may_be_asked_for_before_the_command(sotto: Run, command: tuple[str, ...]) -> None:
    lines = sotto("--json", *command).stdout.splitlines()
    assert lines
    assert all(isinstance(json.loads(line), dict) for line in lines)


def test_speaking_writes_a_wav_file_and_tells_where_each_word_sounds(sotto: Run, tmp_path: Path) -> None:
    spoken = sotto("speak", "It costs €12.50 today.", "-o", "it.wav", "--json")
    row = json.loads(spoken.stdout)
    assert [word["text"].strip(".") for word in row["words"]] == ["It", "costs", "€12.50", "today"]
    with wave.open(str(tmp_path / "it.wav")) as sound:
        assert sound.getnframes() >= row["words"][-1]["until_sample"]
        assert sound.getframerate() == row["rate"]


def test_what_was_spoken_into_a_file_is_written_down_with_times(sotto: Run) -> None:
    sotto("speak", "set a timer for ten minutes", "-o", "it.wav")
    row = json.loads(sotto("transcribe", "it.wav", "--json").stdout)
    assert row["text"] == "set a timer for ten minutes"
    assert (row["file"], row["engine"], row["language"]) == ("it.wav", "pocketsphinx", "en")
    assert [word["text"] for word in row["words"]] == row["text"].split()
    assert 0 <= row["words"][0]["start"] < row["words"][-1]["end"] <= row["seconds"]


def test_what_is_spoken_to_standard_output_is_sound_alone(sotto: Run) -> None:
    """The transcript goes beside it, and events, which would go there too, are refused."""
    sotto("speak", "what time is it", "-o", "it.wav")
    piped = ("--input", "it.wav", "--output", "-", "--set", "audio.pace=fast")
    held = sotto(*piped)
    assert (held.returncode, "sotto" in held.stdout, len(held.stdout) > 10_000) == (0, False, True)
    assert "  you  what time is it" in held.stderr
    refused = sotto(*piped, "--json")
    assert (refused.returncode, refused.stdout) == (1, "")
    assert "cannot both" in refused.stderr


def test_dictation_takes_a_file_named_after_the_command(sotto: Run) -> None:
    sotto("speak", "what time is it", "-o", "it.wav")
    written = sotto("listen", "--input", "it.wav")
    assert (written.returncode, written.stdout.splitlines()[-1]) == (0, "what time is it")


def test_a_file_that_is_no_sound_is_named_and_the_others_are_written_down(sotto: Run, tmp_path: Path) -> None:
    (tmp_path / "empty.wav").touch()
    sotto("speak", "what time is it", "-o", "it.wav")
    done = sotto("transcribe", "empty.wav", "it.wav")
    assert done.returncode == 1
    assert "empty.wav is empty" in done.stderr
    assert "what time is it" in done.stdout


def test_an_engine_that_does_not_exist_is_refused_with_those_that_do(sotto: Run) -> None:
    refused = sotto("speak", "hello", "-o", "it.wav", "--engine", "festival")
    assert refused.returncode == 1
    assert "espeak-ng" in refused.stderr


def test_a_place_that_cannot_be_written_is_named(sotto: Run) -> None:
    spoken = sotto("speak", "hello", "-o", "no/such/folder/it.wav")
    assert spoken.returncode == 1
    assert "cannot be written" in spoken.stderr


def test_an_unknown_setting_is_named_with_the_nearest_one(sotto: Run) -> None:
    wrong = sotto("--set", "audio.volum=3", "config")
    assert wrong.returncode == 1
    assert "audio.volume" in wrong.stderr


def test_what_is_in_brackets_is_said_as_it_is(sotto: Run) -> None:
    refused = sotto("transcribe", "no [/such].wav")
    assert refused.returncode == 1
    assert "no [/such].wav" in refused.stderr
    assert "Traceback" not in refused.stderr


def test_the_settings_say_where_they_come_from(sotto: Run, tmp_path: Path) -> None:
    (tmp_path / "sotto.toml").write_text('language = "de"\n')
    rows = {
        row["key"]: row
        for row in map(json.loads, sotto("--set", "audio.volume=80", "config", "--json").stdout.splitlines())
    }
    assert rows["language"]["value"] == "de"
    assert "sotto.toml:1" in rows["language"]["source"]
    assert rows["audio.volume"] == {"key": "audio.volume", "value": 80, "source": "flag"}
    assert rows["dialogue.language"]["value"] == "de"


def test_the_doctor_names_what_is_missing_and_the_command_that_mends_it(sotto: Run) -> None:
    findings = {row["what"]: row for row in map(json.loads, sotto("doctor", "--json").stdout.splitlines())}
    assert findings["python"]["ok"]
    assert findings["llm model"]["remedy"] == "sotto models pull"


def test_the_doctor_says_what_the_language_model_is_computed_on(sotto: Run) -> None:
    """Layers that are to go to a GPU are no use to a build without one, and it says so."""

    def engine(*options: str) -> dict[str, object]:
        rows = map(json.loads, sotto(*options, "doctor", "--json").stdout.splitlines())
        return next(row for row in rows if row["what"] == "llama.cpp")

    usual, wanted = engine(), engine("--set", "llm.gpu_layers=20")
    assert usual["detail"] in ("installed, on the CPU", "installed, with a GPU")
    if usual["detail"] == "installed, on the CPU":
        assert not wanted["ok"]
        assert "built without a GPU" in str(wanted["detail"])


def test_pulling_without_a_hub_says_so_and_how_to_go_on(sotto: Run) -> None:
    pulled = sotto("models", "pull", "whisper-tiny", "--yes")
    assert pulled.returncode == 1
    assert "could not be reached" in pulled.stderr
    assert "--from FOLDER" in pulled.stderr


def test_the_catalogue_marks_the_default_set_of_this_machine(sotto: Run) -> None:
    rows = [json.loads(line) for line in sotto("models", "list", "--json").stdout.splitlines()]
    assert {row["role"] for row in rows if row["default"]} >= {"stt", "llm", "tts"}
