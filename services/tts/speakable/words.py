"""Words that are not spoken as they are spelled: abbreviations, acronyms, addresses, names of files."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import partial

from services.tts.speakable.figures import mixed_word
from services.tts.speakable.languages import Language
from services.tts.speakable.rule import Piece, Rule, whole

__all__ = ["words"]

_TOP = "com|org|net|io|de|fr|es|uk|eu|ai|dev|edu|gov|app|info|co|ch|at|tv|me|us"
_ADDRESS = (
    rf"(?:https?://|www\.)[^\s<>\"'`|]+|(?:[a-zA-Z0-9][\w-]{{0,62}}\.){{1,8}}(?:{_TOP})(?![\w-])(?:/[^\s<>\"'`|]*)?"
)
_TRAILING = ".,;:!?)]}*_~>…\"'’"
_MAIL = r"[\w.+-]{1,64}@(?:[\w-]{1,63}\.){1,8}[A-Za-z]{2,}"
_FILE = r"[\w-]{1,80}\.(?:py|md|txt|json|js|ts|html|css|pdf|toml|yaml|yml|csv|wav|mp3|jpg|png|sh|exe|zip)(?![\w-])"
_PRONOUNCED = frozenset(
    [
        "NASA",
        "NATO",
        "UNICEF",
        "UNESCO",
        "OPEC",
        "FIFA",
        "UEFA",
        "ASCII",
        "YAML",
        "TOML",
        "JSON",
        "COVID",
        "IKEA",
        "LEGO",
        "RAM",
        "ROM",
        "PIN",
        "SIM",
        "GIF",
        "JPEG",
        "BIOS",
        "LASER",
        "RADAR",
        "AIDS",
        "CERN",
        "ESA",
        "UNO",
        "PISA",
        "NAFTA",
        "SCUBA",
        "CAPTCHA",
        "POSIX",
        "VAT",
        "DAX",
        "BASIC",
        "COBOL",
        "CUDA",
        "LAN",
        "WLAN",
    ]
)
_IBAN = r"[A-Z]{2}\d{2}(?: ?[A-Z\d]{4}){2,7}(?: ?[A-Z\d]{1,3})?(?!\w)"
_ROMAN = re.compile(r"(?=[IVX]{2,})X{0,3}(?:IX|IV|V?I{0,3})\Z")
_ROMAN_VALUES = {"I": 1, "V": 5, "X": 10}


def words(language: Language) -> Iterator[Rule]:
    """Yield the rules of what begins with a letter (or stands for letters)."""
    yield Rule(re.compile(_IBAN), partial(_account, language))
    if language.code == "en":
        yield Rule(re.compile(r"[Nn]os?\.(?=\s?\d)"), lambda m: whole(m, language.signs["#"]))
    yield Rule(re.compile(_MAIL), lambda m: whole(m, _mail(language, m.group().rstrip("."))))
    yield Rule(re.compile(_ADDRESS), partial(_address, language))
    yield Rule(re.compile(_FILE), lambda m: whole(m, _spelled_out(language, m.group())))
    known = language.abbreviations.keys() | {_capital(short) for short in language.abbreviations}
    shortened = "|".join(sorted(map(re.escape, known), key=len, reverse=True))
    yield Rule(re.compile(rf"(?:{shortened})(?!\w)"), partial(_abbreviation, language))
    yield Rule(re.compile(r"(?:[^\W\d_]\.){2,}"), lambda m: whole(m, language.spelled(m.group().replace(".", ""))))
    yield Rule(re.compile(r"([A-Z])\.(?=\s[A-Z])"), lambda m: whole(m, language.spelled(m[1])))
    yield Rule(re.compile(r"x(?=\s?\d)"), partial(_by, language))
    yield Rule(re.compile(r"([^\W\d_]+)(\d|_)\w*(?:\.\d+)*"), lambda m: whole(m, mixed_word(language, m.group())))
    yield Rule(re.compile(r"([A-Z]{2,5})(s|['’]s)?(?![\w'’])"), partial(_acronym, language))


def _capital(short: str) -> str:
    """An abbreviation of two stops or more as it begins a sentence; a single one might be a name."""
    return short[0].upper() + short[1:] if short.count(".") > 1 else short


def _by(language: Language, match: re.Match[str]) -> tuple[Piece, ...] | None:
    before = match.string[max(0, match.start() - 2) : match.start()].rstrip(" ")
    return whole(match, language.signs["by"]) if before[-1:].isdecimal() else None


def _abbreviation(language: Language, match: re.Match[str]) -> tuple[Piece, ...]:
    written, text = match.group(), match.string
    spoken = language.abbreviations.get(written) or language.abbreviations[written[0].lower() + written[1:]]
    if language.code == "en" and written in _PLACES and _follows_name(text, match.start(), match.end()):
        spoken = _PLACES[written]
    return whole(match, spoken)


_PLACES = {"St.": "Street", "Dr.": "Drive"}


def _follows_name(text: str, start: int, end: int) -> bool:
    """True after a name and before no name: `Main St. is`, not `St. Louis`, and not `Mary St. James`."""
    named = re.search(r"[A-Z0-9]\w*,?\s\Z", text[max(0, start - 24) : start]) is not None
    return named and re.match(r"\s+[A-Z]", text[end : end + 8]) is None


def _acronym(language: Language, match: re.Match[str]) -> tuple[Piece, ...] | None:
    letters, plural, text = match[1], match[2] or "", match.string
    if text[match.end() : match.end() + 1] == "&":
        return whole(match, language.spelled(letters))
    if _shouted(text):
        return whole(match, match.group().lower())
    if letters in _PRONOUNCED:
        return whole(match, letters.lower().capitalize() + plural)
    if letters == "OK":
        return whole(match, "okay")
    if letters in language.loud and not plural:
        return whole(match, letters.lower())
    if _ROMAN.match(letters) and re.search(r"[A-Z]\w+ \Z", text[max(0, match.start() - 24) : match.start()]):
        return whole(match, language.cardinal(_roman(letters)))
    return whole(match, language.spelled(letters) + ("'s" if plural else ""))


def _shouted(text: str) -> bool:
    """True when most of several words are in capitals: then capitals mean nothing."""
    found = re.findall(r"[^\W\d_]{2,}", text[:400])
    return len(found) >= 4 and sum(word.isupper() for word in found) > 0.7 * len(found)


def _roman(letters: str) -> int:
    values = [_ROMAN_VALUES[c] for c in letters]
    return sum(-v if v < after else v for v, after in zip(values, [*values[1:], 0], strict=True))


def _account(language: Language, match: re.Match[str]) -> tuple[Piece, ...]:
    """The number of a bank account, letter by letter and figure by figure, in the fours that it is written in."""
    signs = match.group().replace(" ", "")
    fours = (signs[start : start + 4] for start in range(0, len(signs), 4))
    spell = (" ".join(language.digits(c) if c.isdecimal() else language.spelled(c) for c in four) for four in fours)
    return whole(match, ", ".join(spell))


def _mail(language: Language, address: str) -> str:
    name, _, host = address.partition("@")
    return f"{_spelled_out(language, name)} {language.signs['@']} {_spelled_out(language, host)}"


def _address(language: Language, match: re.Match[str]) -> tuple[Piece, ...] | None:
    written = match.group().rstrip(_TRAILING)
    bare = re.sub(r"^(?:https?://)?(?:www\.)?", "", written)
    spoken = _spelled_out(language, re.split(r"[?#]", bare)[0].rstrip("/"))
    return (Piece(match.start(), match.start() + len(written), spoken),) if spoken else None


def _spelled_out(language: Language, code: str) -> str:
    """An address or a name of a file with its dots and dashes in words."""
    signs = {".": language.signs["."], "/": language.signs["slash"], "-": language.signs["dash"]}
    signs |= {"_": language.signs["_"], "+": language.signs["+"], "@": language.signs["@"]}
    parts = re.findall(r"[^\W_]+|[./_+@-]", re.sub(r"%[0-9A-Fa-f]{2}", " ", code))
    return " ".join(signs.get(part) or mixed_word(language, part) for part in parts)
