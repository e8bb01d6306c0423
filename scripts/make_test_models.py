"""Write the GGUF files of random weights that tests and benchmarks run on, in seconds and always the same.

bpe.gguf and spm.gguf are tiny, of either kind of vocabulary; exact-*.gguf have eight layers, 512 wide, in which
batching and chunking show in the bits, which a tiny float model hides; bert-embed.gguf makes vectors, bert-rank.gguf
ranks.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import gguf

from tests.kit import bert_ggufs, bert_models, gguf_models

_EXACT = {
    "q8_0": gguf.GGMLQuantizationType.Q8_0,
    "q4_0": gguf.GGMLQuantizationType.Q4_0,
    "f32": gguf.GGMLQuantizationType.F32,
}


def make(folder: Path) -> Iterator[Path]:
    """Write each model that is not there yet, whole or not at all; yields the files."""
    folder.mkdir(parents=True, exist_ok=True)
    yield _whole(folder / "bpe.gguf", gguf_models.write_random)
    pieces = gguf_models.SentencePieces()
    yield _whole(folder / "spm.gguf", lambda path: gguf_models.write_random(path, template=None, vocabulary=pieces))
    for name in _EXACT:
        yield exact(folder, name)
    for name, ranks in (("bert-embed", False), ("bert-rank", True)):
        yield _whole(folder / f"{name}.gguf", partial(_bert, ranks))


def _bert(ranks: bool, path: Path) -> None:
    with tempfile.TemporaryDirectory(prefix="sotto-bert-") as name:
        bert_ggufs.write_bert_gguf(bert_models.write_bert(Path(name) / "source", ranks=ranks), path)


def exact(folder: Path, name: str) -> Path:
    """Write one of the models that show every bit: `q8_0`, `q4_0` or `f32`."""
    folder.mkdir(parents=True, exist_ok=True)
    kind = _EXACT[name]
    return _whole(
        folder / f"exact-{name}.gguf", lambda path: gguf_models.write_exact(path, quantised=kind, context=8448)
    )


def _whole(path: Path, write: Callable[[Path], object]) -> Path:
    if not path.exists():
        part = path.with_suffix(".part")
        write(part)
        part.replace(path)
    return path


def main() -> int:
    """Write them and print where they are."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("folder", type=Path, help="where they are written")
    for path in make(options.parse_args().folder):
        print(f"{path}  {path.stat().st_size / 1e6:.1f} MB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
