"""An error says what happened and then what to do."""

from __future__ import annotations

from shared.errors import SottoError


def test_an_error_reads_as_a_sentence_and_its_remedy() -> None:
    error = SottoError("The disk is full.", remedy="Free 2 GB.")
    assert str(error) == "The disk is full. Free 2 GB."
    assert (error.message, error.remedy) == ("The disk is full.", "Free 2 GB.")


def test_without_a_remedy_nothing_is_added() -> None:
    assert str(SottoError("It broke.")) == "It broke."
