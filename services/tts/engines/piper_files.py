"""The two files of a Piper voice, read and checked before anything speaks with them.

A voice that is missing a file, truncated, of another kind, or described by a wrong configuration is refused by name.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from services.tts.port import TtsError
from shared.installed import InstalledModel

if TYPE_CHECKING:
    from onnxruntime.capi.onnxruntime_inference_collection import InferenceSession
    from piper.config import PiperConfig

__all__ = ["VoiceCorrupt", "VoiceFiles", "VoiceIncomplete", "VoiceUnsupported", "native_errors", "read_voice"]

_RATES: Final = range(8_000, 48_001)
_INPUTS: Final = {"input", "input_lengths", "scales"}


class VoiceIncomplete(TtsError):
    """A file of the voice is not there."""


class VoiceCorrupt(TtsError):
    """A file of the voice is truncated, or not what it should be."""


class VoiceUnsupported(TtsError):
    """The voice is sound, but needs what Sotto does not have."""


@dataclass(frozen=True, slots=True)
class VoiceFiles:
    """A voice, checked and loaded."""

    session: InferenceSession
    config: PiperConfig
    aligned: bool
    """The network tells how many frames each phoneme lasts."""


def native_errors() -> tuple[type[Exception], ...]:
    """What onnxruntime raises: classes without a common root but Exception."""
    from onnxruntime.capi import onnxruntime_pybind11_state as state

    classes = (getattr(state, name) for name in dir(state))
    return tuple(c for c in classes if isinstance(c, type) and issubclass(c, Exception))


def read_voice(model: InstalledModel, threads: int) -> VoiceFiles:
    """Load the voice (about a second for a medium one).

    Raises VoiceIncomplete, VoiceCorrupt or VoiceUnsupported, naming the file and the command that mends it.
    """
    network = _only(model, ".onnx")
    config = _config(model, _only(model, ".onnx.json"))
    session, aligned = _session(model, network, threads)
    inputs = {i.name for i in session.get_inputs()}
    if not inputs >= _INPUTS or inputs - _INPUTS > {"sid"} or (config.num_speakers > 1) != ("sid" in inputs):
        raise _corrupt(model, network, f"it takes {', '.join(sorted(inputs))}, which is not what a Piper voice takes")
    return VoiceFiles(session, config, aligned)


def _only(model: InstalledModel, ending: str) -> Path:
    """The voice's file with this ending; `.onnx` does not mean `.onnx.json`."""
    for path in model.files:
        if path.name.endswith(ending):
            if path.is_file():
                return path
            raise VoiceIncomplete(f"The voice {model.name} lacks its file {path}.", remedy=_remedy(model))
    raise VoiceIncomplete(f"The voice {model.name} has no {ending} file in {model.path}.", remedy=_remedy(model))


def _config(model: InstalledModel, path: Path) -> PiperConfig:
    from piper.config import PhonemeType, PiperConfig

    try:
        config = PiperConfig.from_dict(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise _corrupt(model, path, f"it cannot be read as a voice's description ({error!r})") from error
    if config.phoneme_type not in (PhonemeType.ESPEAK, PhonemeType.TEXT):
        raise VoiceUnsupported(
            f"The voice {model.name} needs {config.phoneme_type.value} phonemes.",
            remedy="Choose another voice: `sotto models list`.",
        )
    wrong = _wrong(config)
    if wrong:
        raise _corrupt(model, path, wrong)
    return config


def _wrong(config: PiperConfig) -> str:
    """What cannot be true of a voice; empty when all can."""
    from piper.const import BOS, EOS, PAD

    if not isinstance(config.sample_rate, int) or config.sample_rate not in _RATES:
        return f"its sample rate is {config.sample_rate!r}, not {_RATES.start} to {_RATES.stop - 1} Hz"
    if not isinstance(config.hop_length, int) or not 0 < config.hop_length <= config.sample_rate:
        return f"its hop length is {config.hop_length!r}"
    if not isinstance(config.num_speakers, int) or not isinstance(config.num_symbols, int):
        return "its numbers of speakers and symbols are no numbers"
    if not isinstance(config.phoneme_id_map, dict) or not {BOS, EOS, PAD} <= config.phoneme_id_map.keys():
        return "its table of phonemes has no beginning, end or padding"
    if not all(_ids_fit(ids, config.num_symbols) for ids in config.phoneme_id_map.values()):
        return f"its table of phonemes has numbers outside 0 to {config.num_symbols - 1}"
    scales = (config.noise_scale, config.length_scale, config.noise_w_scale)
    if not all(isinstance(s, int | float) and 0 <= s <= 10 for s in scales) or not config.length_scale:
        return f"its scales are {scales}"
    return ""


def _ids_fit(ids: object, symbols: int) -> bool:
    return isinstance(ids, Sequence) and all(isinstance(i, int) and 0 <= i < symbols for i in ids)


def _session(model: InstalledModel, path: Path, threads: int) -> tuple[InferenceSession, bool]:
    """The network with the lengths of its phonemes as a second output, where it has them."""
    import onnx
    from google.protobuf.message import DecodeError
    from onnxruntime.capi.onnxruntime_inference_collection import InferenceSession
    from onnxruntime.capi.onnxruntime_pybind11_state import SessionOptions
    from piper.patch_voice_with_alignment import add_alignment_output

    options = SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3
    try:
        network = onnx.load(str(path))
        if len(network.graph.output) == 1:
            with contextlib.suppress(ValueError):  # the lengths cannot be found: they are estimated instead
                add_alignment_output(network)
        session = InferenceSession(
            network.SerializeToString(), sess_options=options, providers=["CPUExecutionProvider"]
        )
    except (OSError, DecodeError, ValueError) + native_errors() as error:  # noqa: RUF005 (mypy knows tuples by +)
        raise _corrupt(model, path, f"it is no complete network ({_first_line(error)})") from error
    return session, len(session.get_outputs()) > 1


def _corrupt(model: InstalledModel, path: Path, why: str) -> VoiceCorrupt:
    return VoiceCorrupt(
        f"The voice {model.name} cannot be used: of its file {path.name}, {why}.", remedy=_remedy(model)
    )


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0][:200]


def _remedy(model: InstalledModel) -> str:
    return f"`sotto models remove {model.name}`, then `sotto models pull {model.name}` gets it again."
