"""Settings: which source wins, where each value came from, and what a mistake is told."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import BaseModel, ConfigDict, Field, SecretStr

from shared.config import find_file, load
from shared.errors import ConfigError


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Sound(_Section):
    input: str = "default"
    volume: int = Field(default=100, ge=0, le=100)
    cleaned: bool | None = None
    words: tuple[str, ...] = ()
    gains: dict[str, float] = {}


class Door(_Section):
    key: SecretStr | None = None
    port: int = 8700


class Tree(_Section):
    language: str = "en"
    audio: Sound = Sound()
    gateway: Door = Door()


def loaded(
    *, flags: dict[str, object] | None = None, environ: dict[str, str] | None = None, file: Path | None = None
) -> tuple[Tree, dict[str, tuple[object, str]]]:
    result = load(Tree, flags=flags or {}, environ=environ or {}, file=file)
    return result.settings, {key: (one.value, one.source) for key, one in result.origins.items()}


def refused(**sources: object) -> str:
    with pytest.raises(ConfigError) as caught:
        loaded(**sources)  # type: ignore[arg-type]  # the sources of `loaded`, by name
    return str(caught.value)


@pytest.fixture
def toml(tmp_path: Path):
    """Write a settings file and return its path."""

    def write(text: str) -> Path:
        path = tmp_path / "sotto.toml"
        path.write_text(text)
        return path

    return write


def test_flags_weigh_more_than_the_environment_than_the_file_than_defaults(toml):
    """Each source fills what those above it left open, and every leaf knows where its value came from."""
    file = toml('language = "de"\n\n[audio]\nvolume = 10\ninput = "file"\nwords = ["a"]\n')
    environ = {"SOTTO_AUDIO__VOLUME": "20", "SOTTO_AUDIO__INPUT": "variable", "HOME": "/root"}
    settings, origins = loaded(flags={"audio.volume": 30, "language": None}, environ=environ, file=file)
    assert (settings.audio.volume, settings.audio.input, settings.language) == (30, "variable", "de")
    assert origins == {
        "language": ("de", f"{file}:1"),
        "audio.input": ("variable", "SOTTO_AUDIO__INPUT"),
        "audio.volume": (30, "flag"),
        "audio.cleaned": (None, "default"),
        "audio.words": (("a",), f"{file}:6"),
        "audio.gains": ({}, "default"),
        "gateway.key": (None, "default"),
        "gateway.port": (8700, "default"),
    }


def test_a_tree_without_sources_is_its_defaults():
    """No file and nothing in the environment is the ordinary case."""
    assert loaded()[0] == Tree()


@pytest.mark.parametrize(
    ("text", "words"),
    [('["a", "b"]', ("a", "b")), ("a, b", ("a", "b")), ("hey_jarvis", ("hey_jarvis",)), ("", ()), ("[]", ())],
)
def test_lists_in_flags_and_the_environment_are_json_or_words_with_commas(text, words):
    """Typing JSON into a shell is a nuisance for a single word."""
    assert loaded(environ={"SOTTO_AUDIO__WORDS": text})[0].audio.words == words
    assert loaded(flags={"audio.words": text})[0].audio.words == words


def test_the_environment_is_read_as_the_types_ask():
    """Booleans by word, tables as JSON, and empty for unset where nothing is a possible value."""
    environ = {"SOTTO_AUDIO__CLEANED": "yes", "SOTTO_AUDIO__GAINS": '{"left": 0.5}', "SOTTO_LANGUAGE": ""}
    settings, _ = loaded(environ=environ)
    assert settings.audio.cleaned is True
    assert settings.audio.gains == {"left": 0.5}
    assert settings.language == ""
    assert loaded(environ={"SOTTO_AUDIO__CLEANED": ""})[0].audio.cleaned is None


def test_an_unknown_key_is_refused_with_its_place_and_the_nearest_known_one(toml):
    """From whichever source it comes."""
    file = toml("[audio]\n# loud\nvolum = 3\n")
    assert refused(file=file).startswith(
        f"There is no setting `audio.volum` (from {file}:3). Did you mean `audio.volume`?"
    )
    assert "`audio.inptu` (from SOTTO_AUDIO__INPTU). Did you mean `audio.input`?" in refused(
        environ={"SOTTO_AUDIO__INPTU": "x"}
    )
    assert "`sound.volume` (from flag). Did you mean `audio.volume`?" in refused(flags={"sound.volume": 3})
    assert "`audoi.volume`" in refused(file=toml("[audoi]\nvolume = 3\n"))
    assert "Did you mean" not in refused(environ={"SOTTO_QQQ": "x"})


def test_a_section_is_no_setting(toml):
    """Giving a value to a whole section is told as what it is."""
    assert "`audio` (from " in refused(file=toml("audio = 3\n"))
    assert "is a section, not a setting" in refused(environ={"SOTTO_AUDIO": "x"})


def test_an_unusable_value_is_told_with_its_place(toml):
    """All wrong values at once, each with where it came from."""
    file = toml("[audio]\nvolume = 300\n")
    message = refused(file=file, environ={"SOTTO_GATEWAY__PORT": "many"})
    assert f"audio.volume: Input should be less than or equal to 100, not 300 (from {file}:2)." in message
    assert "gateway.port: Input should be a valid integer" in message
    assert "not 'many' (from SOTTO_GATEWAY__PORT)" in message


def test_secrets_are_masked_wherever_they_show():
    """In the origins, in the settings' own text and in errors."""
    settings, origins = loaded(environ={"SOTTO_GATEWAY__KEY": "hunter2"})
    assert settings.gateway.key is not None
    assert settings.gateway.key.get_secret_value() == "hunter2"
    assert origins["gateway.key"] == ("**********", "SOTTO_GATEWAY__KEY")
    assert "hunter2" not in repr(settings)
    assert "hunter2" not in refused(flags={"gateway.key": ["hunter2"]})


@pytest.mark.parametrize(
    ("text", "told"),
    [("", "is empty"), (" \n", "is empty"), ("[audio\nvolume = 3", "is not valid TOML"), ("a = 1\na =\n", "line 2")],
)
def test_a_broken_file_is_named(toml, text, told):
    """With what is wrong in it, and the line where there is one."""
    file = toml(text)
    message = refused(file=file)
    assert str(file) in message
    assert told in message


def test_a_file_that_cannot_be_read_is_named(tmp_path):
    """Missing, a folder, or no text."""
    (tmp_path / "noise").write_bytes(b"\xff\xfe\x00")
    assert "There is no settings file" in refused(file=tmp_path / "missing.toml")
    assert "Is a directory" in refused(file=tmp_path)
    assert "no text in UTF-8" in refused(file=tmp_path / "noise")


def test_a_file_of_comments_sets_nothing(toml):
    """A commented-out example is a valid file."""
    assert loaded(file=toml("# [audio]\n# volume = 3\n"))[0] == Tree()


def test_the_settings_file_is_looked_for_in_four_places(tmp_path, monkeypatch):
    """The flag, the variable, the folder, the user's own; none is fine."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    from platformdirs import user_config_path

    here = tmp_path / "here"
    here.mkdir()
    assert find_file(None, {}, here) is None
    own = user_config_path("sotto") / "sotto.toml"
    own.parent.mkdir(parents=True)
    own.touch()
    assert find_file(None, {}, here) == own
    (here / "sotto.toml").touch()
    assert find_file(None, {}, here) == here / "sotto.toml"
    assert find_file(None, {"SOTTO_CONFIG": "/etc/sotto.toml"}, here) == Path("/etc/sotto.toml")
    assert find_file(Path("mine.toml"), {"SOTTO_CONFIG": "/etc/sotto.toml"}, here) == Path("mine.toml")
