"""Whatever is written: the mapping is exact, English has no figures or markup left, and nothing crashes."""

# ruff: noqa: RUF001 (the signs of written text, look-alikes among them, are its subject)

from __future__ import annotations

import re
import string

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from services.tts.speakable import Speakable, speakable

LANGUAGES = st.sampled_from(["en", "en-GB", "de", "fr", "es", "it", "zh", ""])
PAUSES = ",;:.!?…"
FORMS = st.sampled_from(
    re.split(
        " ",
        "€12.50 $ 1,234.5 5 km/h -3 °C 17:30 1/2 21st 2026-11-21 Nov. May 5, Dr. e.g. U.S. NASA **b** _i_ `c` [l](u) "
        "# - 1. \n\n \n <b> &amp; https://a.b/c?d a@b.co +49 555-1234 MP3 x² ½ Ⅷ ٣ 🙂 3️⃣ é e\u0301 \u200d \u202e ' ’ "
        "-- … / ( ) 12,50 € 1.234,56 17h30 1er 2.ª z. B. \x00 \ud800 \udfff 😀 | ``` 1e5 0x1F 1000000 %% ^2 v1.2 "
        "9999999999999999999999 EE. UU. 1.000 3. 24.12. & &x; ^ ~5 ±",
    )
)
WRITTEN = st.one_of(
    st.text(max_size=60),
    st.text(alphabet=st.characters(), max_size=40),
    st.lists(FORMS, max_size=12).map(" ".join),
    st.lists(FORMS, max_size=12).map("".join),
    st.text(alphabet="0123456789.,:/-+ $€%°kmhxs", max_size=40),
)


def assert_exact(text: str, found: Speakable) -> None:
    written = spoken = 0
    for span in found.spans:
        assert written <= span.written_start < span.written_end <= len(text)
        assert spoken <= span.spoken_start < span.spoken_end <= len(found.text)
        between = found.text[spoken : span.spoken_start]
        assert not between.strip(PAUSES + " ")
        for part in (text[span.written_start : span.written_end], found.text[span.spoken_start : span.spoken_end]):
            assert part == part.strip() != ""
        written, spoken = span.written_end, span.spoken_end
    assert not found.text[spoken:].strip(PAUSES)


@given(WRITTEN, LANGUAGES)
@settings(max_examples=400, deadline=None)
@example("", "en")
@example("\x00", "en")
@example("\ud800", "de")
@example("٣٫٥", "en")
@example("1/0", "en")
@example("." * 50, "fr")
def test_spans_are_in_order_and_hold_every_spoken_word(text: str, language: str) -> None:
    """No overlap; between spans are only spaces and pauses; what is spoken can be encoded for an engine."""
    found = speakable(text, language)
    assert_exact(text, found)
    assert "\0" not in found.text
    found.text.encode("utf-8")


@given(WRITTEN)
@settings(max_examples=400, deadline=None)
def test_english_has_no_figures_and_no_marks_left(text: str) -> None:
    """Not one digit of any script, no sign of Markdown."""
    spoken = speakable(text, "en").text
    assert not [c for c in spoken if c.isdecimal() or c.isdigit()]
    assert not set(spoken) & set("*_`#[]<>|~\\{}=^")


@given(st.text(alphabet=string.ascii_letters + " ,.!?'\n", max_size=80), LANGUAGES)
@settings(deadline=None)
def test_every_letter_of_plain_prose_is_in_a_span(text: str, language: str) -> None:
    """Nothing that can be spoken is left out."""
    covered = {i for s in speakable(text, language).spans for i in range(s.written_start, s.written_end)}
    assert not [i for i, c in enumerate(text) if c.isalpha() and i not in covered]


@pytest.mark.parametrize(
    "part",
    re.split("_", "word _9_1,_a._- _* _[_](_<a_<!--_|_1:_€_A_a@_\n_٣_é_1/_https://a._+1 _😀_x1_(_&a_-_`_Dr. _1 _May "),
)
def test_ten_thousand_characters_of_anything_are_read(part: str) -> None:
    """No form makes the scanner look at everything again and again, which would last for minutes."""
    text = (part * 10_000)[:10_000]
    assert_exact(text, speakable(text, "en"))
