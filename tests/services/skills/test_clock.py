"""The time and date anywhere, and honesty about places with several times."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from services.skills.home import home_zone
from services.skills.places import Places
from shared.errors import ConfigError

NOVEMBER = datetime(2026, 11, 21, 14, tzinfo=UTC)


@pytest.fixture(scope="module")
def places():
    return Places()


@pytest.mark.parametrize(
    ("language", "text", "zone"),
    [
        ("en", "tokyo", "Asia/Tokyo"),
        ("en", "New York", "America/New_York"),
        ("en", "london", "Europe/London"),
        ("en", "paris", "Europe/Paris"),
        ("en", "paris texas", "America/Chicago"),
        ("en", "paris in texas", "America/Chicago"),
        ("en", "london ontario", None),
        ("en", "london canada", "America/Toronto"),
        ("en", "portland oregon", "America/Los_Angeles"),
        ("en", "portland maine", "America/New_York"),
        ("en", "california", "America/Los_Angeles"),
        ("en", "georgia", "Asia/Tbilisi"),
        ("en", "japan", "Asia/Tokyo"),
        ("en", "the netherlands", "Europe/Amsterdam"),
        ("en", "england", "Europe/London"),
        ("en", "são paulo", "America/Sao_Paulo"),
        ("en", "sao paulo", "America/Sao_Paulo"),
        ("en", "st petersburg florida", "America/New_York"),
        ("en", "saint petersburg", "Europe/Moscow"),
        ("en", "munich", "Europe/Berlin"),
        ("de", "münchen", "Europe/Berlin"),
        ("de", "tokio", "Asia/Tokyo"),
        ("de", "mailand", "Europe/Rome"),
        ("de", "japan", "Asia/Tokyo"),
        ("de", "kapstadt", "Africa/Johannesburg"),
        ("fr", "londres", "Europe/London"),
        ("fr", "le caire", "Africa/Cairo"),
        ("fr", "japon", "Asia/Tokyo"),
        ("es", "nueva york", "America/New_York"),
        ("es", "alemania", "Europe/Berlin"),
        ("es", "pekín", "Asia/Shanghai"),
        ("en", "utc", "UTC"),
        ("en", "pst", "America/Los_Angeles"),
        ("en", "Eastern Standard Time", "America/New_York"),
        ("de", "cet", "Europe/Berlin"),
        ("en", "narnia", None),
        ("en", "", None),
    ],
)
def test_a_place_has_its_zone(places, language, text, zone):
    place = places.find(text, language, NOVEMBER)
    assert (None if place is None else place.spots[0][1].key) == zone


@pytest.mark.parametrize(
    ("text", "hours", "name"),
    [
        ("utc+2", 2, "UTC plus 2"),
        ("UTC-3", -3, "UTC minus 3"),
        ("gmt plus 5:30", 5.5, "GMT plus 5:30"),
        ("utc+20", None, ""),
    ],
)
def test_a_time_may_be_told_from_the_prime_meridians(places, text, hours, name):
    place = places.find(text, "en", NOVEMBER)
    if hours is None:
        assert place is None
    else:
        assert (place.name, NOVEMBER.astimezone(place.spots[0][1]).utcoffset()) == (name, timedelta(hours=hours))


@pytest.mark.parametrize(("text", "times"), [("united states", 6), ("russia", 11), ("germany", 1), ("china", 1)])
def test_a_country_has_as_many_times_as_it_has(places, text, times):
    place = places.find(text, "en", NOVEMBER)
    assert place is not None
    assert len({NOVEMBER.astimezone(zone).utcoffset() for _, zone in place.spots}) == len(place.spots)
    assert times <= len(place.spots) <= times + 1


@pytest.mark.parametrize(
    ("sentence", "speech"),
    [
        ("what time is it", "It is 2:00 PM."),
        ("what time is it in tokyo", "In Tokyo it is 11:00 PM."),
        ("what time is it in sydney", "In Sydney it is 1:00 AM on Sunday."),
        ("what time is it in UTC-3", "In UTC minus 3 it is 11:00 AM."),
        ("what time is it in pst", "In Pacific Time it is 6:00 AM."),
        ("what is the time difference between london and tokyo", "London is 9 hours behind Tokyo."),
        ("what is the time difference between mumbai and london", "Mumbai is 5 hours and 30 minutes ahead of London."),
        ("what's the time difference to lisbon", "Lisbon has the same time as here."),
        ("how far ahead is tokyo", "Tokyo is 9 hours ahead of here."),
        ("how many hours behind us is the united states", "New York City is 5 hours behind here."),
        ("what is the time difference between london and narnia", "I do not know a place called Narnia."),
        ("how far behind is the project", ""),
        ("what time is it in narnia", "I do not know a place called Narnia."),
        ("what's the date", "Today is Saturday, November 21, 2026."),
        ("what day is tomorrow", "Tomorrow is Sunday, November 22, 2026."),
        ("what's tomorrow's date", "Tomorrow is Sunday, November 22, 2026."),
        ("what was yesterday's date", "Yesterday was Friday, November 20, 2026."),
        ("what day is it in two weeks", "That is Saturday, December 5, 2026."),
        ("what's the date in a week", "That is Saturday, November 28, 2026."),
        ("what day was it three days ago", "That was Wednesday, November 18, 2026."),
        ("what year is it", "Today is Saturday, November 21, 2026."),
        ("what day was yesterday", "Yesterday was Friday, November 20, 2026."),
        ("what day was last friday", "That was Friday, November 20, 2026."),
        ("what day is December 25th", "That is Friday, December 25, 2026."),
        ("what weekday was 4 July 1999", "That was Sunday, July 4, 1999."),
        ("when is easter", "That is Sunday, March 28, 2027."),
        ("how many days until christmas", "34 days until Friday, December 25, 2026."),
        ("how many days until tomorrow", "1 day until Sunday, November 22, 2026."),
        ("how many days until november 21st", "Today is Saturday, November 21, 2026."),
        ("how many weeks until christmas", "4 weeks and 6 days until Friday, December 25, 2026."),
        ("how many days since july fourth 1999", "10,002 days since Sunday, July 4, 1999."),
        ("how long ago was christmas", "331 days since Thursday, December 25, 2025."),
        ("what date is next friday", "That is Friday, November 27, 2026."),
        ("what's the date in auckland", "In Auckland it is Sunday, November 22, 2026."),
    ],
)
async def test_the_answer_in_words(talk, sentence, speech):
    assert (await talk.say(sentence)).speech == speech


@pytest.mark.parametrize(
    ("language", "sentence", "speech"),
    [
        ("de", "wie spät ist es in tokio", "In Tokio ist es 23:00 Uhr."),
        ("de", "wie spät ist es in münchen", "In München ist es 15:00 Uhr."),
        ("de", "wie spät ist es in der Schweiz", "In der Schweiz ist es 15:00 Uhr."),
        ("de", "welcher tag ist heute", "Heute ist Samstag, 21. November 2026."),
        ("de", "wie viele tage sind es noch bis weihnachten", "Noch 34 Tage bis Freitag, 25. Dezember 2026."),
        ("de", "welcher wochentag war der vierte juli 1999", "Das war Sonntag, 4. Juli 1999."),
        (
            "de",
            "wie groß ist der zeitunterschied zwischen tokio und london",
            "Tokio ist London voraus, Unterschied 9 Stunden.",
        ),
        ("fr", "quel est le décalage horaire avec tokyo", "Tokyo a 9 heures d'avance sur nous."),
        ("es", "cuál es la diferencia horaria entre madrid y tokio", "Madrid va 8 horas por detrás de Tokio."),
        ("fr", "combien de jours avant noël", "Encore 34 jours jusqu'au vendredi 25 décembre 2026."),
        ("es", "cuántos días faltan para navidad", "34 días hasta el viernes, 25 de diciembre de 2026."),
        ("fr", "quelle heure est-il à tokyo", "Tokyo : il est 23:00."),
        ("fr", "quel jour sommes-nous", "Nous sommes le samedi 21 novembre 2026."),
        ("es", "qué hora es en tokio", "La hora en Tokio es: 23:00."),
        ("es", "qué día es hoy", "Hoy es sábado, 21 de noviembre de 2026."),
    ],
)
async def test_the_answer_is_in_the_language_of_the_question(talking, language, sentence, speech):
    async with talking(languages=["en", language]) as talk:
        result = await talk.say(sentence, language)
    assert (result.speech, result.language) == (speech, language)


async def test_the_model_hears_how_far_away_a_day_is(talk):
    result = await talk.call("tell_date", day="Christmas Day")
    assert result.data == {"date": "2026-12-25", "days_away": 34}


async def test_a_country_with_several_times_is_told_by_its_cities(talk):
    result = await talk.say("what time is it in the united states")
    assert result.speech.startswith("The United States has 6 time zones: 9:00 AM in New York City, ")
    assert "6:00 AM in Los Angeles" in result.speech


async def test_a_region_of_a_language_is_that_language(talking):
    async with talking(languages=["en", "de"]) as talk:
        assert (await talk.say("wie spät ist es", "de-AT")).language == "de"
        assert (await talk.say("what time is it", "it")).language == "en"


def test_a_zone_that_does_not_exist_is_refused_by_name():
    with pytest.raises(ConfigError, match="Europe/Atlantis"):
        home_zone("Europe/Atlantis")


def test_the_machines_zone_is_the_default(monkeypatch):
    monkeypatch.setenv("TZ", "Asia/Kathmandu")
    assert home_zone().key == "Asia/Kathmandu"
