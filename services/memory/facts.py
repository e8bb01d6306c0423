"""Facts: what a statement is about and what it says, by its words alone.

"My bike code is 4512" is about "bike code" and says "4512". A later statement about the same replaces it; one that
says something of another sort does not ("my son is seven", "my son is allergic to nuts", "my son is in Rome"). Of a
person there may be much of one sort ("my son is a vegetarian", "a drummer"), of what they have there is one: their car
is a Volvo no more when it is a Fiat.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from services.memory.words import topic

__all__ = ["Fact", "corrected", "read"]


@dataclass(frozen=True, slots=True)
class Fact:
    """`text` is the statement as it was made, without what introduces it."""

    text: str
    key: str = ""
    value: str = ""
    slot: str = ""
    """Equal for statements of which only the last is true; empty where nothing is known of that."""
    topic: str = ""


@dataclass(frozen=True, slots=True)
class _Tongue:
    """How statements are made in a language."""

    opening: re.Pattern[str]
    is_: re.Pattern[str]
    """KEY is VALUE."""
    does: re.Pattern[str]
    """I do something of which there is one at a time: I live in VALUE."""
    called: re.Pattern[str]
    """Call me VALUE."""
    name: str
    """The key for who one is."""
    lead: re.Pattern[str]
    """What may stand before the words of a key."""
    place: frozenset[str]
    kind: frozenset[str]
    """First words of a value that say what something is like, of which there may be many."""


def _tongue(
    opening: str, is_: str, does: str, called: str, name: str, lead: str, place: str, kind: str
) -> _Tongue:  # one line of a table
    flags = re.IGNORECASE | re.DOTALL
    return _Tongue(
        re.compile(rf"^(?:{opening})\b[\s,:]*", flags),
        re.compile(rf"^(?P<key>[^.,;:?!]{{1,60}}?)\s+(?:{is_})\s+(?P<value>\S.*)$", flags),
        re.compile(rf"^(?P<key>{does})\s+(?P<value>\S.*)$", flags),
        re.compile(rf"^(?:{called})\s+(?P<value>\S.*)$", flags),
        name,
        re.compile(rf"^(?:(?:{lead})\s+)+", flags),
        frozenset(place.split()),
        frozenset(kind.split()),
    )


_TONGUES = {
    "en": _tongue(
        "that|please",
        r"(?:is|are|was|were)(?: now| actually| really| called)?",
        r"i (?:live|parked|work|was born|grew up|go to school|moved)(?= (?:in|at|on|to|near|for|with|under|behind)\b)",
        "(?:please )?call me|i am called",
        "name",
        "my|our|the|a|an|this|that",
        "in on at under behind near next inside above below from between",
        "a an not very quite so too allergic afraid coming going",
    ),
    "de": _tongue(
        "dass|bitte",
        r"ist(?: jetzt)?|sind(?: jetzt)?|war|lautet|heißt|heisst",
        r"ich (?:wohne|arbeite|parke|bin geboren)(?= (?:in|bei|auf|an|als|im|am)\b)",
        "nenn mich|ich heiße|ich heisse",
        "name",
        "mein|meine|unser|unsere|der|die|das|ein|eine",
        "in im am an auf unter hinter neben bei zwischen aus über",
        "ein eine nicht sehr ganz kein keine allergisch",
    ),
    "fr": _tongue(
        "que|qu'",
        r"est(?: maintenant)?|sont|était|s'appelle",
        r"(?:j'habite|je travaille|je suis garée?|je suis née?)(?= (?:à|au|en|dans|chez|sur|pour|le)\b)",
        "appelle[- ]moi|je m'appelle",
        "nom",
        "mon|ma|mes|notre|nos|le|la|les|un|une",
        "à au en dans sous sur derrière près chez entre",
        "un une pas très allergique",
    ),
    "es": _tongue(
        "que",
        r"es(?: ahora)?|son|está|están|era|se llama",
        r"(?:vivo|trabajo|aparqué|nací)(?= (?:en|de|para|con|por)\b)",
        "llámame|me llamo",
        "nombre",
        "mi|mis|nuestro|nuestra|el|la|los|las|un|una",
        "en sobre bajo debajo detrás cerca junto entre",
        "un una no muy alérgico alérgica",
    ),
}
_NOBODY = re.compile(
    "i|it|he|she|they|we|you|this|that|there|what|who|es|er|sie|wir|du|das|il|elle|on|ce|c'est|ça|nous|tu|ello|él|ella|"
    "eso|esto"
)
"""Words that stand for what was said before."""
_VERB_LAST = re.compile(
    r"^(?P<key>(?:mein|meine|unser|unsere|der|die|das) \S+) (?P<value>\S.*) (?:ist|sind|lautet|heißt)$", re.IGNORECASE
)
"""German after "dass": "mein Fahrradcode 4512 ist"."""
_HAS = re.compile(
    r"^(?:my|our|mein|meine|unser|unsere|mon|ma|mes|notre|nos|mi|mis|nuestro|nuestra)\b|['’]s\s", re.IGNORECASE
)
"""Begins what is said of something that somebody has."""
_ONE = re.compile(
    r"(?:an?|eine?|une?|una)\s|(?:\d+|two|three|four|five|zwei|drei|vier|fünf|deux|trois|dos|tres)\s+\S+$",
    re.IGNORECASE,
)
"""Begins a value that says which thing of its kind it is, or how many."""
_PERSONS = frozenset(
    """
    son daughter child kid baby boy girl wife husband partner girlfriend boyfriend fiance fiancee friend mother
    father mum mom dad parents brother sister uncle aunt cousin nephew niece grandmother grandfather grandma grandpa
    nan granny grandson granddaughter boss teacher doctor dentist neighbour neighbor colleague landlord roommate
    coach guest sohn tochter kind frau mann freund freundin mutter vater eltern bruder schwester onkel tante oma opa
    chef chefin nachbar nachbarin lehrer lehrerin arzt ärztin kollege kollegin fils fille enfant femme mari ami amie
    mère père frère sœur oncle voisin voisine hijo hija niño niña mujer esposa esposo marido amigo amiga madre padre
    hermano hermana tío tía abuela abuelo jefe jefa vecino vecina
    """.split()  # noqa: SIM905
)
_END = " \t\n.!,;"


def read(statement: str, language: str = "en") -> Fact:
    """Return what the statement says. One that follows no known pattern is a fact all the same, about nothing known."""
    tongue = _TONGUES.get(language, _TONGUES["en"])
    text = tongue.opening.sub("", statement.strip(), count=1).strip().rstrip(_END)
    found = tongue.called.match(text)
    if found is not None:
        return _fact(tongue, text, tongue.name, found["value"])
    found = tongue.does.match(text)
    if found is not None:
        key = found["key"].lower()
        return Fact(text, key, found["value"], slot=f"{key}|", topic=topic(key))
    found = tongue.is_.match(text) or (_VERB_LAST.match(text) if language == "de" else None)
    key = tongue.lead.sub("", found["key"].strip()).lower() if found else ""
    if found is None or not key or _NOBODY.fullmatch(key) or len(key.split()) > 6:
        return Fact(text)
    return _fact(tongue, text, key, found["value"])


def corrected(text: str, old: str, value: str) -> str:
    """The statement with its value replaced: "my bike code is 4512" with 4513; the value alone where it had none."""
    value = value.strip().rstrip(_END)
    head, found, tail = text.rpartition(old) if old else ("", "", "")
    return f"{head}{value}{tail}" if found else value


def _fact(tongue: _Tongue, text: str, key: str, value: str) -> Fact:
    value = value.strip()
    about = topic(key)
    first = value.lower().split()[0] if value else ""
    if first in tongue.place:
        sort = "place"
    elif _ONE.match(value) and _HAS.search(text) and _PERSONS.isdisjoint(key.split()):
        sort = "one"
    elif first in tongue.kind:
        sort = " ".join(value.lower().split()[:3])
    else:
        sort = ""
    return Fact(text, key, value, slot=f"{about}|{sort}" if about else "", topic=about)
