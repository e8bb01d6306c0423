"""LocalAgreement-2: what two hypotheses agree on stays."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from services.stt.agreement import Agreement


def test_words_are_stable_once_two_hypotheses_agree_on_them() -> None:
    agreement = Agreement()
    assert agreement.take(["set", "a", "time"]) == ["set", "a", "time"]
    assert agreement.stable == ()
    agreement.take(["set", "a", "timer", "for"])
    assert agreement.stable == ("set", "a")
    assert agreement.take(["Set", "a", "timer", "for", "ten"]) == ["set", "a", "timer", "for", "ten"]
    assert agreement.stable == ("set", "a", "timer", "for")


def test_case_and_punctuation_do_not_keep_words_from_agreeing() -> None:
    agreement = Agreement()
    agreement.take(["Stop."])
    agreement.take(["stop,", "please"])
    assert agreement.stable == ("stop,",)


@given(st.lists(st.lists(st.sampled_from("abc"), max_size=6), max_size=12))
def test_the_stable_prefix_is_only_ever_appended_to(hypotheses: list[list[str]]) -> None:
    agreement, before = Agreement(), ()
    for words in hypotheses:
        said = agreement.take(words)
        assert agreement.stable[: len(before)] == before
        assert tuple(said[: len(agreement.stable)]) == agreement.stable
        before = agreement.stable
