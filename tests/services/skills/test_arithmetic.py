"""Sums are exact; what cannot be exact says "about"; what cannot be at all is said kindly."""

from __future__ import annotations

import math
from fractions import Fraction

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from services.skills.expression import DividedByZero, NotANumber, NotArithmetic, TooBig, calculate, spoken

WHOLE = st.integers(-(10**9), 10**9)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("17 times 23", 391),
        ("3 plus 4 times 2", 11),
        ("(3 + 4) * 2", 14),
        ("10 minus 4 minus 3", 3),
        ("2 ^ 3 ^ 2", 512),
        ("- 2 ^ 2", -4),
        ("2 ** 10", 1024),
        ("20 percent of 80", 16),
        ("200 plus 10 %", 220),
        ("200 minus 10 percent", 180),
        ("half of 50", 25),
        ("a third of 1", Fraction(1, 3)),
        ("a quarter of 100 plus 1", 26),
        ("3 quarters of 60", 45),
        ("6 divided by a third of 90", Fraction(1, 5)),
        ("half of 2 thirds of 90", 30),
        ("10 to the minus 3", Fraction(1, 1000)),
        ("subtract 3 from 10", 7),
        ("divide 100 by 8", Fraction(25, 2)),
        ("the difference between 10 and 4", 6),
        ("20 percent off 50", 40),
        ("the sum of 1 2 and 3", 6),
        ("the product of 2 3 and 4", 24),
        ("add 5 and 6", 11),
        ("80 increased by 25 percent", 100),
        ("80 reduced by 25 percent", 60),
        ("the average of 4 8 and 12", 8),
        ("mean of -2 and minus 4", -3),
        ("average of 1, 2, 3 and 5", Fraction(11, 4)),
        ("what percent of 80 is 20", 25),
        ("what percentage is 1 of 3", Fraction(100, 3)),
        ("20 is what percent of 80", 25),
        ("30 out of 40 as a percentage", 75),
        ("a 15 percent tip on 60", 9),
        ("20 percent tip on a $45.50 bill", Fraction(91, 10)),
        ("tip on 60 dollars at 15 percent", 9),
        ("2 + 2 =", 4),
        ("0.1 plus 0.2", Fraction(3, 10)),
        ("1 divided by 3 times 3", 1),
        ("the square root of 144", 12),
        ("square root of 2.25", Fraction(3, 2)),
        ("the cube root of 27", 3),
        ("5 squared plus 1", 26),
        ("2 to the power of -2", Fraction(1, 4)),
        ("9 to the power of 0.5", 3),
        ("5 factorial", 120),
        ("17 mod 5", 2),
        ("double 21", 42),
    ],
)
def test_the_value_is_exact(text, value):
    result = calculate(text)
    assert (result.number, result.exact) == (value, True)


@pytest.mark.parametrize(("text", "value"), [("√2", math.sqrt(2)), ("2 ^ 0.5", math.sqrt(2)), ("10 ^ 1.5", 10**1.5)])
def test_roots_are_close_and_say_that_they_are_rounded(text, value):
    result = calculate(text)
    assert not result.exact
    assert float(result.number) == pytest.approx(value, rel=1e-15)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("1 divided by 0", DividedByZero),
        ("0 ^ -1", DividedByZero),
        ("5 mod 0", DividedByZero),
        ("√ -4", NotANumber),
        ("-8 ^ 0.5 times √ -1", NotANumber),
        ("9 ^ 9 ^ 9", TooBig),
        ("2 ^ 100000", TooBig),
        ("1001 factorial", TooBig),
        ("10 ^ 20000.5", TooBig),
        ("", NotArithmetic),
        ("7", NotArithmetic),
        ("7 30", NotArithmetic),
        ("plus", NotArithmetic),
        ("3 plus", NotArithmetic),
        ("(3 plus 4", NotArithmetic),
        ("love times 2", NotArithmetic),
        ("average of 5", NotArithmetic),
        ("average of the class", NotArithmetic),
        ("what percent of 0 is 5", DividedByZero),
        ("9 out of 10", NotArithmetic),
        ("__import__('os')", NotArithmetic),
        ("2; 3 + 4", NotArithmetic),
    ],
)
def test_what_cannot_be_calculated_has_a_name(text, problem):
    with pytest.raises(problem):
        calculate(text)


@given(WHOLE, WHOLE, st.sampled_from("+-*"))
def test_whole_numbers_are_as_python_has_them(left, right, sign):
    expected = {"+": left + right, "-": left - right, "*": left * right}[sign]
    assert calculate(f"{left} {sign} {right}").number == expected


@given(WHOLE, WHOLE)
def test_division_is_exact(left, right):
    assume(right)
    assert calculate(f"{left} / {right}").number == Fraction(left, right)


@given(st.integers(0, 10**15))
def test_the_root_of_a_square_is_exact(number):
    result = calculate(f"√ {number * number}")
    assert (result.number, result.exact) == (number, True)


@given(st.text(alphabet="0123456789.+-*/^()% √²!x plustimesofnd", max_size=30))
def test_any_text_has_a_value_or_a_named_problem(text):
    try:
        calculate(text)
    except (NotArithmetic, DividedByZero, NotANumber, TooBig):
        return


@pytest.mark.parametrize(
    ("language", "text", "said"),
    [("en", "17*23", "17 times 23"), ("de", "10 / 4", "10 geteilt durch 4"), ("en", "2**3", "2 to the power of 3")],
)
def test_signs_are_said_as_words(language, text, said):
    assert spoken(text, language) == said


@pytest.mark.parametrize(
    ("sentence", "speech", "outcome"),
    [
        ("what is seventeen times twenty three", "17 times 23 is 391.", "answered"),
        ("what is ten divided by four", "10 divided by 4 is 2.5.", "answered"),
        ("what is ten divided by three", "10 divided by 3 is about 3.333333.", "answered"),
        ("what's 1000 times 1000", "1000 times 1000 is 1,000,000.", "answered"),
        ("what is 0.1 + 0.2", "0.1 plus 0.2 is 0.3.", "answered"),
        ("what is the square root of two", "The square root of 2 is about 1.414214.", "answered"),
        ("multiply six by seven", "6 times 7 is 42.", "answered"),
        ("what is the average of 4, 8 and twelve", "The average of 4, 8 and 12 is 8.", "answered"),
        ("what percent of 80 is 20", "20 is 25 percent of 80.", "answered"),
        ("what percentage is one of three", "1 is about 33.333333 percent of 3.", "answered"),
        ("how much is a 15% tip on sixty dollars", "A 15 percent tip on 60 is 9.", "answered"),
        ("two thirds of ninety", "2 thirds of 90 is 60.", "answered"),
        (
            "99999999999999 times 99999999999999",
            "99999999999999 times 99999999999999 is about 1 times 10 to the power of 28.",
            None,
        ),
        ("two to the power of one hundred", "2 to the power of 100 is about 1.2677 times 10 to the power of 30.", None),
        ("one divided by two to the power of forty", None, "answered"),
        ("ten divided by zero", "Nothing can be divided by zero.", "failed"),
        ("nine to the power of nine to the power of nine", "That number is too big for me to say.", "failed"),
        ("the square root of minus four", "There is no real number for that.", "failed"),
    ],
)
async def test_the_answer_in_words(talk, sentence, speech, outcome):
    result = await talk.say(sentence)
    assert result.name == "calculate"
    assert speech in (None, result.speech)
    assert outcome in (None, result.outcome)
