"""Words that mean something to turn-taking itself, by language: hums, backchannels, stops, and sentences that hang.

A backchannel is what a listener says to keep the speaker going; a hum has no lexical meaning at all. The lists are
short on purpose: a word that is missing costs one interruption, a word too many swallows a request.
"""

from __future__ import annotations

import re
import unicodedata

__all__ = ["differing", "hangs", "is_backchannel", "is_complete", "is_echo", "is_hum", "is_stop", "normal"]

_HUM_WORDS = "mm mmm mhm mmhm mmhmm hm hmm hmmm uh um uhm er erm ah aha uhhuh uhuh huh ähm äh hä euh ehm eh"
_HUMS = frozenset(_HUM_WORDS.split())
_HUM_PAIRS = frozenset(("mm hm", "mm hmm", "mm mm", "uh huh", "m hm", "a ha", "mh hm"))

_BACKCHANNELS = {
    "en": "okay ok right yeah yes yep sure exactly wow really great good nice cool|i see|of course|got it|all right|"
    "alright|go ahead|oh|oh okay|thank you|thanks",
    "de": "okay ok ja genau gut klar stimmt richtig achso aha wirklich toll super|ach so|alles klar|verstehe|danke",
    "fr": "okay ok oui ouais d'accord bien exact exactement voilà super|je vois|bien sûr|très bien|ah bon|merci",
    "es": "okay ok sí si vale claro bien exacto bueno ya genial|de acuerdo|por supuesto|muy bien|entiendo|gracias",
}
_STOPS = {
    "en": "stop|stop it|stop that|please stop|stop please|stop talking|be quiet|quiet|shut up|enough|that's enough|"
    "silence|cancel|never mind|stop the alarm|stop the timer",
    "de": "stopp|stop|halt|hör auf|aufhören|sei still|ruhe|genug|das reicht|still|abbrechen|schluss",
    "fr": "stop|arrête|arrêtez|arrête toi|tais toi|silence|assez|ça suffit|annule",
    "es": "para|stop|alto|basta|cállate|silencio|detente|ya basta|cancela|es suficiente",
}
_HANGING = {
    "en": "a an the my your his her its our their this these and or but so because if when while that which who for to "
    "of in on at by from with about into than as is are was were am be do does did can could would should will has "
    "have what's how's set please tell give um uh er erm like very more plus minus times divided between",
    "de": "ein eine einen einem einer der die das den dem des mein meine dein und oder aber weil wenn dass für zu von "
    "in im am an auf bei mit um nach als ist sind war kann könnte würde soll wird hat bitte ähm äh sehr plus minus mal",
    "fr": "un une le la les des du de mon ma mes ton ta et ou mais donc parce que si quand qui pour à au aux dans sur "
    "chez avec en est sont était peux peut s'il euh très plus moins fois",
    "es": "un una unos unas el la los las mi mis tu tus y o pero porque si cuando que quien para por a al de del en "
    "con sobre es son era puede puedes podría eh este muy más menos",
}
_COMPLETE = {
    "en": r"(seconds?|minutes?|hours?|o'clock|[ap]m|please|thanks|thank you|louder|quieter|stop|cancel)$|"
    r"^(what time is it|what's the time|what day is it|what's the date|"
    r"repeat( that)?|go on|who are you|what can you do)$",
    "de": r"(sekunden?|minuten?|stunden?|uhr|bitte|danke|lauter|leiser)$|^(wie spät ist es|wiederhole das|weiter)$",
    "fr": r"(secondes?|minutes?|heures?|s'il te plaît|merci|plus fort|moins fort)$|"
    r"^(quelle heure est il|répète|continue)$",
    "es": r"(segundos?|minutos?|horas?|por favor|gracias|más alto|más bajo)$|^(qué hora es|repite|sigue|continúa)$",
}


def normal(text: str) -> tuple[str, ...]:
    """Return the words of a text, lower case, composed, without punctuation (an inner apostrophe stays)."""
    text = unicodedata.normalize("NFC", text).lower().replace("’", "'")
    return tuple(re.findall(r"\w+(?:'\w+)*", text))


def differing(text: str, other: str) -> tuple[str, str]:
    """Return the words of each text that are not at its beginning or end in both."""
    one, two = text.split(), other.split()
    shorter = min(len(one), len(two))
    same = next((n for n in range(shorter) if one[n] != two[n]), shorter)
    behind = next((n for n in range(shorter - same) if one[-1 - n] != two[-1 - n]), shorter - same)
    return " ".join(one[same : len(one) - behind]), " ".join(two[same : len(two) - behind])


def is_hum(text: str) -> bool:
    """True for a sound without meaning ("mm-hmm"), and for no words at all."""
    words = normal(text)
    return " ".join(words) in _HUM_PAIRS or all(word in _HUMS for word in words)


def is_backchannel(text: str, language: str) -> bool:
    """True when all that was said only tells the speaker to go on, so far."""
    words = list(normal(text))
    known = _BACKCHANNEL_RUNS.get(language, _BACKCHANNEL_RUNS["en"])
    while words:
        run = next((n for n in (2, 1) if " ".join(words[:n]) in known and len(words) >= n), 0)
        if not run:
            return False
        del words[:run]
    return True


def is_stop(text: str, language: str) -> bool:
    """True for a plain wish that the assistant be silent."""
    said = " ".join(normal(text))
    return said in _STOP_RUNS.get(language, _STOP_RUNS["en"]) or said in _STOP_RUNS["en"]


def hangs(text: str, language: str) -> bool:
    """True when a sentence cannot be over yet: it ends in a word that asks for another, or in a comma or dash."""
    words = normal(text)
    if not words:
        return False
    known = _HANGING_WORDS.get(language, _HANGING_WORDS["en"])
    return text.rstrip().endswith((",", "-", "–", "—", "…", "...")) or words[-1] in known


def is_complete(text: str, language: str) -> bool:
    """True when the words make a whole request: they end like one, or recognition wrote a full stop."""
    if text.rstrip().endswith((".", "?", "!")) and not text.rstrip().endswith("..."):
        return True
    return re.search(_COMPLETE.get(language, _COMPLETE["en"]), " ".join(normal(text))) is not None


def is_echo(text: str, spoken: str) -> bool:
    """True when the words are a run of those just spoken; one in four may be misheard from four words on."""
    heard, source = normal(text), normal(spoken)
    count = len(heard)
    need = count if count < 4 else count - count // 4
    runs = (source[i : i + count] for i in range(len(source) - count + 1))
    return bool(heard) and any(sum(a == b for a, b in zip(heard, run, strict=True)) >= need for run in runs)


def _runs(lists: dict[str, str]) -> dict[str, frozenset[str]]:
    return {language: frozenset(" ".join(normal(run)) for run in text.split("|")) for language, text in lists.items()}


_STOP_RUNS = _runs(_STOPS)
_HANGING_WORDS = {language: frozenset(text.split()) for language, text in _HANGING.items()}
_BACKCHANNEL_RUNS = {
    language: frozenset(
        " ".join(normal(run))
        for place, part in enumerate(text.split("|"))
        for run in (part.split() if place == 0 else [part])
    )
    | _HUMS
    | _HUM_PAIRS
    for language, text in _BACKCHANNELS.items()
}
