"""What the tests of text to speech share: a shelf, and voices that they make with Piper's signature."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto
from onnx.helper import make_graph, make_model, make_node, make_opsetid, make_tensor_value_info
from onnx.numpy_helper import from_array
from piper.phoneme_ids import DEFAULT_PHONEME_ID_MAP

from services.tts.engines.espeak import EspeakEngine
from services.tts.port import Engine
from shared.events import Role
from shared.installed import InstalledModel

HOP = 32
RATE = 16_000
LOUDEST = 255
"""The number of no phoneme: a voice's samples are its phonemes' numbers over this."""


@dataclass
class FakeShelf:
    """A shelf that holds what a test puts on it."""

    models: list[InstalledModel] = field(default_factory=list)

    def installed(self, role: Role) -> Sequence[InstalledModel]:
        return [m for m in self.models if m.role == role]


@pytest.fixture
def shelf() -> FakeShelf:
    """An empty shelf."""
    return FakeShelf()


@pytest.fixture(scope="session")
def espeak() -> Engine:
    """The built-in engine."""
    return EspeakEngine()


MakeVoiceFiles = Callable[..., InstalledModel]


@pytest.fixture
def voice_files(tmp_path: Path) -> MakeVoiceFiles:
    """Return a function that writes a voice and describes it as the shelf would."""

    def write(
        name: str = "en_US-test-low",
        *,
        languages: tuple[str, ...] = ("en",),
        espeak_voice: str = "en-us",
        speakers: int = 1,
        aligned: bool = True,
        loops: int = 0,
        **config: object,
    ) -> InstalledModel:
        folder = tmp_path / name
        folder.mkdir(exist_ok=True)
        network, description = folder / f"{name}.onnx", folder / f"{name}.onnx.json"
        onnx.save(voice_network(speakers=speakers, aligned=aligned, loops=loops), str(network))
        described = voice_config(espeak_voice, speakers) | config
        description.write_text(json.dumps(described), encoding="utf-8")
        return InstalledModel("tts", name, "piper", folder, (network, description), languages)

    return write


def voice_config(espeak_voice: str, speakers: int) -> dict[str, object]:
    """The JSON beside a network, with the fields of the public voices."""
    return {
        "audio": {"sample_rate": RATE, "quality": "low"},
        "espeak": {"voice": espeak_voice},
        "inference": {"noise_scale": 0.667, "length_scale": 1, "noise_w": 0.8},
        "phoneme_type": "espeak",
        "phoneme_id_map": DEFAULT_PHONEME_ID_MAP,
        "num_symbols": 256,
        "num_speakers": speakers,
        "speaker_id_map": {},
        "hop_length": HOP,
    }


def voice_network(*, speakers: int, aligned: bool, loops: int) -> onnx.ModelProto:
    """A network with Piper's inputs and output that says each phoneme's number as the level of its samples.

    A phoneme of number n lasts 2 + n mod 3 frames. The last sample is at full scale, so that scaling changes nothing.
    `loops` makes it slow for more than 40 numbers: that many turns of a loop before the first sample.
    """
    constants = {
        "one": np.int64(1),
        "zero_f": np.float32(0),
        "one_f": np.float32(1),
        "two_f": np.float32(2),
        "three_f": np.float32(3),
        "hop": np.float32(HOP),
        "loudest": np.float32(LOUDEST),
        "axis_0": np.array([0], dtype=np.int64),
        "axis_1": np.array([1], dtype=np.int64),
        "all": np.array([-1], dtype=np.int64),
        "first_two": np.array([0, 1], dtype=np.int64),
        "full": np.array([1.0], dtype=np.float32),
        "loops": np.int64(loops),
        "short": np.int64(40),
        "zero_i": np.int64(0),
        "yes": np.array(True),
    }
    nodes = [
        make_node("Shape", ["input"], ["shape"]),
        make_node("Gather", ["shape", "one"], ["phonemes"]),
        make_node("Greater", ["phonemes", "short"], ["long"]),
        make_node("Where", ["long", "loops", "zero_i"], ["turns"]),
        make_node("Loop", ["turns", "yes", "zero_f"], ["nothing"], body=_loop_body()),
        make_node("Gather", ["scales", "one"], ["length_scale"]),
        make_node("Reshape", ["input", "all"], ["ids"]),
        make_node("Cast", ["ids"], ["ids_f"], to=TensorProto.FLOAT),
        make_node("Mod", ["ids_f", "three_f"], ["remainders"], fmod=1),
        make_node("Add", ["remainders", "two_f"], ["frames"]),
        make_node("Mul", ["frames", "length_scale"], ["scaled"]),
        make_node("Ceil" if aligned else "Round", ["scaled"], ["w_ceil"]),
        make_node("Mul", ["w_ceil", "hop"], ["lengths"]),
        make_node("CumSum", ["lengths", "zero_i"], ["ends"]),
        make_node("ReduceSum", ["lengths"], ["total"], keepdims=0),
        make_node("Range", ["zero_f", "total", "one_f"], ["places"]),
        make_node("Unsqueeze", ["places", "axis_1"], ["places_column"]),
        make_node("Unsqueeze", ["ends", "axis_0"], ["ends_row"]),
        make_node("GreaterOrEqual", ["places_column", "ends_row"], ["past"]),
        make_node("Cast", ["past"], ["past_i"], to=TensorProto.INT64),
        make_node("ReduceSum", ["past_i", "axis_1"], ["indices"], keepdims=0),
        make_node("Gather", ["ids_f", "indices"], ["levels"]),
        make_node("Div", ["levels", "loudest"], ["quiet"]),
        make_node("Add", ["quiet", "nothing"], ["heard"]),
        make_node("Slice", ["heard", "axis_0", "all"], ["but_last"]),
        make_node("Concat", ["but_last", "full"], ["samples"], axis=0),
        make_node("Unsqueeze", ["samples", "first_two"], ["output"]),
    ]
    inputs = [
        make_tensor_value_info("input", TensorProto.INT64, [1, "phonemes"]),
        make_tensor_value_info("input_lengths", TensorProto.INT64, [1]),
        make_tensor_value_info("scales", TensorProto.FLOAT, [3]),
    ]
    if speakers > 1:
        inputs.append(make_tensor_value_info("sid", TensorProto.INT64, [1]))
    graph = make_graph(
        nodes,
        "voice",
        inputs,
        [make_tensor_value_info("output", TensorProto.FLOAT, [1, 1, "time"])],
        [from_array(np.asarray(value), name) for name, value in constants.items()],
    )
    return make_model(graph, opset_imports=[make_opsetid("", 17)], ir_version=8)


def _loop_body() -> onnx.GraphProto:
    return make_graph(
        [make_node("Identity", ["go_on"], ["go_on_out"]), make_node("Identity", ["state"], ["state_out"])],
        "body",
        [
            make_tensor_value_info("turn", TensorProto.INT64, []),
            make_tensor_value_info("go_on", TensorProto.BOOL, []),
            make_tensor_value_info("state", TensorProto.FLOAT, []),
        ],
        [
            make_tensor_value_info("go_on_out", TensorProto.BOOL, []),
            make_tensor_value_info("state_out", TensorProto.FLOAT, []),
        ],
    )
