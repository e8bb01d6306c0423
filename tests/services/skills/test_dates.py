"""Dates as people say and write them, and which one is meant where no year is said."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.skills.days import WEEKDAYS, day_named, weekdays_named

TODAY = date(2026, 11, 21)
"""A Saturday."""


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("december 25th", "2026-12-25"),
        ("25 december", "2026-12-25"),
        ("the 25th of December", "2026-12-25"),
        ("December 25, 2027", "2027-12-25"),
        ("dec 25", "2026-12-25"),
        ("december 20 fifth", "2026-12-25"),
        ("the twenty-fifth of december", "2026-12-25"),
        ("july fourth 19 99", "1999-07-04"),
        ("twelfth of june 19 oh 5", "1905-06-12"),
        ("may 20 20 26", "2026-05-20"),
        ("the first of may two thousand and four", "2004-05-01"),
        ("thirtieth of june", "2027-06-30"),
        ("the 25th", "2026-11-25"),
        ("the 3rd", "2026-12-03"),
        ("the 31st", "2026-12-31"),
        ("november 21", "2026-11-21"),
        ("november 20", "2027-11-20"),
        ("february 29", "2028-02-29"),
        ("2027-01-02", "2027-01-02"),
        ("christmas", "2026-12-25"),
        ("Christmas Eve", "2026-12-24"),
        ("new year's day", "2027-01-01"),
        ("halloween last year", "2025-10-31"),
        ("easter", "2027-03-28"),
        ("easter 2038", "2038-04-25"),
        ("good friday next year", "2027-03-26"),
        ("thanksgiving", "2026-11-26"),
        ("monday", "2026-11-23"),
        ("saturday", "2026-11-28"),
        ("next friday", "2026-11-27"),
        ("last friday", "2026-11-20"),
    ],
)
def test_without_a_year_a_date_is_the_next_one(text, day):
    assert day_named(text, TODAY) == date.fromisoformat(day)


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("december 25th", "2025-12-25"),
        ("november 21", "2026-11-21"),
        ("the 25th", "2026-10-25"),
        ("february 29", "2024-02-29"),
        ("easter", "2026-04-05"),
        ("monday", "2026-11-16"),
        ("saturday", "2026-11-14"),
    ],
)
def test_of_the_past_it_is_the_last_one(text, day):
    assert day_named(text, TODAY, past=True) == date.fromisoformat(day)


@pytest.mark.parametrize(
    ("language", "text", "day"),
    [
        ("de", "25. Dezember", "2026-12-25"),
        ("de", "fünfundzwanzigsten dezember 2030", "2030-12-25"),
        ("de", "dritten märz", "2027-03-03"),
        ("de", "siebzehnte juni 1953", "1953-06-17"),
        ("fr", "14 juillet", "2027-07-14"),
        ("fr", "premier janvier", "2027-01-01"),
        ("fr", "1er janvier 2030", "2030-01-01"),
        ("es", "25 de diciembre de 2026", "2026-12-25"),
        ("es", "primero de enero", "2027-01-01"),
        ("de", "december 25", "2026-12-25"),
    ],
)
def test_dates_are_said_in_each_language(language, text, day):
    assert day_named(text, TODAY, language=language) == date.fromisoformat(day)


@pytest.mark.parametrize(
    "text",
    [
        "february 30",
        "the 32nd",
        "march",
        "12",
        "5 5",
        "doomsday",
        "christmas tree",
        "may 19 20",
        "0 june",
        "2027",
        "easter 0000",
        "thanksgiving 9999",
        "9999-12-31",
    ],
)
def test_what_is_no_date_is_none(text):
    assert day_named(text, TODAY) is None


@given(st.dates(date(1583, 1, 1), date(2999, 12, 31)))
def test_any_date_written_out_is_itself(day):
    for written in (f"{day:%B} {day.day}, {day.year}", f"the {day.day}th of {day:%B} {day.year}", day.isoformat()):
        assert day_named(written, TODAY) == day


@given(st.text(max_size=40), st.sampled_from(["en", "de", "fr", "es"]))
def test_any_text_is_a_day_or_none(text, language):
    found = day_named(text, TODAY, language=language)
    assert found is None or isinstance(found, date)


@given(st.integers(1583, 4000))
def test_easter_is_a_sunday_of_spring(year):
    easter = day_named(f"easter {year}", TODAY)
    assert easter is not None
    assert easter.weekday() == 6
    assert date(year, 3, 22) <= easter <= date(year, 4, 25)
    assert day_named(f"easter monday {year}", TODAY) == easter + timedelta(days=1)


@pytest.mark.parametrize(
    ("names", "days"),
    [
        ("day", "0123456"),
        ("daily", "0123456"),
        ("every weekday", "01234"),
        ("work days", "01234"),
        ("weekends", "56"),
        ("monday", "0"),
        ("Tuesdays and Thursdays", "13"),
        ("monday, wednesday, friday", "024"),
        ("monday to friday", "01234"),
        ("friday through monday", "0456"),
        ("weekend and wednesday", "256"),
        ("other day", ""),
        ("month", ""),
        ("", ""),
    ],
)
def test_weekdays_that_come_again(names, days):
    assert weekdays_named(names) == tuple(map(int, days))


@given(st.sets(st.sampled_from(WEEKDAYS), min_size=1))
def test_named_weekdays_are_those_in_order(names):
    assert weekdays_named(" and ".join(names)) == tuple(sorted(WEEKDAYS.index(name) for name in names))
