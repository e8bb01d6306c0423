"""Compiled grammars: kept whole, found again for the same sentences alone, made again when they are damaged."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from pydantic import JsonValue, ValidationError

from services.stt import SttSettings
from services.stt.engines import make_pocketsphinx, pocketsphinx
from services.stt.grammar import Grammar, GrammarShelf

DOCUMENT: dict[str, JsonValue] = {"intents": {"Stop": {"data": [{"sentences": ["stop [it]"]}]}}}
GRAMMAR = Grammar(arcs=({"stop": 1}, {"it": 2}, {}), finals=frozenset((1, 2)), said={"it": ("IH D",)})


@pytest.fixture
def shelf(tmp_path: Path) -> GrammarShelf:
    return GrammarShelf(tmp_path / "grammars")


def files(tmp_path: Path) -> list[Path]:
    return sorted((tmp_path / "grammars").iterdir())


def test_what_is_kept_is_found_again(shelf: GrammarShelf) -> None:
    shelf.keep(DOCUMENT, "en", GRAMMAR)
    assert shelf.find(DOCUMENT, "en") == GRAMMAR


def test_other_sentences_and_another_language_find_nothing(shelf: GrammarShelf) -> None:
    shelf.keep(DOCUMENT, "en", GRAMMAR)
    assert shelf.find({**DOCUMENT, "lists": {}}, "en") is None
    assert shelf.find(DOCUMENT, "de") is None


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x80\x04\x95",
        b"[]",
        GRAMMAR.model_dump_json().encode()[:-9],
        json.dumps({"arcs": [{"stop": 7}], "finals": [0], "said": {}}).encode(),
        json.dumps({"arcs": [{}], "finals": [3], "said": {}}).encode(),
        json.dumps({"arcs": [{"stop": -1}], "finals": [0], "said": {}}).encode(),
    ],
)
def test_a_damaged_file_is_as_good_as_none_and_is_replaced(shelf: GrammarShelf, tmp_path: Path, content: bytes) -> None:
    shelf.keep(DOCUMENT, "en", GRAMMAR)
    files(tmp_path)[0].write_bytes(content)
    assert shelf.find(DOCUMENT, "en") is None
    shelf.keep(DOCUMENT, "en", GRAMMAR)
    assert shelf.find(DOCUMENT, "en") == GRAMMAR


def test_an_arc_to_nowhere_makes_no_grammar() -> None:
    with pytest.raises(ValidationError):
        Grammar(arcs=({"stop": 1},), finals=frozenset((0,)), said={})


def test_eight_are_kept_and_the_one_unused_for_longest_goes(shelf: GrammarShelf, tmp_path: Path) -> None:
    for number in range(8):
        shelf.keep({"number": number}, "en", GRAMMAR)
        for age, path in enumerate(sorted(files(tmp_path), key=lambda path: path.stat().st_mtime, reverse=True), 1):
            os.utime(path, (1000 - age, 1000 - age))
    assert shelf.find({"number": 0}, "en")
    shelf.keep({"number": 8}, "en", GRAMMAR)
    assert len(files(tmp_path)) == 8
    assert shelf.find({"number": 0}, "en")
    assert shelf.find({"number": 1}, "en") is None


def test_a_folder_that_cannot_be_written_costs_time_alone(tmp_path: Path) -> None:
    (tmp_path / "grammars").write_text("a file is in the way")
    shelf = GrammarShelf(tmp_path / "grammars")
    shelf.keep(DOCUMENT, "en", GRAMMAR)
    assert shelf.find(DOCUMENT, "en") is None


def test_a_second_engine_compiles_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = SttSettings(grammar_folder=tmp_path / "grammars")
    make_pocketsphinx(settings, None).learn({"en": DOCUMENT})
    monkeypatch.setattr(pocketsphinx, "compile_sentences", None)
    second = make_pocketsphinx(settings, None)
    second.learn({"en": DOCUMENT})
    assert second.grammar.knows
