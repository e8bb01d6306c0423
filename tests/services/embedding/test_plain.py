"""Plain text is read by look-up, into the ids of the tokeniser itself."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import AddedToken, Tokenizer
from tokenizers.models import WordPiece
from tokenizers.normalizers import BertNormalizer, Lowercase
from tokenizers.pre_tokenizers import BertPreTokenizer
from tokenizers.processors import BertProcessing, PostProcessor, RobertaProcessing, TemplateProcessing

from services.embedding.engines.plain import PlainReader, plain_words, reader_of
from services.embedding.engines.reading import Reader
from services.embedding.port import AT_ONCE, Passage
from services.embedding.weights import Weights

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
ASCII = "".join(map(chr, range(128)))
WRITTEN = (
    st.text(st.sampled_from("aAbcCts12 .,'-"), max_size=24)
    | st.text(st.sampled_from(ASCII), max_size=24)
    | st.lists(
        st.sampled_from(["cat", "cats", "Cat", "a", "bb", "12", "don't", "[CLS]", "é", "\n", "abababab", "."]),
        max_size=9,
    ).map(" ".join)
)


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


def read(tokenizer: Tokenizer, text: str, most: int) -> Passage:
    """What the tokeniser itself makes of it."""
    cut = Tokenizer.from_str(tokenizer.to_str())
    cut.enable_truncation(most)
    encoding = cut.encode(text)
    return Passage(encoding.ids, bool(encoding.overflowing))


def plain(tokenizer: Tokenizer) -> PlainReader:
    words = plain_words(tokenizer.to_str())
    assert words is not None
    reader = reader_of(words)
    assert reader is not None
    return reader


@pytest.mark.parametrize("name", TOKENIZERS)
@given(text=WRITTEN)
def test_it_reads_as_the_tokeniser_does_or_leaves_it_to_it(name: str, text: str) -> None:
    """To the end, and as much of it as a model reads."""
    tokenizer = TOKENIZERS[name]
    reader = plain(tokenizer)
    for most in (3, 8, 100):
        assert reader.read(text, most) == (read(tokenizer, text, most) if reader.reads(text) else None)


@pytest.mark.parametrize("text", ["", "cat", "the cats don't, cat", "A cat. 12?", "two\nlines\t(of 3) {a/b} \\ ~c@d"])
def test_plain_text_is_not_left_to_the_tokeniser(text: str) -> None:
    assert plain(TOKENIZERS["small"]).read(text, 100) == read(TOKENIZERS["small"], text, 100)


@pytest.mark.parametrize("text", ["café", "[SEP]", "<s>", "日本", "a\0b", "a" * 2001])
def test_other_text_is(text: str) -> None:
    assert plain(TOKENIZERS["small"]).read(text, 10_000) is None


@pytest.mark.parametrize(
    "processor",
    [
        BertProcessing(("[SEP]", 2), ("[CLS]", 1)),
        RobertaProcessing(("[SEP]", 2), ("[CLS]", 1)),
        TemplateProcessing("[CLS] a $A [SEP] [SEP]", None, [("[CLS]", 1), ("[SEP]", 2), ("a", 3)]),
        TemplateProcessing("$A", None, []),
    ],
)
def test_what_stands_around_a_text_is_the_tokenisers(processor: PostProcessor) -> None:
    tokenizer = made()
    tokenizer.post_processor = processor
    assert plain(tokenizer).read("the cats", 100) == read(tokenizer, "the cats", 100)


def test_another_kind_of_tokeniser_is_not_imitated() -> None:
    """Nor one with tokens that may be found in plain text, nor what is no tokeniser."""
    other, phrases, accents = made(), made(), made()
    other.normalizer = Lowercase()
    phrases.add_tokens(["new york"])
    accents.add_tokens([AddedToken("café", normalized=True)])
    nothing = (
        "",
        "[1]",
        "{}",
        '{"model": {"type": "WordPiece"}}',
        made().to_str().replace('"vocab":{', '"vocab":null,"x":{'),
    )
    for raw in (other.to_str(), phrases.to_str(), accents.to_str(), *nothing):
        assert plain_words(raw) is None


def test_words_are_found_that_begin_as_pieces_do() -> None:
    tokenizer = Tokenizer(
        WordPiece(
            {"[UNK]": 0, "[CLS]": 1, "[SEP]": 2, "#": 3, "a": 4, "#a": 5},
            unk_token="[UNK]",
            continuing_subword_prefix="#",
        )
    )
    tokenizer.normalizer, tokenizer.pre_tokenizer = BertNormalizer(), BertPreTokenizer()
    tokenizer.post_processor = BertProcessing(("[SEP]", 2), ("[CLS]", 1))
    assert plain(tokenizer).read("# aa #", 9) == read(tokenizer, "# aa #", 9)


def test_what_another_version_wrote_down_is_made_anew() -> None:
    words = plain_words(made().to_str())
    assert words is not None
    assert reader_of(words.replace(b'"version": 1', b'"version": 0')) is None


def test_a_converted_model_is_read_so(packed: Path) -> None:
    """All its words, and such as it has to cut."""
    tokenizer = Tokenizer.from_file(str(packed / "tokenizer.json"))
    reader = plain(tokenizer)
    assert reader.size == tokenizer.get_vocab_size()
    for text in ("The code of my bike, please?", "unbelievably floccinaucinihilipilification 3.14159 C++/C#"):
        assert reader.read(text, 64) == read(tokenizer, text, 64)


def test_words_are_found_by_search_as_by_dictionary(packed: Path) -> None:
    """Each that plain text may hold, by readers that have read nothing and by one that read all before."""
    tokenizer = Tokenizer.from_file(str(packed / "tokenizer.json"))
    long = plain(tokenizer)
    for word in [*tokenizer.get_vocab(), "qqqzz", "bikes" * 9]:
        fresh = plain(tokenizer)
        assert fresh.read(word, 64) == long.read(word, 64) == (read(tokenizer, word, 64) if fresh.reads(word) else None)


def test_the_tokeniser_is_loaded_with_the_first_text_that_is_not_plain(packed: Path) -> None:
    """Until then nothing that is not plain is read at once, which would hold up whoever reads."""
    reader = Reader(Weights(packed), 64)
    plain, other = ["a bike"], ["a café"]
    assert (reader.at_once(plain, ""), reader.at_once(other, "")) == (True, False)
    assert reader.read(other, "") == reader.read(["a cafe"], "")
    assert (reader.at_once(plain, ""), reader.at_once(other, "")) == (True, True)
    assert not reader.at_once(["a" * (AT_ONCE + 1)], "")
