"""Logs: one line per fact from every source, secrets masked, libraries quiet, and a full disk survived."""

from __future__ import annotations

import io
import json
import logging
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog
from pydantic import SecretStr

from shared.errors import ConfigError
from shared.logs import configure, recent


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    """Leave logging as it was found."""
    root = logging.getLogger()
    level, handlers, levels = root.level, list(root.handlers), {}
    for name, logger in logging.root.manager.loggerDict.items():
        if isinstance(logger, logging.Logger):
            levels[name] = logger.level
    yield
    for handler in [h for h in root.handlers if h not in handlers]:
        root.removeHandler(handler)
        handler.close()
    root.setLevel(level)
    for name in logging.root.manager.loggerDict:
        logging.getLogger(name).setLevel(levels.get(name, logging.NOTSET))
    logging.captureWarnings(False)
    structlog.reset_defaults()


def crash() -> None:
    raise ValueError("two\nlines")


def test_a_fact_is_one_line_for_a_person():
    """Time, level, phrase, logger and facts; an error is what it is and where, without its traceback."""
    stream = io.StringIO()
    configure("info", "console", stream)
    structlog.get_logger("audio").info("device opened", device="USB\nmicrophone", rate=48_000)
    try:
        crash()
    except ValueError:
        structlog.get_logger("audio").exception("device lost")
    opened, lost = stream.getvalue().splitlines()
    assert "device opened" in opened
    assert "rate=48000" in opened
    assert "audio" in opened
    assert "ValueError: two\\nlines" in lost
    assert "test_logs.py:" in lost


def test_debug_shows_the_traceback():
    """Whoever debugs wants to see it."""
    stream = io.StringIO()
    configure("debug", "console", stream)
    try:
        crash()
    except ValueError:
        structlog.get_logger("audio").exception("device lost")
    assert "Traceback (most recent call last)" in stream.getvalue()


def test_json_lines_hold_everything_in_one_object():
    """Level, logger, time, facts and the traceback, from structlog and the standard library alike."""
    stream = io.StringIO()
    configure("info", "json", stream)
    structlog.get_logger("audio").info("device opened", path=Path("/dev/snd"))
    logging.getLogger("library").warning("it is %s", "late")
    try:
        crash()
    except ValueError:
        structlog.get_logger("audio").exception("device lost")
    opened, late, lost = map(json.loads, stream.getvalue().splitlines())
    assert opened | {"timestamp": ""} == {
        "event": "device opened",
        "level": "info",
        "logger": "audio",
        "path": "/dev/snd",
        "timestamp": "",
    }
    assert (late["event"], late["logger"], late["level"]) == ("it is late", "library", "warning")
    assert "two\nlines" in lost["exception"]


def test_warnings_are_log_lines():
    """A library's deprecation does not tear up the terminal."""
    stream = io.StringIO()
    configure("warning", "json", stream)
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.warn("old\nways", DeprecationWarning, stacklevel=1)
    (line,) = stream.getvalue().splitlines()
    assert "DeprecationWarning: old ways" in json.loads(line)["event"]


def test_below_the_level_nothing_is_written():
    """Neither ours nor theirs."""
    stream = io.StringIO()
    configure("warning", "console", stream)
    structlog.get_logger("audio").info("device opened")
    logging.getLogger("library").info("chatter")
    assert stream.getvalue() == ""


def test_noisy_libraries_are_quiet_even_when_we_are_not():
    """Their info lines are about themselves; their warnings come through."""
    stream = io.StringIO()
    configure("info", "json", stream)
    logging.getLogger("httpx").info("HTTP Request: GET")
    logging.getLogger("faster_whisper").info("Processing audio")
    logging.getLogger("httpx").warning("refused")
    assert [json.loads(line)["event"] for line in stream.getvalue().splitlines()] == ["refused"]


@pytest.mark.parametrize("format", ["console", "json"])
def test_secrets_are_never_written(format):
    """Neither values that know they are secret nor those under a name that says so."""
    stream = io.StringIO()
    configure("info", format, stream)
    structlog.get_logger("gateway").info(
        "listening", key=SecretStr("hunter2"), api_key="hunter2", Authorization="hunter2"
    )
    assert "hunter2" not in stream.getvalue()
    assert "***" in stream.getvalue()


def test_a_file_gets_json_lines_beside_the_stream(tmp_path):
    """Appended, folder made; configuring anew lets it go."""
    file = tmp_path / "logs" / "sotto.log"
    stream = io.StringIO()
    for _ in range(2):
        configure("info", "console", stream, file)
        structlog.get_logger("audio").info("device opened")
    configure("info", "console", stream)
    structlog.get_logger("audio").info("device closed")
    assert [json.loads(line)["event"] for line in file.read_text().splitlines()] == ["device opened"] * 2
    assert len(stream.getvalue().splitlines()) == 3


def test_a_log_file_that_cannot_be_opened_is_told(tmp_path):
    """As a mistake in the settings."""
    with pytest.raises(ConfigError, match="cannot be written: Is a directory"):
        configure(file=tmp_path)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs Linux's full device")
def test_a_full_disk_ends_the_log_file_and_nothing_else():
    """It is said once; the stream goes on."""
    stream = io.StringIO()
    configure("info", "json", stream, Path("/dev/full"))
    for _ in range(3):
        structlog.get_logger("audio").info("device opened")
    events = [json.loads(line)["event"] for line in stream.getvalue().splitlines()]
    assert events.count("device opened") == 3
    assert events.count("the log file is given up") == 1


def test_the_last_lines_are_remembered_whatever_is_shown():
    """From level info on, with their facts; the older ones go."""
    stream = io.StringIO()
    configure("error", "console", stream)
    log = structlog.get_logger("tts")
    log.debug("too much")
    for number in range(600):
        log.info("spoke", number=number, api_key="secret")
    lines = recent()
    assert stream.getvalue() == ""
    assert [line["number"] for line in lines] == list(range(100, 600))
    assert (lines[0]["event"], lines[0]["logger"], lines[0]["api_key"]) == ("spoke", "tts", "**********")
    configure("error", "console", stream)
    assert recent() == []
