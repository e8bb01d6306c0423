"""English: what is written in figures, signs and marks is spoken in words."""

from __future__ import annotations

import pytest

from services.tts.speakable import speakable

NUMBERS = {
    "7": "seven",
    "007": "zero zero seven",
    "12,345": "twelve thousand three hundred and forty-five",
    "1,234,567.89": "one million two hundred and thirty-four thousand five hundred and sixty-seven point eight nine",
    "3.14": "three point one four",
    "0.5": "zero point five",
    ".5": "point five",
    "-5": "minus five",
    "−5": "minus five",
    "1st, 2nd, 3rd, 22nd": "first, second, third, twenty-second",
    "1/2": "one half",
    "3/4": "three quarters",
    "2 1/2": "two and one half",
    "2½": "two and one half",
    "5/12": "five twelfths",
    "24/7": "twenty-four seven",
    "10-20": "ten to twenty",
    "5–10 km": "five to ten kilometers",
    "10³": "ten cubed",
    "No. 5": "number five",
    "No. 5 is it? No.": "number five is it? No.",
    "Ⅷ": "eight",
    "٣": "three",
    "9" * 17: " ".join(["nine"] * 17),
}
MONEY = {
    "€12.50": "twelve euros fifty",
    "$5": "five dollars",
    "$1": "one dollar",
    "£1.01": "one pound one",
    "$0.99": "ninety-nine cents",
    "$0.01": "one cent",
    "$1,234.56": "one thousand two hundred and thirty-four dollars fifty-six",
    "$3 million": "three million dollars",
    "$1.5bn": "one point five billion dollars",
    "£3m": "three million pounds",
    "20 EUR": "twenty euros",
    "CHF 20": "twenty Swiss francs",
    "¥500": "five hundred yen",
    "5.00 €": "five euros",
    "12.50 euros": "twelve euros fifty",
    "$1,000–$2,000": "one thousand dollars to two thousand dollars",
    "$5/hr": "five dollars per hour",
    "10 €/kg": "ten euros per kilogram",
    "5 USD/kg": "five dollars per kilogram",
    "-€12.50": "minus twelve euros fifty",
    "(-$5)": "minus five dollars,",
    "$10-20": "ten to twenty dollars",
    "$1–2 million": "one to two million dollars",
    "50¢": "fifty cents",
    "DE89 3704 0044 05": "D E eight nine, three seven zero four, zero zero four four, zero five",
    "GB82WEST12345698765432": "G B eight two, W E S T, one two three four, five six nine eight, seven six five four, "
    "three two",
}
UNITS = {
    "5 km/h": "five kilometers per hour",
    "21 °C": "twenty-one degrees Celsius",
    "-5°F": "minus five degrees Fahrenheit",
    "1 km": "one kilometer",
    "1.5 km": "one point five kilometers",
    "3GB": "three gigabytes",
    "50%": "fifty percent",
    "12 m²": "twelve square meters",
    "60 mph": "sixty miles per hour",
    "90°": "ninety degrees",
    "a 5-km run": "a five kilometers run",
}
TIMES = {
    "17:30": "seventeen thirty",
    "5:30 pm": "five thirty P M",
    "9:05": "nine oh five",
    "9:00": "nine o'clock",
    "00:00": "midnight",
    "9am": "nine eh M",
    "It is 9 a.m.": "It is nine eh M.",
    "17:30:15": "seventeen thirty and fifteen seconds",
    "16:9": "sixteen to nine",
    "99:99": "ninety-nine to ninety-nine",
}
DATES = {
    "November 21, 2026": "November twenty-first twenty twenty-six",
    "Nov. 3rd": "November third",
    "21 Nov 2026": "twenty-first November twenty twenty-six",
    "the 4th of July": "the fourth of July",
    "2026-11-21": "November twenty-first twenty twenty-six",
    "11/21/2026": "November twenty-first twenty twenty-six",
    "May 2020": "May twenty twenty",
    "you may 5 times": "you may five times",
    "in 1066": "in ten sixty-six",
    "1914-1918": "nineteen fourteen to nineteen eighteen",
    "1500 people": "one thousand five hundred people",
    "the 1990s": "the nineteen nineties",
    "2026-13-45": "two zero two six, one three, four five",
}
SHORT_FORMS = {
    "Dr. Smith": "Doctor Smith",
    "on Main St.": "on Main Street.",
    "St. Louis": "Saint Louis",
    "e.g. this": "for example this",
    "I.e. that": "that is that",
    "bread, etc.": "bread, et cetera.",
    "J. R. R. Tolkien": "J R R Tolkien",
    "NASA": "Nasa",
    "the FBI's USB": "the F B I's U S B",
    "AI": "eh I",
    "two CPUs": "two C P U's",
    "that is NOT it": "that is not it",
    "World War II": "World War two",
    "MP3": "M P three",
    "x86": "x eighty-six",
    "4K": "four K",
    "covid-19": "covid nineteen",
    "v1.2.3": "v one dot two dot three",
    "192.168.0.1": "one hundred and ninety-two dot one hundred and sixty-eight dot zero dot one",
    "C++ and C#": "C plus plus and C sharp",
    "AT&T": "eh T and T",
}
ADDRESSES = {
    "https://www.example.com/path/to?x=1#top": "example dot com slash path slash to",
    "see example.org.": "see example dot org.",
    "<https://a.example.net>": "eh dot example dot net",
    "max.muster@example.co.uk": "max dot muster at example dot co dot uk",
    "readme.md": "readme dot md",
    "+49 30 1234567": "plus four nine, three zero, one two three four five six seven",
    "(555) 123-4567": "five five five, one two three, four five six seven",
    "978-3-16": "nine seven eight, three, one six",
    "555-1234": "five five five, one two three four",
}
MARKUP = {
    "**bold** and _it_ and `code`": "bold and it and code",
    '[a link](https://a.b/c "title")': "a link",
    "![a picture](x.png)": "a picture",
    "# Heading": "Heading",
    "- one\n- two": "one, two",
    "* one\n* two": "one, two",
    "1. one\n2. two": "one. one, two. two",
    "> quoted": "quoted",
    "one\n\ntwo": "one. two",
    "---\nafter": "after",
    "```python\nprint\n```": "print,",
    "| a | b |\n|---|---|\n| one | two |": "a, b, one, two,",
    "<b>bold</b> &amp; more&nbsp;": "bold and more",
    "~~gone~~": "gone",
    "snake_case_name": "snake case name",
    "- [ ] a task": "a task",
    "as shown[1] there[^2]": "as shown there",
    "**half": "half",
    "🙂 hi 👍🏽!": "hi!",
}
MATHS = {
    "3 + 4 = 7": "three plus four equals seven",
    "2*3 = 6": "two times three equals six",
    "2 × 3 ÷ 4": "two times three divided by four",
    "10 - 4": "ten minus four",
    "5 > 3 ≥ 2": "five greater than three greater than or equal to two",
    "x^2 + y³": "x squared plus y cubed",
    "2^10": "two to the power of ten",
    "√16 ≈ 4": "square root of sixteen is about four",
    "1920x1080": "one thousand nine hundred and twenty by one thousand and eighty",
    "2x": "two times",
    "rock & roll": "rock and roll",
    "#1 #winning @home": "number one hashtag winning at home",
    "§ 5": "section five",
    "well - perhaps – not": "well, perhaps, not",
    "and/or": "and or",
    "x^2 + 2x - 1": "x squared plus two x minus one",
    "<5 min": "less than five minutes",
    "10^-3": "ten to the power of minus three",
}

CASES = NUMBERS | MONEY | UNITS | TIMES | DATES | SHORT_FORMS | ADDRESSES | MARKUP | MATHS


@pytest.mark.parametrize(("written", "spoken"), CASES.items(), ids=list(CASES))
def test_a_written_form_is_spoken_in_words(written: str, spoken: str) -> None:
    """Each by itself."""
    assert speakable(written, "en").text == spoken


def test_a_form_is_one_span_of_all_its_words() -> None:
    """Whoever knows the samples of the last word knows whether the form was heard."""
    text = "It costs €12.50, Dr. Who."
    found = speakable(text, "en")
    pairs = [(text[s.written_start : s.written_end], found.text[s.spoken_start : s.spoken_end]) for s in found.spans]
    assert pairs == [
        ("It", "It"),
        ("costs", "costs"),
        ("€12.50", "twelve euros fifty"),
        ("Dr.", "Doctor"),
        ("Who", "Who"),
    ]


def test_the_words_of_a_date_are_spans_of_their_own() -> None:
    """An interruption inside a long date is heard as far as it was spoken."""
    text = "on Nov. 21st, 2026"
    spans = speakable(text, "en").spans
    assert [text[s.written_start : s.written_end] for s in spans] == ["on", "Nov.", "21st", "2026"]


def test_british_dates_begin_with_the_day() -> None:
    """And a month beyond twelve is a day in any case."""
    assert speakable("4/7/2026", "en-GB").text == "July fourth twenty twenty-six"
    assert speakable("4/7/2026", "en-US").text == "April seventh twenty twenty-six"
    assert speakable("21/11/2026", "en").text == "November twenty-first twenty twenty-six"


def test_a_text_in_capitals_is_not_spelled() -> None:
    """Only what stands out is an acronym."""
    assert speakable("WE ALL LIVE IN USA NOW", "en").text == "we all live in usa now"
