"""The kernel computes what the reference computes, and the same bits in any company, on any thread, in any process."""

from __future__ import annotations

import hashlib
import os
import random
import subprocess
import sys
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from copy import copy
from pathlib import Path

import numpy as np
import pytest

from services.embedding.convert import convert
from services.embedding.engines.compiling import compiled
from services.embedding.engines.native import INT8_LEVELS, LEVELS, Kernel, NativeEncoder
from services.embedding.engines.reference import ReferenceEncoder
from services.embedding.opening import open_model
from services.embedding.port import Encoder, EngineMissing, Passage
from services.embedding.settings import EmbeddingSettings
from services.embedding.weights import Weights
from tests.kit.bert_models import write_bert, write_mpnet

pytestmark = pytest.mark.timeout(300)  # the first use of the kernel compiles it

ROOT = Path(__file__).resolve().parents[3]
TEXTS = ("my bike code is 4512", "", "the cat", "tea " * 100, "Üñïçödé 😀 \0 \ud800 العربية", "a", "b c d e f")


@pytest.fixture(scope="session")
def packed_int8(bert: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The small model, converted to int8; not to be changed."""
    folder = tmp_path_factory.mktemp("packed") / "small-bert"
    convert(bert, folder, "int8")
    return folder


@pytest.fixture(scope="module", params=LEVELS + INT8_LEVELS)
def native(request: pytest.FixtureRequest, packed: Path, packed_int8: Path, kernel: Kernel) -> NativeEncoder:
    """The encoder at each level that this processor has (the others are the next best one)."""
    folder, able = (packed, kernel.levels) if request.param in LEVELS else (packed_int8, kernel.int8_levels)
    level = request.param if request.param in able else able[-1]
    return NativeEncoder(Weights(folder), level=level, kernel=kernel)


def least(native: NativeEncoder) -> float:
    """The lowest cosine to the exact weights that is right: int8 is further off, most so with random weights."""
    return 0.98 if "int8" in native.info.detail else 0.9995


@pytest.fixture(scope="module")
def reference(bert: Path, tmp_path_factory: pytest.TempPathFactory) -> ReferenceEncoder:
    folder = tmp_path_factory.mktemp("exact") / "small-bert"
    convert(bert, folder, "fp32")
    return ReferenceEncoder(Weights(folder))


def passages(lengths: Sequence[int], seed: int = 1) -> list[Passage]:
    chance = random.Random(seed)
    return [Passage([chance.randrange(90) for _ in range(length)], False) for length in lengths]


def cosines(one: Encoder, other: Encoder, asked: Sequence[Passage]) -> np.ndarray:
    rows = [np.frombuffer(e.encode(asked), "<f4").reshape(len(asked), -1).astype(np.float64) for e in (one, other)]
    return np.einsum("ij,ij->i", *rows)


def test_it_computes_what_the_reference_computes(native: NativeEncoder, reference: ReferenceEncoder) -> None:
    """At every length around a register's sixteen, and up to the model's longest."""
    lengths = [*range(1, 50), 63, 64, 65, 127, 255, 256, 300, 511, 512]
    assert cosines(native, reference, passages(lengths)).min() > least(native)


@pytest.mark.parametrize("pooling", ["cls", "last"])
def test_it_pools_as_the_model_says(tmp_path: Path, kernel: Kernel, pooling: str) -> None:
    convert(write_bert(tmp_path / "source", pooling=pooling), tmp_path / "made")
    weights = Weights(tmp_path / "made")
    assert (
        cosines(NativeEncoder(weights, kernel=kernel), ReferenceEncoder(weights), passages([1, 9, 40])).min() > 0.9995
    )


@pytest.mark.parametrize(("hidden", "inner", "heads"), [(48, 96, 1), (96, 80, 6), (128, 512, 2), (144, 16, 3)])
def test_it_computes_models_of_other_sizes(tmp_path: Path, kernel: Kernel, hidden: int, inner: int, heads: int) -> None:
    convert(write_bert(tmp_path / "source", hidden=hidden, inner=inner, heads=heads, layers=1), tmp_path / "made")
    weights = Weights(tmp_path / "made")
    for level in kernel.levels:
        native = NativeEncoder(weights, kernel=kernel, level=level)
        assert cosines(native, ReferenceEncoder(weights), passages([1, 7, 16, 50])).min() > 0.9995


@pytest.mark.parametrize("positions", [64, 100])
def test_it_computes_mpnet(tmp_path: Path, kernel: Kernel, positions: int) -> None:
    """Where a word attends to others by their distance too."""
    convert(write_mpnet(tmp_path / "source", positions=positions), tmp_path / "made")
    weights = Weights(tmp_path / "made")
    assert weights.architecture.positions == positions
    for level in kernel.levels:
        native = NativeEncoder(weights, kernel=kernel, level=level)
        asked = passages([1, 2, 15, 16, 17, 40, positions - 1, positions])
        assert cosines(native, ReferenceEncoder(weights), asked).min() > 0.9995
        assert native.encode(asked) == b"".join(native.encode([one]) for one in asked)


def test_a_row_is_the_same_bits_in_any_batch_and_order(native: NativeEncoder, steps: int) -> None:
    chance = random.Random(7)
    known = passages([chance.randint(1, 40) for _ in range(60)])
    alone = [native.encode([passage]) for passage in known]
    for _ in range(steps // 1000):
        chosen = [chance.randrange(len(known)) for _ in range(chance.randint(0, 24))]
        assert native.encode([known[n] for n in chosen]) == b"".join(alone[n] for n in chosen)


def test_threads_do_not_disturb_each_other(native: NativeEncoder) -> None:
    known = passages([5, 30, 64, 1, 17] * 8)
    alone = native.encode(known)
    found: list[bytes] = []
    threads = [threading.Thread(target=lambda: found.append(native.encode(known))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [alone] * 4


@pytest.mark.parametrize("threads", [2, 3, 9])
def test_a_text_alone_is_the_same_bits_on_any_number_of_threads(
    native: NativeEncoder, packed: Path, packed_int8: Path, kernel: Kernel, threads: int
) -> None:
    """Also where others compute meanwhile, and helpers come, go and come too late."""
    folder = packed_int8 if "int8" in native.info.detail else packed
    shared = NativeEncoder(Weights(folder), level=native.level, kernel=kernel, threads=threads)
    known = passages([1, 2, 12, 15, 16, 17, 48, 200, 512])
    alone = [native.encode([passage]) for passage in known]
    assert [shared.encode([passage]) for passage in known * 5] == alone * 5
    with ThreadPoolExecutor(3) as pool:
        rows = pool.map(lambda passage: shared.encode([passage]), known * 15)
        assert list(rows) == alone * 15


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
@pytest.mark.parametrize("busy", [False, True])
@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_a_child_computes_the_same_bits(packed: Path, kernel: Kernel, busy: bool) -> None:
    """Without its parent's helpers, and with its own, also where the parent was amid of a text."""
    shared = NativeEncoder(Weights(packed), kernel=kernel, threads=3)
    known, long = passages([40, 512])
    expected = shared.encode([known])
    ended = threading.Event()

    def encode() -> None:
        while not ended.is_set():
            shared.encode([long])

    other = threading.Thread(target=encode)
    if busy:
        other.start()
    try:
        for _ in range(5):
            child = os.fork()
            if not child:
                anew = NativeEncoder(Weights(packed), kernel=kernel, threads=3)
                rows = [encoder.encode([known]) for encoder in (shared, anew, anew)]
                os._exit(rows != [expected] * 3)
            assert os.waitpid(child, 0)[1] == 0
    finally:
        ended.set()
        if busy:
            other.join()


def test_another_process_computes_the_same_bits(packed: Path, kernel: Kernel) -> None:
    """It imports neither numpy nor pyarrow nor pydantic for that."""
    native = NativeEncoder(Weights(packed), kernel=kernel)
    rows = native.encode(native.read(TEXTS[:4], ""))
    program = (
        "import hashlib, sys, pathlib\n"
        "from services.embedding.engines.native import Kernel, NativeEncoder\n"
        "from services.embedding.weights import Weights\n"
        "native = NativeEncoder(Weights(pathlib.Path(sys.argv[1])), kernel=Kernel(pathlib.Path(sys.argv[2])))\n"
        f"rows = native.encode(native.read({TEXTS[:4]!r}, ''))\n"
        "assert not {'numpy', 'pyarrow', 'pydantic'} & sys.modules.keys(), sys.modules.keys()\n"
        "print(hashlib.sha256(rows).hexdigest())"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, packed, kernel.path],
        cwd=ROOT, capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    assert done.stdout.strip() == hashlib.sha256(rows).hexdigest()


def test_any_text_is_read(native: NativeEncoder, reference: ReferenceEncoder) -> None:
    """NUL, half a surrogate pair, right to left, emoji, nothing at all."""
    read = native.read(TEXTS, "")
    assert cosines(native, reference, read).min() > least(native)
    assert [len(passage.ids) for passage in read[1:3]] == [2, 4]


def test_a_long_text_is_cut_and_it_is_said(native: NativeEncoder) -> None:
    long, short = native.read(["a" * 10_000_000, "a"], "")
    many, exact = native.read(["a " * 511, "a " * 510], "")
    assert (long.truncated, short.truncated, many.truncated, exact.truncated) == (True, False, True, False)
    assert len(many.ids) == len(exact.ids) == 512


def test_a_batch_may_be_enormous(native: NativeEncoder) -> None:
    known = passages([3, 1, 8, 2])
    assert native.encode(known * 1000) == native.encode(known) * 1000


def test_no_texts_have_no_rows(native: NativeEncoder) -> None:
    assert native.encode([]) == b""


@pytest.mark.parametrize("ids", [[], [-1], [10**6], [1] * 513], ids=["none", "below", "above", "too many"])
def test_what_would_read_outside_of_the_weights_is_refused(native: NativeEncoder, ids: list[int]) -> None:
    with pytest.raises(ValueError, match="the kernel was given"):
        native.encode([Passage([1, 2], False), Passage(ids, False)])


def test_prompts_stand_before_the_text_by_purpose(tmp_path: Path, kernel: Kernel) -> None:
    source = write_bert(tmp_path / "source")
    (source / "config_sentence_transformers.json").write_text('{"prompts": {"query": "my ", "document": "the "}}')
    convert(source, tmp_path / "made")
    native = NativeEncoder(Weights(tmp_path / "made"), kernel=kernel)
    assert native.read(["cat"], "query") == native.read(["my cat"], "")
    assert native.read(["cat"], "passage") == native.read(["the cat"], "")


def test_each_engine_and_limit_has_a_fingerprint_of_its_own(packed: Path, kernel: Kernel) -> None:
    weights = Weights(packed)
    encoders = [NativeEncoder(weights, kernel=kernel, level=level) for level in kernel.levels]
    known = [*encoders, ReferenceEncoder(weights), ReferenceEncoder(weights, max_tokens=9)]
    assert len({encoder.info.fingerprint for encoder in known}) == len(known)
    assert ReferenceEncoder(weights).info.fingerprint == ReferenceEncoder(Weights(packed)).info.fingerprint


@pytest.mark.parametrize("text", ["the blue bike", "the blüe bike"], ids=["plain", "tokenised"])
def test_a_limit_below_the_tokens_around_a_text_leaves_room_for_a_word(packed: Path, text: str) -> None:
    few, one = ReferenceEncoder(Weights(packed), max_tokens=4), ReferenceEncoder(Weights(packed), max_tokens=1)
    assert one.read([text], "") == few.read([text], "")
    assert one.read([text], "")[0].truncated


# ---- int8


class ByTheBook(ReferenceEncoder):
    """Rows as whole numbers from 0 to 255, each of a measure of its own, times weights from -127 to 127."""

    def _linear(self, name: str, x: np.ndarray) -> np.ndarray:
        weight = self._tensor(f"{name}.weight")
        scale = np.abs(weight).max(axis=1) / 127
        numbers = np.rint(weight / scale[:, None])
        low = x.min(axis=1, keepdims=True)
        step = (x.max(axis=1, keepdims=True) - low) / 255
        products = np.rint((x - low) / step) @ numbers.T
        shift = low * (numbers.sum(axis=1) * scale) + self._tensor(f"{name}.bias")[: len(weight)]
        return np.asarray(products * step * scale + shift, np.float32)


def test_int8_is_whole_numbers_times_whole_numbers(packed_int8: Path, kernel: Kernel) -> None:
    """The kernel's sums are exact. A text of one word, where no number falls between two others by a hair."""
    weights, asked = Weights(packed_int8), passages([1] * 20)
    for level in kernel.int8_levels:
        native = NativeEncoder(weights, kernel=kernel, level=level)
        assert np.median(cosines(native, ByTheBook(weights), asked)) > 0.999999


@pytest.mark.parametrize(("hidden", "inner", "heads"), [(48, 96, 1), (96, 80, 6), (144, 16, 3)])
def test_it_computes_int8_models_of_other_sizes(
    tmp_path: Path, kernel: Kernel, hidden: int, inner: int, heads: int
) -> None:
    source = write_bert(tmp_path / "source", hidden=hidden, inner=inner, heads=heads, layers=1)
    convert(source, tmp_path / "made", "int8")
    weights = Weights(tmp_path / "made")
    for level in kernel.int8_levels:
        native = NativeEncoder(weights, kernel=kernel, level=level)
        assert cosines(native, ReferenceEncoder(weights), passages([1, 7, 16, 50])).min() > 0.99


def test_where_int8_would_be_slow_another_engine_takes_it(packed_int8: Path, kernel: Kernel) -> None:
    """A processor without the instructions; onnxruntime and numpy widen the weights."""
    kernel = copy(kernel)
    kernel.int8_levels = INT8_LEVELS[:1]
    with pytest.raises(EngineMissing, match="no instructions for int8"):
        NativeEncoder(Weights(packed_int8), kernel=kernel)


def test_a_variant_takes_its_own_kind_of_weights_only(packed: Path, packed_int8: Path, kernel: Kernel) -> None:
    for folder, level in ((packed, "int8"), (packed_int8, "plain")):
        with pytest.raises(EngineMissing, match=f"{level} cannot compute"):
            NativeEncoder(Weights(folder), kernel=kernel, level=level)


# ---- the ladder


def no_compiler() -> Path:
    raise EngineMissing("There is no C compiler on this machine.")


def test_without_a_compiler_onnxruntime_computes(
    bert: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, reference: ReferenceEncoder
) -> None:
    monkeypatch.setattr("services.embedding.engines.native.compiled", no_compiler)
    (tmp_path / "own").mkdir()
    for file in bert.iterdir():
        (tmp_path / "own" / file.name).symlink_to(file)
    encoder = open_model(tmp_path / "own", EmbeddingSettings())
    assert encoder.info.engine == "onnx"
    assert cosines(encoder, reference, encoder.read(TEXTS, "")).min() > 0.9995
    with pytest.raises(EngineMissing, match="no C compiler"):
        open_model(tmp_path / "own", EmbeddingSettings(engine="native"))


def test_a_model_that_is_not_packed_is_computed_by_onnxruntime(bert: Path, tmp_path: Path, own_kernel: None) -> None:
    convert(bert, tmp_path / "exact", "fp32")
    assert open_model(tmp_path / "exact", EmbeddingSettings()).info.engine == "onnx"


def test_a_compiler_that_fails_is_quoted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    compiler = tmp_path / "cc"
    compiler.write_text("#!/bin/sh\necho 'no such header' >&2\nexit 1\n")
    compiler.chmod(0o755)
    monkeypatch.setenv("CC", str(compiler))
    with pytest.raises(EngineMissing, match="no such header"):
        compiled(tmp_path / "kernels")
    assert list((tmp_path / "kernels").iterdir()) == []


def test_a_compiler_that_knows_no_vectors_still_makes_the_plain_kernel(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, packed: Path, reference: ReferenceEncoder
) -> None:
    compiler = tmp_path / "cc"
    compiler.write_text('#!/bin/sh\ncase "$*" in *-mavx*) exit 1;; esac\nexec cc "$@"\n')
    compiler.chmod(0o755)
    monkeypatch.setenv("CC", str(compiler))
    kernel = Kernel(compiled(tmp_path / "kernels"))
    assert (kernel.levels, kernel.int8_levels) == (("plain",), ("int8",))
    native = NativeEncoder(Weights(packed), kernel=kernel)
    assert cosines(native, reference, native.read(TEXTS, "")).min() > 0.9995


def test_a_library_that_is_none_is_refused(tmp_path: Path) -> None:
    (tmp_path / "kernel.so").write_bytes(os.urandom(100))
    with pytest.raises(EngineMissing, match="cannot be loaded"):
        Kernel(tmp_path / "kernel.so")
