"""A GGUF says what it is without being loaded, and a damaged one is refused with the reason."""

from __future__ import annotations

import hashlib
from pathlib import Path

import gguf
import pytest

from shared import gguf as ours
from shared.gguf import GgufUnreadable, parts_of, read_gguf
from tests.kit import gguf_models


def test_a_file_tells_its_kind_and_size(tmp_path: Path) -> None:
    path = gguf_models.write_exact(tmp_path / "exact.gguf")
    told = read_gguf(path)
    assert (told.architecture, told.quantisation, told.context, told.layers) == ("llama", "Q8_0", 4096, 8)
    reader = gguf.GGUFReader(path)
    assert told.parameters == sum(int(tensor.n_elements) for tensor in reader.tensors)
    assert told.vocabulary == len(reader.fields["tokenizer.ggml.tokens"].data)
    assert told.token_bytes == 8 * 512 * 2 * 2
    assert told.memory(4096, 2) - told.memory(4096, 1) == 4096 * told.token_bytes
    assert told.memory(1 << 30) == told.memory(4096), "no more context than it was trained for"
    assert told.memory(256) > path.stat().st_size


def test_template_and_vocabulary_have_hashes_of_their_own(tmp_path: Path) -> None:
    one = read_gguf(gguf_models.write_random(tmp_path / "one.gguf", seed=1))
    other = read_gguf(gguf_models.write_random(tmp_path / "other.gguf", seed=2, template="{{ messages }}"))
    words = gguf_models.write_random(tmp_path / "words.gguf", vocabulary=gguf_models.SentencePieces())
    assert one.template_sha256 == hashlib.sha256(gguf_models.CHATML.encode()).hexdigest()
    assert one.vocabulary_sha256 == other.vocabulary_sha256 != read_gguf(words).vocabulary_sha256
    assert one.template_sha256 != other.template_sha256


@pytest.mark.parametrize(
    ("heads", "shared", "per_token"),
    [(8, 2, 4 * 2), (8, [2, 0, 4, 0], 6), ([8, 8, 4, 4], [2, 2, 1, 1], 6), (8, None, 4 * 8), (8, [0, 0, 0, 0], 4 * 8)],
)
def test_heads_may_be_others_in_each_layer(
    tmp_path: Path, heads: int | list[int], shared: int | list[int] | None, per_token: int
) -> None:
    """As where only some layers attend to all that was said."""
    writer = gguf.GGUFWriter(tmp_path / "layers.gguf", "lfm2")
    writer.add_block_count(4)
    writer.add_embedding_length(512)
    writer.add_head_count(heads)
    if shared is not None:
        writer.add_head_count_kv(shared)
    writer.add_float32("lfm2.context_length", float("nan"))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.close()
    told = read_gguf(tmp_path / "layers.gguf")
    assert (told.token_bytes, told.context) == (per_token * 64 * 2 * 2, 0)


def test_what_a_file_does_not_say_is_nothing(tmp_path: Path) -> None:
    told = read_gguf(gguf_models.write_of_kind(tmp_path / "ball.gguf", "crystal-ball"))
    assert (told.architecture, told.layers, told.token_bytes) == ("crystal-ball", 1, 16 * 2 * 2)


def test_the_first_part_names_the_others(tmp_path: Path) -> None:
    first = gguf_models.write_random(tmp_path / "big.gguf", part_tensors=8)
    assert list(parts_of(first)) == sorted(tmp_path.glob("big-*.gguf"))
    assert len(parts_of(first)) == 3
    for alone in (tmp_path / "small.gguf", parts_of(first)[1]):
        assert parts_of(alone) == (alone,)


def test_what_is_no_whole_file_is_refused(tmp_path: Path) -> None:
    whole = gguf_models.write_random(tmp_path / "whole.gguf").read_bytes()
    broken = tmp_path / "broken.gguf"
    cases = {
        b"": "empty",
        b"PK\3\4" + whole: "no GGUF",
        whole[:4] + b"\x09\0\0\0" + whole[8:]: "version 9",
        whole[: len(whole) - 100]: "cut off: ",
        whole[:2000]: "within its header",
        whole[:5]: "within its header",
        whole[:24] + b"\xff" * 8 + whole[32:]: "within its header",
    }
    for content, reason in cases.items():
        broken.write_bytes(content)
        with pytest.raises(GgufUnreadable, match=reason):
            read_gguf(broken)
    with pytest.raises(GgufUnreadable, match="No such file"):
        read_gguf(tmp_path / "nowhere.gguf")


def test_sizes_of_types_are_those_of_the_format() -> None:
    for kind, (name, block, size) in ours._TENSORS.items():
        known = gguf.GGMLQuantizationType(kind)
        assert (known.name, *gguf.GGML_QUANT_SIZES[known]) == (name, block, size)
