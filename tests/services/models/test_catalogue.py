"""The committed catalogue: whole, free by default, and honest about what was checked."""

from __future__ import annotations

from pathlib import Path

import pytest

from services.models import Catalogue, Machine, UnknownModel
from services.models.machine import _largest
from shared.errors import ConfigError
from tests.services.models.conftest import catalogue_text

GIB = 1 << 30


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return Catalogue()


def test_each_class_of_machine_gets_ears_a_mind_and_a_voice(catalogue: Catalogue) -> None:
    for kind in ("small", "medium", "large", "gpu"):
        assert sorted(entry.role for entry in catalogue.defaults(kind)) == ["llm", "stt", "tts"]


@pytest.mark.parametrize("language", ["en", "de", "fr", "es", "it"])
def test_every_default_may_be_used_freely(catalogue: Catalogue, language: str) -> None:
    for kind in ("small", "medium", "large", "gpu"):
        assert all(entry.free for entry in catalogue.defaults(kind, language))


def test_a_language_with_a_free_voice_gets_it(catalogue: Catalogue) -> None:
    voices = [entry for entry in catalogue.defaults("small", "de") if entry.role == "tts"]
    assert [voice.languages for voice in voices] == [("de",)]


def test_voices_made_from_research_recordings_are_not_free_and_say_why(catalogue: Catalogue) -> None:
    restricted = [entry for entry in catalogue if not entry.free]
    assert restricted
    assert all("research" in entry.note for entry in restricted)


def test_every_file_is_pinned_to_a_commit_or_checked_by_hash(catalogue: Catalogue) -> None:
    assert all(len(entry.revision) == 40 for entry in catalogue)
    assert all(file.sha256 is not None or file.checked == "unknown" for entry in catalogue for file in entry.files)
    assert all(file.sha256 is None or file.checked != "unknown" for entry in catalogue for file in entry.files)


def test_the_sizes_of_all_defaults_are_known_before_the_hub_is_asked(catalogue: Catalogue) -> None:
    for kind in ("small", "medium", "large", "gpu"):
        assert all(entry.bytes for entry in catalogue.defaults(kind))


def test_each_whisper_has_the_files_its_engine_loads(catalogue: Catalogue) -> None:
    for entry in (e for e in catalogue if e.engine == "faster-whisper"):
        names = {file.name for file in entry.files}
        assert names >= {"config.json", "model.bin", "tokenizer.json"}
        assert names & {"vocabulary.txt", "vocabulary.json"}


def test_each_voice_has_its_configuration(catalogue: Catalogue) -> None:
    for entry in (e for e in catalogue if e.engine == "piper"):
        voice, config = sorted(file.path for file in entry.files)
        assert config == voice + ".json"


def test_a_name_that_is_nearly_right_is_answered_with_the_right_one(catalogue: Catalogue) -> None:
    with pytest.raises(UnknownModel, match="whisper-base"):
        catalogue.get("wisper-base")


@pytest.mark.parametrize(
    "text",
    [
        "[",
        catalogue_text() + catalogue_text().partition("[voice]")[2],
        catalogue_text().replace('small = ["tiny"]', 'small = ["nobody"]'),
        catalogue_text().replace("free = true", 'free = true\ncolour = "red"'),
        catalogue_text("xyz"),
    ],
    ids=["no TOML", "a name twice", "a default that is not there", "an unknown key", "a hash that is none"],
)
def test_a_catalogue_that_contradicts_itself_is_refused(text: str, tmp_path: Path) -> None:
    path = tmp_path / "catalogue.toml"
    path.write_text(text)
    with pytest.raises((ConfigError, UnknownModel)):
        Catalogue(path)


@pytest.mark.parametrize(
    ("cores", "memory", "gpu_memory", "kind"),
    [(2, 24, 0, "small"), (4, 8, 0, "small"), (4, 16, 0, "medium"), (8, 32, 0, "large"), (2, 8, 12, "gpu")],
)
def test_the_class_follows_cores_memory_and_graphics(cores: int, memory: int, gpu_memory: int, kind: str) -> None:
    assert Machine(cores, memory * GIB, "", gpu_memory * GIB).kind == kind


def test_a_machine_is_described_in_a_sentence() -> None:
    assert str(Machine(4, 16 * GIB, "", 0)) == "4 cores, 16 GiB of memory, no graphics processor"


def test_the_largest_graphics_card_counts() -> None:
    assert _largest("A, 8192\nB, 24576\n") == ("B", 24576 << 20)
    assert _largest("No devices were found\n") == ("", 0)
    assert _largest("A, [N/A]\n") == ("", 0)
