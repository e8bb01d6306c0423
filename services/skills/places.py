"""Where a place is in time: the zones of cities, countries, US states and named zones.

Cities come from places.tsv (GeoNames, CC BY 4.0), countries' zones from the tz database, countries' names in every
language from CLDR through Babel.
"""

from __future__ import annotations

import importlib.resources
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone, tzinfo
from functools import cached_property
from zoneinfo import ZoneInfo

__all__ = ["Place", "Places"]


@dataclass(frozen=True, slots=True)
class Place:
    """A place that was found. Several `spots` with different times only for a country or a state."""

    name: str
    spots: tuple[tuple[str, tzinfo], ...]
    """A well-known city and its zone, the most populous first; one for each different time of the place."""


@dataclass(frozen=True, slots=True)
class _City:
    name: str
    """As it was asked for: a foreign name stays foreign."""
    country: str
    state: str
    zone: str
    rank: int
    """Its place in the order of populations, from 0."""


_ZONES = {
    "utc": "UTC", "gmt": "Etc/GMT", "greenwich": "Etc/GMT", "greenwich mean time": "Etc/GMT", "zulu": "UTC",
    "eastern time": "America/New_York", "central time": "America/Chicago", "mountain time": "America/Denver",
    "pacific time": "America/Los_Angeles", "alaska time": "America/Anchorage", "hawaii time": "Pacific/Honolulu",
    "western european time": "Europe/Lisbon", "central european time": "Europe/Berlin",
    "eastern european time": "Europe/Athens", "british time": "Europe/London", "moscow time": "Europe/Moscow",
    "indian time": "Asia/Kolkata", "china time": "Asia/Shanghai", "japan time": "Asia/Tokyo",
    "korea time": "Asia/Seoul", "australian eastern time": "Australia/Sydney",
}  # fmt: skip
_ABBREVIATED = {
    "est": "eastern time", "edt": "eastern time", "cst": "central time", "cdt": "central time", "mst": "mountain time",
    "mdt": "mountain time", "pst": "pacific time", "pdt": "pacific time", "akst": "alaska time", "akdt": "alaska time",
    "hst": "hawaii time", "wet": "western european time", "west": "western european time",
    "cet": "central european time", "cest": "central european time", "eet": "eastern european time",
    "eest": "eastern european time", "bst": "british time", "msk": "moscow time", "ist": "indian time",
    "jst": "japan time", "kst": "korea time", "aest": "australian eastern time", "aedt": "australian eastern time",
}  # fmt: skip
"""Whether standard or summer time is said, what the clocks there show now is meant."""
_OFFSET = re.compile(r"(utc|gmt) ?(\+|-|plus |minus )(\d{1,2})(?:[: ](\d\d))?")
_FARTHEST = timedelta(hours=14)
_ALSO_COUNTRIES = {
    "en": {"england": "GB", "scotland": "GB", "wales": "GB", "britain": "GB", "great britain": "GB", "uk": "GB",
           "usa": "US", "america": "US", "us": "US", "united states of america": "US", "holland": "NL", "korea": "KR",
           "czech republic": "CZ", "emirates": "AE"},
    "de": {"england": "GB", "schottland": "GB", "großbritannien": "GB", "usa": "US", "amerika": "US", "holland": "NL",
           "korea": "KR"},
    "fr": {"angleterre": "GB", "écosse": "GB", "grande bretagne": "GB", "usa": "US", "amérique": "US",
           "hollande": "NL", "corée": "KR"},
    "es": {"inglaterra": "GB", "escocia": "GB", "gran bretaña": "GB", "eeuu": "US", "américa": "US", "holanda": "NL",
           "corea": "KR"},
}  # fmt: skip
_GERMAN_DATIVES = {
    "AE": "den Vereinigten Arabischen Emiraten", "BS": "den Bahamas", "CF": "der Zentralafrikanischen Republik",
    "CH": "der Schweiz", "DO": "der Dominikanischen Republik", "GB": "dem Vereinigten Königreich",
    "MN": "der Mongolei", "MV": "den Malediven", "NL": "den Niederlanden", "PH": "den Philippinen",
    "SK": "der Slowakei", "TR": "der Türkei", "UA": "der Ukraine", "US": "den Vereinigten Staaten",
}  # fmt: skip
"""Countries with an article, as they stand after "in"."""
_FAR_GREATER = 20
"""A foreign name beats a town's own when its bearer stands this many times higher in the order of populations: Pekín
is Beijing and not Pekin, Illinois."""
_CITY_STATES = frozenset({"new york", "washington"})
"""US states whose name means the city when nothing else is said."""
_STATES = (
    "AL Alabama|AK Alaska|AZ Arizona|AR Arkansas|CA California|CO Colorado|CT Connecticut|DE Delaware|FL Florida|"
    "GA Georgia|HI Hawaii|ID Idaho|IL Illinois|IN Indiana|IA Iowa|KS Kansas|KY Kentucky|LA Louisiana|ME Maine|"
    "MD Maryland|MA Massachusetts|MI Michigan|MN Minnesota|MS Mississippi|MO Missouri|MT Montana|NE Nebraska|"
    "NV Nevada|NH New Hampshire|NJ New Jersey|NM New Mexico|NY New York|NC North Carolina|ND North Dakota|OH Ohio|"
    "OK Oklahoma|OR Oregon|PA Pennsylvania|RI Rhode Island|SC South Carolina|SD South Dakota|TN Tennessee|TX Texas|"
    "UT Utah|VT Vermont|VA Virginia|WA Washington|WV West Virginia|WI Wisconsin|WY Wyoming"
)


class Places:
    """The gazetteer. Its file is read when a place is first asked for, which takes a tenth of a second and some MB.

    Blocking: for a thread, one at a time.
    """

    def find(self, text: str, language: str, at: datetime) -> Place | None:
        """Return the place a text names, with the different times it has at the moment `at`; None when unknown."""
        written = text.lower().removeprefix("the ")
        name = _folded(written)
        if not name or set(name) & set("|\t\n"):
            return None
        return (
            self._offset(written)
            or self._zone(name)
            or self._region(name, language, at)
            or self._city(name, written, language)
        )

    def _offset(self, written: str) -> Place | None:
        """A time as it is told from the prime meridian's: "utc+2", "gmt minus 3"."""
        match = _OFFSET.fullmatch(written.strip())
        if match is None:
            return None
        ahead = match[2] in ("+", "plus ")
        offset = timedelta(hours=int(match[3]), minutes=int(match[4] or 0))
        if offset > _FARTHEST:
            return None
        label = f"{match[1].upper()} {'plus' if ahead else 'minus'} {match[3]}{':' if match[4] else ''}{match[4] or ''}"
        return Place(label, ((label, timezone(offset if ahead else -offset)),))

    def _zone(self, name: str) -> Place | None:
        name = _ABBREVIATED.get(name) or re.sub(r" (?:standard|daylight|summer) time$", " time", name)
        if name not in _ZONES:
            return None
        label = name.upper() if len(name) <= 3 else name.title()
        return Place(label, ((label, ZoneInfo(_ZONES[name])),))

    def _region(self, name: str, language: str, at: datetime) -> Place | None:
        country = self._country(name, language)
        if country is not None:
            cities = self._of_country(country)
            return self._spread(self._country_name(country, language), cities + self._nameless(country, cities), at)
        state = self._states.get(name)
        if state is not None and name not in _CITY_STATES:
            return self._spread(state[1], self._of_country("US", state[0]), at)
        return None

    def _city(self, name: str, written: str, language: str) -> Place | None:
        city = self._called(name, written) or self._qualified(name, language)
        return None if city is None else Place(city.name, ((city.name, ZoneInfo(city.zone)),))

    def _called(self, name: str, written: str) -> _City | None:
        """The most populous town of that name, unless a far greater one is called so abroad."""
        own = next(self._found(f"\n{name}\t", written), None)
        abroad = next(self._found(f"|{name}|", written), None)
        if own is None or (abroad is not None and abroad.rank * _FAR_GREATER < own.rank):
            return abroad
        return own

    def _qualified(self, name: str, language: str) -> _City | None:
        """A city with its country or state after it: "paris texas", "london in canada"."""
        words = name.split()
        for split in range(len(words) - 1, 0, -1):
            town, region = words[:split], " ".join(words[split:])
            town = town[:-1] if town[-1] == "in" and len(town) > 1 else town
            country, state = self._country(region, language), self._states.get(region)
            if country is None and state is None:
                continue
            for city in self._found(f"\n{' '.join(town)}\t"):
                if city.country == country or (state is not None and (city.country, city.state) == ("US", state[0])):
                    return city
        return None

    def _of_country(self, country: str, state: str = "") -> list[_City]:
        """The cities of a country or US state, the most populous first."""
        return list(self._matching(re.compile(rf"\n([^\t\n]+)\t({country})\t({state}[^\t]*)\t([^\t]+)\t"), self._text))

    def _nameless(self, country: str, cities: list[_City]) -> list[_City]:
        """Places that name those zones of the country in which no city is large enough to be known."""
        known = {city.zone for city in cities}
        zones = [zone for zone in self._zones.get(country, ()) if zone not in known]
        return [_City(zone.rpartition("/")[2].replace("_", " "), country, "", zone, 0) for zone in zones]

    @staticmethod
    def _spread(name: str, cities: list[_City], at: datetime) -> Place | None:
        spots: dict[object, tuple[str, ZoneInfo]] = {}
        for city in cities:
            zone = ZoneInfo(city.zone)
            spots.setdefault(at.astimezone(zone).utcoffset(), (city.name, zone))
        return Place(name, tuple(spots.values())) if spots else None

    # ---- the file, searched as text: an index of its 34,000 towns would take a second to make

    def _found(self, text: str, written: str = "") -> Iterator[_City]:
        """The cities whose line holds `text` in its folded form, the most populous first, named as it was `written`."""
        at = self._folded.find(text)
        while at >= 0:
            rank = self._folded.count("\n", 0, at + 1) - 1
            yield self._city_at(rank, text.strip("|\n\t"), written)
            at = self._folded.find(text, at + 1)

    def _city_at(self, rank: int, asked: str, written: str) -> _City:
        own, country, state, zone, others = self._lines[rank].split("\t")
        names = [own, *others.strip("|").split("|")]
        alike = [name for name in names if _folded(name) == asked] or [own]
        name = next((name for name in alike if name.lower() == written), alike[0])
        return _City(name, country, state, zone, rank)

    @staticmethod
    def _matching(pattern: re.Pattern[str], text: str) -> Iterator[_City]:
        return (_City(match[1], match[2], match[3], match[4], 0) for match in pattern.finditer(text))

    @cached_property
    def _text(self) -> str:
        return "\n" + (importlib.resources.files("services.skills") / "places.tsv").read_text("utf-8")

    @cached_property
    def _lines(self) -> list[str]:
        return self._text.splitlines()[1:]

    @cached_property
    def _folded(self) -> str:
        return _fold(self._text)

    @cached_property
    def _states(self) -> dict[str, tuple[str, str]]:
        return {_folded(line[3:]): (line[:2], line[3:]) for line in _STATES.split("|")}

    @cached_property
    def _zones(self) -> dict[str, list[str]]:
        zones: dict[str, list[str]] = {}
        table = (importlib.resources.files("tzdata") / "zoneinfo" / "zone.tab").read_text("utf-8")
        for line in table.splitlines():
            if not line.startswith("#"):
                country, _, zone = line.split("\t")[:3]
                zones.setdefault(country, []).append(zone)
        return zones

    @cached_property
    def _countries(self) -> dict[str, dict[str, str]]:
        return {}

    def _country(self, name: str, language: str) -> str | None:
        if language not in self._countries:
            from babel import Locale

            names = {_folded(label): code for code, label in Locale(language).territories.items() if len(code) == 2}
            also = {_folded(label): code for label, code in _ALSO_COUNTRIES.get(language, {}).items()}
            self._countries[language] = {label: code for label, code in names.items() if code in self._zones} | also
        return self._countries[language].get(name)

    @staticmethod
    def _country_name(country: str, language: str) -> str:
        from babel import Locale

        name = str(Locale(language).territories[country])
        if language == "de":
            return _GERMAN_DATIVES.get(country, name)
        articled = language == "en" and country in {"US", "GB", "NL", "PH", "AE", "BS", "GM", "MV", "CF", "DO"}
        return f"the {name}" if articled else name


_COMBINING = re.compile("[\u0300-\u036f]")
_MARKS = str.maketrans(dict.fromkeys("-.,'’", " "))
_SPACES = re.compile(" +")


def _fold(text: str) -> str:
    """Lower case without accents and punctuation, line by line as it was: how names are compared."""
    plain = unicodedata.normalize("NFKD", text.lower().replace("ß", "ss"))
    return _SPACES.sub(" ", _COMBINING.sub("", plain).translate(_MARKS))


def _folded(name: str) -> str:
    return _fold(name).strip()
