"""The sentence files of each language, and how they become what is matched and what is published.

A file holds `intents`, `lists` and `expansion_rules` in hassil's format, the skills' `phrases`, and the language's
`fillers` and `rewrites`. Two additions to the format: a list with `open: true` takes any words or any number when text
is matched, its `values` or `range` when a grammar is made; a block with `only: grammar` or `only: text` serves one of
the two, one with `only: answer` is matched while Sotto has asked something back.

A language with a built-in recogniser has a second file beside it, `en_spoken.yaml`: text may be said in thousands of
ways, but the fewer a grammar listens for the surer it tells them apart.
"""

from __future__ import annotations

import importlib.resources
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from pydantic import JsonValue

from services.skills.homeassistant import borrowed
from services.skills.spoken import Habits

__all__ = ["LANGUAGES", "Sentences", "load"]

LANGUAGES = ("en", "de", "fr", "es")
"""The languages that have a sentence file."""

_SPOKEN = ("en",)
"""The languages that have a second file, of what a recogniser's grammar listens for: all of it matched by the first."""

_MORE = ("memory",)
"""What has files of its own in every language, beside the language's."""

Document = dict[str, Any]

_LIST = re.compile(r"\{(\w+)")
_RULE = re.compile(r"<(\w+)>")


@dataclass(frozen=True, slots=True)
class Sentences:
    """All that is known of one language."""

    language: str
    habits: Habits
    phrases: Mapping[str, Mapping[str, str]]
    published: dict[str, JsonValue]
    """For a recogniser's grammar: ours alone, without wildcards."""
    source: Document
    """The file as it is."""

    def ours(self) -> Document:
        """Return the document for matching text: open lists as wildcards, without what serves grammars only."""
        return _matched(self.source)

    def answers(self) -> Document:
        """Return the like of what may be said in answer to a question of ours."""
        return _matched(self.source, answers=True)

    def borrowed(self) -> Document:
        """Return the like of home-assistant-intents, under our skills' names. Blocking; some milliseconds."""
        return _matched({"language": self.language, **borrowed(self.language)})


@cache
def load(language: str) -> Sentences:
    """Read a language's file, once in a process. Blocking; some milliseconds. FileNotFoundError when it has none."""
    document = _read(language)
    for name in _MORE:
        more = _read(f"{language}_{name}")
        document |= {key: document[key] | more[key] for key in ("intents", "lists", "phrases")}
    document["lists"] = _read("common")["lists"] | document["lists"]
    heard = _read(f"{language}_spoken") if language in _SPOKEN else {}
    return Sentences(
        language=language,
        habits=Habits.of(language, document),
        phrases=document["phrases"],
        published=_published({**document, **heard, "lists": document["lists"] | heard.get("lists", {})}),
        source=document,
    )


def _read(name: str) -> Document:
    import yaml

    text = (importlib.resources.files(__name__) / f"{name}.yaml").read_text("utf-8")
    document: Document = yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506 (safe loaders both)
    return document


def _matched(document: Document, *, answers: bool = False) -> Document:
    kinds = ("answer",) if answers else (None, "text")
    intents = {
        skill: {"data": [block for block in body["data"] if block.get("only") in kinds]}
        for skill, body in document["intents"].items()
    }
    return {
        "language": document["language"],
        "intents": intents,
        "lists": {name: _opened(body) for name, body in document["lists"].items()},
        "expansion_rules": document["expansion_rules"],
    }


def _opened(body: Document) -> Document:
    if "range" in body:  # text comes with its numbers in digits: hassil need not spell every number out
        widest = {"from": 0, "to": 1_000_000} if body.get("open") else {}
        return {"range": {**body["range"], **widest, "words": False}}
    return {"wildcard": True} if body.get("open") else body


def _published(ours: Document) -> dict[str, JsonValue]:
    intents: Document = {}
    for skill, body in ours["intents"].items():
        blocks = [
            {"sentences": [_as_spoken(text, ours) for text in block["sentences"]], "slots": block.get("slots", {})}
            for block in body["data"]
            if block.get("only") != "text"
        ]
        if blocks:
            intents[skill] = {"data": blocks}
    rules, lists = _reachable(intents, ours)
    return {
        "language": ours["language"],
        "intents": intents,
        "lists": {name: _closed(ours["lists"][name]) for name in sorted(lists)},
        "expansion_rules": {name: _as_spoken(ours["expansion_rules"][name], ours) for name in sorted(rules)},
        "skip_words": ours.get("skip_words", [*ours["fillers"]["leading"], *ours["fillers"]["trailing"]]),
    }


def _as_spoken(text: str, ours: Document) -> str:
    """The template with the contractions that `rewrites` undo: a recogniser hears "what's", a text is rewritten."""
    for contraction, words in ours["rewrites"].items():
        if "'" in contraction:
            text = re.sub(rf"(?<![\w']){words}(?![\w'])", f"({words}|{contraction})", text)
    return text


def _closed(body: Document) -> Document:
    return {key: value for key, value in body.items() if key != "open"}


def _reachable(intents: Document, ours: Document) -> tuple[set[str], set[str]]:
    """Names of the rules and lists that the sentences use, directly or through rules."""
    texts = [text for body in intents.values() for block in body["data"] for text in block["sentences"]]
    rules: set[str] = set()
    lists: set[str] = set()
    while texts:
        text = texts.pop()
        lists.update(_LIST.findall(text))
        for rule in set(_RULE.findall(text)) - rules:
            rules.add(rule)
            texts.append(ours["expansion_rules"][rule])
    return rules, lists
