"""Plain text is read by look-up, into the ids of the tokeniser itself."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer
from tokenizers.models import WordPiece
from tokenizers.normalizers import BertNormalizer, Lowercase
from tokenizers.pre_tokenizers import BertPreTokenizer
from tokenizers.processors import TemplateProcessing

from services.embedding.engines.plain import PlainReader, plain_reader

WORDS = (
    "[UNK]",
    "[CLS]",
    "[SEP]",
    "a",
    "A",
    "b",
    "##b",
    "cat",
    "Cat",
    "##s",
    "12",
    "1",
    ",",
    "'",
    "-",
    "t",
    "abababab",
)
"""`abababab` is longer than a word may be below, and `.` is not among them."""
WRITTEN = st.text(st.sampled_from("aAbcCts12 .,'-"), max_size=24) | st.lists(
    st.sampled_from(["cat", "cats", "Cat", "a", "bb", "12", "don't", "[CLS]", "é", "\n", "abababab", "."]), max_size=9
).map(" ".join)


def made(*, lowercase: bool = True, longest: int = 100) -> Tokenizer:
    """A tokeniser of BERT's kind."""
    tokenizer = Tokenizer(
        WordPiece({word: n for n, word in enumerate(WORDS)}, unk_token="[UNK]", max_input_chars_per_word=longest)
    )
    tokenizer.normalizer = BertNormalizer(lowercase=lowercase)
    tokenizer.pre_tokenizer = BertPreTokenizer()
    tokenizer.post_processor = TemplateProcessing("[CLS] $A [SEP]", None, [("[CLS]", 1), ("[SEP]", 2)])
    tokenizer.add_special_tokens(["[UNK]", "[CLS]", "[SEP]"])
    return tokenizer


TOKENIZERS = {name: made(**named) for name, named in {"small": {}, "large": {"lowercase": False}}.items()}
TOKENIZERS["short words"] = made(longest=5)


@pytest.mark.parametrize("name", TOKENIZERS)
@given(text=WRITTEN)
def test_it_reads_as_the_tokeniser_does_or_leaves_it_to_it(name: str, text: str) -> None:
    tokenizer = TOKENIZERS[name]
    reader = plain_reader(tokenizer)
    assert isinstance(reader, PlainReader)
    ids = tokenizer.encode(text).ids
    assert reader.read(text, 100) in (ids, None)
    assert reader.read(text, len(ids) - 1) is None


@pytest.mark.parametrize("text", ["", "cat", "the cats don't, cat", "A cat. 12?"])
def test_plain_text_is_not_left_to_the_tokeniser(text: str) -> None:
    reader = plain_reader(TOKENIZERS["small"])
    assert reader is not None
    assert reader.read(text, 100) == TOKENIZERS["small"].encode(text).ids


@pytest.mark.parametrize("text", ["café", "two\nlines", "[SEP]", "日本", "a\0b", "a" * 2001])
def test_other_text_is(text: str) -> None:
    reader = plain_reader(TOKENIZERS["small"])
    assert reader is not None
    assert reader.read(text, 10_000) is None


def test_another_kind_of_tokeniser_is_not_imitated() -> None:
    """Nor one with tokens that stand for whole phrases of plain text."""
    other, phrases = made(), made()
    other.normalizer = Lowercase()
    phrases.add_tokens(["new york"])
    assert plain_reader(other) is None
    assert plain_reader(phrases) is None


def test_a_converted_model_is_read_so(packed: Path) -> None:
    tokenizer = Tokenizer.from_file(str(packed / "tokenizer.json"))
    reader = plain_reader(tokenizer)
    assert reader is not None
    assert reader.read("The code of my bike, please?", 64) == tokenizer.encode("The code of my bike, please?").ids
