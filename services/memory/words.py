"""Words that carry meaning: what of a text is looked for, and how much of it another text holds."""

from __future__ import annotations

import re
import unicodedata

__all__ = ["content", "coverage", "match", "safe", "topic"]

_EMPTY = (
    # en
    "a an the this that these those my your his her its our their mine yours i you he she it we they me him us them "
    "is are am was were be been being do does did doing done have has had having will would can could shall should may "
    "might must of in on at to for from by with about into than as and or but if so not no yes what which who whom "
    "whose when where why how there here just please tell told say said know remember let us now then again some any "
    "all ever also too very really s t ll re ve d m "
    # de, without those that are a noun in another of the languages, as Hut is hat
    "der die das den dem des ein eine einen einem einer eines mein meine meinen meinem meiner dein deine ich du er sie "
    "es wir ihr mich dich mir dir ist sind waren bist sein haben habe hast und oder aber nicht was wer wie wo wann "
    "warum welche welcher welches von im am auf zu zum zur mit für bei aus nach über dass bitte noch weißt sag gesagt "
    # fr
    "le la les l un une des du de mon ma mes ton ta tes sa ses je tu il elle nous vous ils elles te se est sont suis "
    "était être ai avoir et ou mais ne pas que qu qui quoi quel quelle quels quelles quand où comment pourquoi en dans "
    "à au aux par avec ce cet cette ces c j n "
    # es
    "el los las unos unas mi mis tus su sus yo él ella nosotros eres estar está están ha haber y o pero qué quién "
    "quien cuál cual cuándo cuando dónde donde cómo como por para con del al sobre lo"
)
_ENDINGS = ("ies", "ing", "ed", "es", "s", "en", "er", "e", "n")


def safe(text: str) -> str:
    """The text as it can be stored: composed, without NUL and other controls, lone surrogates replaced."""
    whole = text.encode("utf-8", "replace").decode("utf-8")
    composed = unicodedata.normalize("NFC", whole)
    return "".join(c if c in "\n\t" or unicodedata.category(c) != "Cc" else " " for c in composed).strip()


def plain(text: str) -> list[str]:
    """Its words, lower case, without accents and punctuation."""
    bare = unicodedata.normalize("NFKD", text.lower())
    bare = "".join(c for c in bare if not unicodedata.combining(c))
    return re.findall(r"[^\W_]+", bare)


def stem(word: str) -> str:
    """Enough of a word to find its other forms; the same for "codes" and "code"."""
    for ending in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= 3 and not word[-1].isdigit():
            return word[: -len(ending)]
    return word


def content(text: str) -> list[str]:
    """The words that say something, in order, each once; all of them where none does."""
    words = list(dict.fromkeys(plain(text)))
    return [word for word in words if word not in _BARE_EMPTY] or words


def topic(key: str) -> str:
    """What a key is about, whatever the order and form of its words; empty for one that says nothing."""
    return " ".join(sorted({stem(word) for word in content(key)}))


def match(words: list[str], *, every: bool = False, most: int = 12) -> str:
    """An FTS5 query for any (or `every`) of the words; the longest `most` count."""
    chosen = sorted(words, key=len, reverse=True)[:most]
    return (" AND " if every else " OR ").join(f'"{word}"' for word in chosen)


def coverage(asked: list[str], text: str) -> float:
    """How much of the asked words the text holds, 0 to 1."""
    held = {stem(word) for word in plain(text)}
    return sum(stem(word) in held for word in asked) / len(asked) if asked else 0.0


_BARE_EMPTY = frozenset(plain(_EMPTY))
