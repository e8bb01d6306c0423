"""Logs: one line per fact, for a person at a terminal or as JSON; from our code, from libraries, and warnings alike.

Secrets are masked, libraries are kept to what matters, and nothing is logged per audio frame.
"""

from __future__ import annotations

import json
import logging
import os
import sys
import traceback
from collections import deque
from collections.abc import MutableMapping
from pathlib import Path
from typing import Any, Literal, TextIO

from shared.errors import ConfigError
from shared.lazily import without

with without("greenlet", "rich"):  # taken where they are installed, and never needed: 7 MB and 40 ms a process
    import structlog

__all__ = ["configure", "get_logger", "recent"]

get_logger = structlog.get_logger
"""Of a part of Sotto, by its name: `get_logger("audio").info("device opened", device=name)`."""

Level = Literal["debug", "info", "warning", "error"]
_Facts = MutableMapping[str, Any]

_NOISY = (
    "asyncio",
    "chromadb",
    "faster_whisper",
    "filelock",
    "hassil",
    "httpcore",
    "httpx",
    "huggingface_hub",
    "livekit",
    "numba",
    "piper",
    "urllib3",
)
"""Libraries whose debug and info lines are about themselves."""

_SECRET_WORDS = ("api_key", "apikey", "authorization", "password", "secret", "token")
_MASK = "**********"
_RECENT = 500
"""Lines that are remembered."""


def configure(
    level: Level = "warning",
    format: Literal["console", "json"] = "console",
    stream: TextIO | None = None,
    file: Path | None = None,
) -> None:
    """Send every log line of `level` and above to `stream` (None: stderr), and as JSON to the end of `file`.

    structlog, the standard library's logging and Python's warnings end up in the same place. Calling it again
    replaces what was configured before. Raises ConfigError when the file cannot be written.
    """
    number = logging.getLevelNamesMapping()[level.upper()]
    root = logging.getLogger()
    _remove_handlers(root)
    stream = stream or sys.stderr
    kept = min(number, logging.INFO)
    _add(root, _Stream(stream), _console(stream, number) if format == "console" else _json(), number)
    _add(root, _Recent(), _json(), kept)
    if file is not None:
        _add(root, _open(file), _json(), number)
    root.setLevel(kept)
    for name in _NOISY:
        logging.getLogger(name).setLevel(max(number, logging.INFO if number <= logging.DEBUG else logging.WARNING))
    logging.captureWarnings(True)
    structlog.configure(
        processors=[*_SHARED, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.make_filtering_bound_logger(kept),
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,
    )


def recent() -> list[dict[str, Any]]:
    """Return the last lines since `configure`, from level info on, oldest first, each as in the file."""
    kept = next((handler for handler in logging.getLogger().handlers if isinstance(handler, _Recent)), None)
    return [json.loads(line) for line in tuple(kept.lines)] if kept is not None else []


# ---- where lines go


class _Stream(logging.StreamHandler[TextIO]):
    """A handler that `configure` made and may replace."""


class _Recent(logging.Handler):
    """Keeps the last lines, for whoever asks later."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: deque[str] = deque(maxlen=_RECENT)

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(self.format(record))


class _File(logging.Handler):
    """Whole lines at the end of a file; let go of, and said once, when it cannot be written any more (a full disk)."""

    def __init__(self, file: Path) -> None:
        super().__init__()
        self._file = file
        self._descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    def emit(self, record: logging.LogRecord) -> None:
        line = self.format(record).encode() + b"\n"
        try:
            os.write(self._descriptor, line)
        except OSError as error:
            logging.getLogger().removeHandler(self)
            self.close()
            structlog.get_logger("logs").error("the log file is given up", file=str(self._file), error=str(error))

    def close(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1
        super().close()


def _open(file: Path) -> logging.Handler:
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        return _File(file)
    except OSError as error:
        raise ConfigError(f"The log file {file} cannot be written: {error.strerror}.") from error


def _add(root: logging.Logger, handler: logging.Handler, formatter: logging.Formatter, level: int) -> None:
    handler.setFormatter(formatter)
    handler.setLevel(level)
    root.addHandler(handler)


def _remove_handlers(root: logging.Logger) -> None:
    for handler in [h for h in root.handlers if isinstance(h, _Stream | _Recent | _File)]:
        root.removeHandler(handler)
        handler.close()


# ---- how lines look


def _console(stream: TextIO, level: int) -> logging.Formatter:
    stamp = structlog.processors.TimeStamper(fmt="%H:%M:%S", utc=False, key="timestamp")
    error = structlog.processors.format_exc_info if level <= logging.DEBUG else _error_in_one_line
    renderer = structlog.dev.ConsoleRenderer(colors=stream.isatty(), pad_event_to=0, sort_keys=False)
    return _formatter(stamp, error, renderer)


def _json() -> logging.Formatter:
    stamp = structlog.processors.TimeStamper(fmt="iso", utc=True, key="timestamp")
    return _formatter(
        stamp,
        structlog.processors.format_exc_info,
        structlog.processors.JSONRenderer(serializer=lambda facts, **options: json.dumps(facts, default=str)),
    )


def _formatter(*processors: structlog.typing.Processor) -> logging.Formatter:
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=_SHARED,
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *processors],
    )


def _name_logger(logger: Any, _method: str, facts: _Facts) -> _Facts:
    record = facts.get("_record")
    facts["logger"] = record.name if record is not None else getattr(logger, "name", "root")
    return facts


def _mask(_logger: Any, _method: str, facts: _Facts) -> _Facts:
    for key in facts:
        if any(word in key.lower() for word in _SECRET_WORDS):
            facts[key] = _MASK
    return facts


def _one_line(_logger: Any, _method: str, facts: _Facts) -> _Facts:
    facts["event"] = " ".join(str(facts["event"]).split())
    return facts


def _error_in_one_line(_logger: Any, _method: str, facts: _Facts) -> _Facts:
    """What was raised and where, without the traceback, which is for `debug`."""
    info = facts.pop("exc_info", None)
    error = sys.exc_info()[1] if info is True else info[1] if isinstance(info, tuple) else info
    if isinstance(error, BaseException):
        facts.setdefault("error", f"{type(error).__name__}: {error}")
        frames = list(traceback.walk_tb(error.__traceback__))
        if frames:
            frame, line = frames[-1]
            facts.setdefault("at", f"{Path(frame.f_code.co_filename).name}:{line}")
    return facts


_SHARED: tuple[structlog.typing.Processor, ...] = (
    structlog.stdlib.add_log_level,
    _name_logger,
    _one_line,
    _mask,
)
