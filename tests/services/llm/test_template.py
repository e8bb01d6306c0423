"""The chat template: rendered as its author meant, in a sandbox, and never losing a message in silence."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from services.llm.port import ModelUnusable
from services.llm.template import CHATML, ChatTemplate
from shared.events import Message, ToolRequest, ToolSpec

TIME = ToolSpec(name="time", description="The time.", parameters={"type": "object", "properties": {}})
SYSTEM = Message(role="system", content="Be brief.")
USER = Message(role="user", content="What time is it?")
CALLED = (
    USER,
    Message(role="assistant", content="", tool_requests=(ToolRequest(id="r.0", name="time", arguments={"z": "ü"}),)),
    Message(role="tool", name="time", content='{"time": "12:30"}'),
)


def render(source: str, *messages: Message, tools: tuple[ToolSpec, ...] = (), thinking: bool = False) -> str:
    template = ChatTemplate(source, bos="<s>", eos="</s>", now=lambda: datetime(2026, 11, 21, 9, 30, tzinfo=UTC))
    return template.render(messages, tools, thinking=thinking)


def test_messages_tokens_and_the_generation_prompt_are_there() -> None:
    source = "{{ bos_token }}{% for m in messages %}[{{ m.role }}]{{ m.content }}{{ eos_token }}{% endfor %}"
    source += "{% if add_generation_prompt %}[assistant]{% endif %}"
    assert render(source, SYSTEM, USER) == "<s>[system]Be brief.</s>[user]What time is it?</s>[assistant]"


def test_blocks_are_trimmed_as_authors_expect() -> None:
    assert render("{% for m in messages %}\n{{ m.content }}\n    {% endfor %}\nend", USER) == "What time is it?\nend"


def test_tools_and_calls_come_in_the_shape_of_transformers() -> None:
    source = "{{ tools | tojson }}{% for m in messages %}{% for c in m.tool_calls or [] %}{{ c.function.name }}"
    source += "{{ c.function.arguments | tojson }}{{ c.id | length }}{% endfor %}{{ m.content }}{% endfor %}"
    text = render(source, *CALLED, tools=(TIME,))
    assert '"type": "function", "function": {"name": "time"' in text
    assert 'time{"z": "ü"}9' in text


def test_a_tools_answer_names_its_call() -> None:
    source = "{% for m in messages %}{% for c in m.tool_calls or [] %}{{ c.id }} {% endfor %}{{ m.tool_call_id or '' }}"
    source += "{{ m.content if m.role == 'user' else '' }}{% endfor %}{{ messages[-1].content }}"
    call, answer = render(source, *CALLED).partition("{")[0].split()[-2:]
    assert call.removeprefix("it?") == answer != ""


def test_the_model_is_told_not_to_think_unless_it_may() -> None:
    source = "{{ messages[0].content }}{{ enable_thinking }}"
    assert render(source, USER).endswith("False")
    assert render(source, USER, thinking=True).endswith("True")


def test_a_template_can_print_the_date() -> None:
    assert "21 Nov 2026" in render("{{ strftime_now('%d %b %Y') }}{{ messages[0].content }}", USER)


REFUSES_SYSTEM = (
    "{% if messages[0].role == 'system' %}{{ raise_exception('System role not supported') }}{% endif %}"
    "{% for m in messages %}<{{ m.role }}>{{ m.content }}{% endfor %}"
)


def test_a_template_that_refuses_the_system_gets_it_within_the_persons_words() -> None:
    assert render(REFUSES_SYSTEM, SYSTEM, USER) == "<user>Be brief.\nWhat time is it?"


def test_a_message_a_template_would_silently_drop_is_passed_in_another_role() -> None:
    source = "{% for m in messages if m.role in ('user', 'assistant') %}<{{ m.role }}>{{ m.content }}{% endfor %}"
    text = render(source, *CALLED)
    assert "12:30" in text
    assert '{"name": "time"' in text


def test_tools_that_a_template_does_not_know_are_told_in_words() -> None:
    text = render(CHATML, SYSTEM, USER, tools=(TIME,))
    assert "Be brief." in text
    assert '"name": "time"' in text


def test_training_marks_are_passed_over() -> None:
    assert render("{% for m in messages %}{% generation %}{{ m.content }}{% endgeneration %}{% endfor %}", USER)


def test_a_template_that_counts_its_tools_works_without_any() -> None:
    assert render("{% for t in tools %}{{ t }}{% endfor %}{{ messages[0].content }}", USER) == USER.content


@pytest.mark.parametrize(
    "source",
    ["{{ ''.__class__.__mro__[1].__subclasses__() }}", "{% for x in range(10**9) %}{% endfor %}"],
    ids=["reaching for Python", "counting for ever"],
)
def test_a_hostile_template_is_stopped(source: str) -> None:
    with pytest.raises(ModelUnusable):
        render(source, USER)


def test_a_source_that_is_no_template_is_refused() -> None:
    with pytest.raises(ModelUnusable, match="broken"):
        render("{% for %}", USER)


def test_a_model_that_learned_its_tools_by_heart_is_told_neither_them_nor_instructions() -> None:
    source = "{#- learned by heart: instructions and tools -#}{% for m in messages %}"
    source += "{% if m.role == 'user' %}[{{ m.content }}]{% endif %}{% endfor %}"
    assert render(source, SYSTEM, USER, tools=(TIME,)) == "[What time is it?]"
