"""A model kept in one compressed file is made again as it was, or refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from services.embedding.archive import archived, unpack
from services.embedding.convert import Precision, convert
from services.embedding.port import ModelUnusable
from services.embedding.weights import TOKENIZER, WEIGHTS, Weights


@pytest.mark.parametrize("precision", ["bf16", "int8", "fp32"])
def test_what_was_archived_comes_back_to_the_byte(bert: Path, tmp_path: Path, precision: Precision) -> None:
    convert(bert, tmp_path / "made", precision)
    size = archived(tmp_path / "made", tmp_path / "kept" / "model.parquet")
    assert size == (tmp_path / "kept" / "model.parquet").stat().st_size
    unpack(tmp_path / "kept" / "model.parquet", tmp_path / "again")
    for file in (WEIGHTS, TOKENIZER):
        assert (tmp_path / "again" / file).read_bytes() == (tmp_path / "made" / file).read_bytes()
    one, two = Weights(tmp_path / "made"), Weights(tmp_path / "again")
    assert (one.architecture, one.name, one.precision) == (two.architecture, two.name, two.precision)


def test_other_readers_of_parquet_find_the_tensors(packed: Path, tmp_path: Path) -> None:
    import pyarrow.parquet

    archived(packed, tmp_path / "model.parquet")
    table = pyarrow.parquet.read_table(tmp_path / "model.parquet", columns=["layer_name", "num_params"])
    assert "0.qkv.weight" in table.column("layer_name").to_pylist()
    (chunk,) = {
        pyarrow.parquet.ParquetFile(tmp_path / "model.parquet").metadata.row_group(0).column(n).compression
        for n in range(5)
    }
    assert chunk == "ZSTD"


def test_an_archive_that_is_damaged_is_refused(packed: Path, tmp_path: Path) -> None:
    """Wherever a byte was flipped: in the data, in what is said of them, or cut off."""
    archived(packed, tmp_path / "model.parquet")
    whole = (tmp_path / "model.parquet").read_bytes()
    for place in range(4, len(whole), len(whole) // 40):
        (tmp_path / "model.parquet").write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        made = tmp_path / f"again-{place}"
        try:
            unpack(tmp_path / "model.parquet", made)
        except ModelUnusable:
            assert not made.exists()
        else:  # what was flipped means nothing to the model
            assert all((made / file).read_bytes() == (packed / file).read_bytes() for file in (WEIGHTS, TOKENIZER))
    (tmp_path / "model.parquet").write_bytes(whole[:1000])
    with pytest.raises(ModelUnusable, match="no archive"):
        unpack(tmp_path / "model.parquet", tmp_path / "cut")


def test_a_place_that_takes_no_file_is_named(packed: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ModelUnusable, match="cannot be written"):
        archived(packed, tmp_path / "file" / "model.parquet")
