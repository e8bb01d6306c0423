"""llama.cpp's library, loaded once per process, its C-level log led into ours.

llama.cpp has one log sink and one backend per process; that is why this is the one place of the engine with something
that lives as long as the process.
"""

from __future__ import annotations

import ctypes
import functools
import importlib
import importlib.util
import re
from collections import deque
from types import ModuleType

from services.llm.port import EngineMissing
from shared.logs import get_logger

__all__ = ["Library", "installed", "library"]

_log = get_logger("llama.cpp")

_WARN, _ERROR, _CONTINUED = 3, 4, 5
"""enum ggml_log_level (llama.cpp: ggml/include/ggml.h); 1 and 2 are debug and info."""

_ABORTED = re.compile(r"(failed with error|compute status:) 1$|failed to decode, ret = 2$")
"""What is logged as an error when a step was ended on request: GGML_STATUS_ABORTED is 1 (ggml: include/ggml.h), and
llama_decode's 2 is "aborted" (llama.cpp: include/llama.h)."""


class Library:
    """The bindings (`native`) and what llama.cpp lately complained of."""

    def __init__(self, native: ModuleType) -> None:
        self.native = native
        self._complaints: deque[str] = deque(maxlen=8)
        self._level = 0
        self._line = ""
        self._sink = native.llama_log_callback(self._logged)  # C keeps only a pointer: the object must stay alive
        native.llama_log_set(self._sink, ctypes.c_void_p(None))
        native.llama_backend_init()

    @property
    def offloads(self) -> bool:
        """Whether it was built for a GPU and finds one."""
        return bool(self.native.llama_supports_gpu_offload())

    def complaints(self) -> str:
        """Take the error lines since the last call, joined."""
        said = "; ".join(dict.fromkeys(self._complaints))
        self._complaints.clear()
        return said

    def _logged(self, level: int, text: bytes, _: object) -> None:
        if level != _CONTINUED:
            self._level, self._line = level, ""
        self._line += text.decode(errors="replace")
        if not self._line.endswith("\n"):
            return
        line, self._line = self._line.strip(), ""
        if self._level == _ERROR and not _ABORTED.search(line):
            self._complaints.append(line)
            _log.warning("native error", line=line)
        elif self._level in (_WARN, _ERROR):
            _log.debug("native warning", line=line)


def installed() -> bool:
    """True when the library and Jinja can be found now, even if they were installed after this process began."""
    importlib.invalidate_caches()
    return all(importlib.util.find_spec(name) is not None for name in ("llama_cpp", "jinja2"))


@functools.cache
def library() -> Library:
    """Return the library; raises EngineMissing when it is not installed, half installed or cannot be loaded."""
    importlib.invalidate_caches()
    try:
        return Library(importlib.import_module("llama_cpp.llama_cpp"))
    except (ImportError, OSError, RuntimeError) as error:
        raise EngineMissing(
            f"The language model's engine, llama-cpp-python, cannot be used: {error}.",
            remedy="Run `scripts/run`, which builds it in the background, or `uv pip install llama-cpp-python`.",
        ) from error
