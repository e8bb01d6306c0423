"""Silero VAD 6 (MIT), from the ONNX file inside faster-whisper's wheel, run by onnxruntime on one thread."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np

from services.listening.ports import WINDOW
from shared.errors import SottoError
from shared.pcm import Floats

__all__ = ["SileroVad", "VoiceModelMissing", "find_model"]

_CONTEXT = 64
"""Samples of the window before that the model sees again (snakers4/silero-vad, OnnxWrapper)."""
_STATE = (1, 1, 128)
_AUDIBLE = 3e-4
"""Peak, -70 dBFS: below it nothing is said. A microphone in a quiet room gets there once its noise is suppressed."""
_REST = 15
"""Windows, half a second, after which the model rests until there is something to hear."""
_FILE = "silero_vad_v6.onnx"


class VoiceModelMissing(SottoError):
    """No voice-activity model is installed, or it cannot be run."""


def find_model() -> Path:
    """Return the ONNX file inside the installed faster-whisper, without importing it; raises VoiceModelMissing."""
    spec = importlib.util.find_spec("faster_whisper")
    for folder in (spec.submodule_search_locations or []) if spec else []:
        path = Path(folder, "assets", _FILE)
        if path.is_file():
            return path
    raise VoiceModelMissing(
        f"The voice-activity model ({_FILE}) is not installed.",
        remedy="Install the voice part: pip install 'sotto[voice]'.",
    )


class SileroVad:
    """One voice-activity stream. A window costs about 0.09 ms (docs/adr/0015), so it may run on the event loop.

    After half a second of silence it begins anew, and costs nothing until something is heard.
    """

    name = "silero-vad-6"

    def __init__(self, path: Path | None = None) -> None:
        # onnxruntime re-exports these without saying so to the type checker.
        from onnxruntime import InferenceSession, SessionOptions  # type: ignore[attr-defined]
        from onnxruntime.capi.onnxruntime_pybind11_state import Fail, InvalidProtobuf, NoSuchFile

        path = path or find_model()
        options = SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 3
        try:
            self._session = InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        except (Fail, InvalidProtobuf, NoSuchFile) as error:
            raise VoiceModelMissing(
                f"The voice-activity model {path.name} cannot be read: {error}",
                remedy="Install faster-whisper again: pip install --force-reinstall faster-whisper.",
            ) from error
        self._input = np.zeros((1, _CONTEXT + WINDOW), np.float32)
        self._h = self._c = np.zeros(_STATE, np.float32)
        self._inaudible = 0
        """Windows in a row with nothing to hear."""

    def probability(self, window: Floats) -> float:
        self._inaudible = 0 if np.abs(window).max() >= _AUDIBLE else self._inaudible + 1
        if self._inaudible > _REST:
            self.reset()
            return 0.0
        self._input[0, :_CONTEXT] = self._input[0, -_CONTEXT:]
        self._input[0, _CONTEXT:] = window
        feed = {"input": self._input, "h": self._h, "c": self._c}
        output, self._h, self._c = (np.asarray(value) for value in self._session.run(None, feed))
        return float(output[0])

    def reset(self) -> None:
        self._input.fill(0)
        self._h = self._c = np.zeros(_STATE, np.float32)
