"""The model reads what every request begins with before anybody asks."""

from __future__ import annotations

from services.dialogue.commands import Publish
from services.dialogue.reducer import reduce
from services.dialogue.state import State
from shared.clock import ManualClock
from shared.events import LlmRequest, ModelLoaded, SkillsRegistered, Stamp, ToolSpec
from shared.ids import id_source
from tests.services.dialogue.walk import fresh

stamp = Stamp("test", ManualClock(), id_source("e"), "s")
TOOL = ToolSpec(name="tell_time", description="The time.", parameters={"type": "object"})
SKILLS = stamp(SkillsRegistered, sentences={}, tools=(TOOL,))
MODEL = stamp(ModelLoaded, role="llm", name="m", engine="llama-cpp", load_ns=1)


def _requests(state: State, *events: SkillsRegistered | ModelLoaded) -> list[Publish]:
    asked: list[Publish] = []
    for event in events:
        state, commands = reduce(state, event, 0)
        asked += [c for c in commands if isinstance(c, Publish) and c.kind is LlmRequest]
    return asked


def test_it_is_asked_once_both_the_model_and_the_tools_are_known_in_either_order() -> None:
    for order in ((SKILLS, MODEL), (MODEL, SKILLS)):
        (request,) = _requests(fresh(), *order)
        assert request.turn == 0
        assert request.fields["max_tokens"] == 0
        assert request.fields["tools"] == (TOOL,)
        assert [message.role for message in request.fields["messages"]] == ["system"]


def test_another_role_s_model_is_none_of_its_business() -> None:
    voice = stamp(ModelLoaded, role="tts", name="v", engine="piper", load_ns=1)
    assert _requests(fresh(), SKILLS, voice) == []
