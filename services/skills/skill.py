"""A skill: one declaration that is both a set of sentences' handler and a tool of the language model.

A skill names itself, describes its arguments as a pydantic model and answers. Slots of matched sentences and the
arguments of a model's call fill the same model, so both ways do the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import ClassVar, Generic, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, JsonValue

from services.skills.ringing import Question
from services.skills.wording import Wording
from shared.events import ToolSpec

__all__ = ["Action", "Answer", "Arguments", "Asked", "NoArguments", "Skill"]

Action = Literal["none", "stop", "repeat", "resume", "louder", "quieter", "volume", "silence"]


class Arguments(BaseModel):
    """What a skill is asked with. Unknown arguments are refused; each field's description is shown to the model."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, str_strip_whitespace=True)


class NoArguments(Arguments):
    """Of a skill that needs nothing but to be asked."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a skill did and what to say about it."""

    speech: str
    """Written form, in the language that was asked in; may be empty."""
    data: Mapping[str, JsonValue] = field(default_factory=dict)
    """The same for the model."""
    action: Action = "none"
    passed: bool = False
    """It was not meant for the skill after all: the same as if no sentence had matched."""
    lasting: bool = False
    """It promises something for later: where that cannot be kept over a restart, the person is told."""
    failed: bool = False
    """True when the skill understood and could not: a place nobody knows, a division by zero."""


@dataclass(frozen=True, slots=True)
class Asked:
    """The circumstances of one call."""

    id: str
    """Id of the call: what is made for it bears this id, so that a repeated call makes nothing twice."""
    session: str
    language: str
    """ISO 639-1; one that the skills have words for."""
    now: datetime
    """Wall time, aware, in the home's zone."""
    now_ns: int
    """The same moment as unix time in ns."""
    words: Wording
    """How to say things in that language."""
    sentence: str = ""
    """What the person said; empty when the model asks."""
    question: Question | None = None
    """What Sotto asked back just before, in this session."""


A = TypeVar("A", bound=Arguments)


class Skill(Generic[A]):
    """One thing Sotto can do by itself. The docstring is the model's description of the tool."""

    name: ClassVar[str]
    """Also the name of its intent in the sentence files."""
    arguments: ClassVar[type[Arguments]] = NoArguments
    """The type `A`."""
    offered: ClassVar[bool] = True
    """Whether the model may call it."""

    def fits(self, arguments: A, asked: Asked) -> bool:
        """Whether a sentence that matched is really meant for this skill (an open slot may have swallowed anything)."""
        return True

    async def answer(self, arguments: A, asked: Asked) -> Answer:
        """Do it. Raises nothing for what a person may say; an error here is a bug and crashes the service."""
        raise NotImplementedError

    @classmethod
    def tool(cls) -> ToolSpec:
        """Return the skill as a function the model may call."""
        description = " ".join((cls.__doc__ or "").split())
        return ToolSpec(name=cls.name, description=description, parameters=_schema(cls.arguments))


def _schema(arguments: type[Arguments]) -> dict[str, JsonValue]:
    """JSON schema of the arguments without pydantic's titles: every token of it is prefilled by the model."""
    schema = arguments.model_json_schema()
    properties = {
        name: {key: value for key, value in field.items() if key != "title"}
        for name, field in schema.get("properties", {}).items()
        if not field.get("spoken")
    }
    return {
        "type": "object",
        "properties": properties,
        "required": schema.get("required", []),
        "additionalProperties": False,
    }
