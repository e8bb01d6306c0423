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
    [
        "{{ ''.__class__.__mro__[1].__subclasses__() }}",
        "{{ messages.append.__globals__ }}",
        "{{ raise_exception.__globals__['json'] }}",
        "{% set x = messages.append(1) %}",
        "{% for x in range(10**9) %}{% endfor %}",
        "{% for x in range(9999) %}{% for y in range(9999) %}{% for z in range(9999) %}" + "{% endfor %}" * 3,
        "{% macro twice(n) %}{% if n %}{{ twice(n - 1) }}{{ twice(n - 1) }}{% endif %}{% endmacro %}{{ twice(60) }}",
        "{% macro on() %}{{ on() }}{% endmacro %}{{ on() }}",
        "{{ 'x' * 10**12 }}",
        "{{ [0] * 10**12 }}",
        "{{ 9 ** 99999999 }}",
        "{% set n = namespace(s='xx') %}{% for i in range(60) %}{% set n.s = n.s + n.s %}{% endfor %}",
        "{% set n = namespace(s='xx') %}{% for i in range(60) %}{% set n.s = n.s ~ n.s %}{% endfor %}",
        "{{ 'x' | center(10**12) }}",
        "{{ 'x' | indent(width=10**12, first=true) }}",
        "{{ lipsum(10**9) }}",
        "{{ 'a'.ljust(10**9) }}",
        "{{ 'a'.zfill(10**9) }}",
        "{{ 'a\t'.expandtabs(10**9) }}",
        "{{ 'a'.translate({97: 'b'}) }}",
        "{{ (1).to_bytes(10**9, 'big') }}",
        "{{ '%1000000000d'.encode() % 1 }}",
        "{{ '%1000000000d' % 1 }}",
        "{{ '%*d' % (10**9, 1) }}",
        "{{ '%(a)1000000000d' | format(a=1) }}",
        "{{ '%1000000000d' | format(1) }}",
        "{{ '{:1000000000d}'.format(1) }}",
        "{{ '{:{w}d}'.format(1, w=10**9) }}",
        "{{ ('{0}' * 99999).format('x' * 99999) }}",
        "{{ messages | tojson(indent=10**9) }}",
        "{% set n = namespace(x=3) %}{% for i in range(60) %}{% set n.x = n.x * n.x %}{% endfor %}",
        "{{ (((((9**60) ** 60) ** 60) ** 60) ** 60) ** 60 }}",
        "{{ ('f' * 99999) | int(base=16) }}",
        "{{ 1.5 | round(10**9, 'ceil') }}",
        *(
            "{% set n = namespace(x=[1]) %}{% for i in range(60) %}{% set n.x = " + twice + " %}{% endfor %}{{ n.x }}"
            for twice in (
                "[n.x, n.x]",
                "(n.x, n.x)",
                "{'a': n.x, 'b': n.x}",
                "dict(a=n.x, b=n.x)",
                "[n.x] * 2",
                "[n.x] + [n.x]",
                "{'a': n.x, 'b': n.x}.values()",
                "[0, 0] | map(attribute='x', default=n.x) | list",
                "n.x | string | replace('', '--')",
            )
        ),
        "{% set n = namespace(x=[1], y=[1]) %}{% for i in range(60) %}{% set n.x = [n.x, n.x] %}"
        "{% set n.y = [n.y, n.y] %}{% endfor %}{{ n.x == n.y }}",
        "{% set x = 'x' * 999999 %}{% for i in range(9999) %}{{ x }}{% endfor %}",
        "{% set x = 'x' * 999999 %}{% set y %}{% for i in range(9999) %}{{ x }}{% endfor %}{% endset %}",
        "{% set x = 'x' * 999999 %}{% macro y() %}{% for i in range(9999) %}{{ x }}{% endfor %}{% endmacro %}{{ y() }}",
        "{% set x = 'x' * 999999 %}{% for i in range(99999) %}{% set y = x.upper() %}{% endfor %}",
        *(
            "{% set x = 'x' * 9999999 %}{% for i in range(99999) %}{% if " + asks + " %}{% endif %}{% endfor %}"
            for asks in ("x == x ~ ''", "'y' in x", "x.endswith('y')", "x.count('y')", "x[1:]")
        ),
        "{{ ('x' * 999999).replace('x', 'y' * 999999) }}",
        "{{ ('x' * 999999) | replace(new='y' * 999999, old='x') }}",
        "{{ range(99999) | join('y' * 999999) }}",
        "{{ ('y' * 999999).join(['x'] * 99999) }}",
        "{{ ('\n' * 999999) | indent('y' * 999999, blank=true) }}",
        "{{ [1] | slice(10**9) | list }}",
        "{{ [1] | batch(10**9, 'x') | list }}",
        "{{ [[1] * 99999] * 99999 | sum(start=[]) }}",
        "{{ " + " ~ ".join(["x"] * 999) + " }}" + "{% set x = 'x' * 999999 %}{{ " + " ~ ".join(["x"] * 999) + " }}",
        "{% for i in range(9999) recursive %}{{ loop(range(9999)) if loop.depth < 4 }}{% endfor %}",
        "{% for a in [1] %}" * 30 + "{% endfor %}" * 30,
        "{{ " + "(" * 9999 + ")" * 9999 + " }}",
    ],
    ids=lambda source: source[:60],
)
def test_a_hostile_template_is_stopped(source: str) -> None:
    """Whether it reaches for Python, goes on for ever, or makes a text without end."""
    with pytest.raises(ModelUnusable):
        render(source, USER)


def test_namespaces_that_hold_each_other_are_printed_as_what_they_are() -> None:
    source = "{% set n = namespace(x=1) %}{% set m = namespace() %}"
    source += "{% for i in range(60) %}{% set m.a = n %}{% set n.a = m %}{% set n.b = m %}{% endfor %}"
    assert render(source + "{{ messages[0].content }}{{ n }}{{ n.a.a.x }}", USER) == USER.content + "<Namespace>1"


def test_what_templates_do_with_texts_and_lists_is_left_to_them() -> None:
    source = "{{ '{}: {:>4}, {n:.1f}'.format('a', 1, n=2) }} {{ '%s-%03d' % ('a', 1) }} {{ '%s' | format('b') }}\n"
    source += "{{ {'a': [1]} | tojson(indent=2) | indent(4) }}\n{{ [1, 2] | join(', ') }} {{ '-'.join(['a', 'b']) }}\n"
    source += (
        "{{ 'a.b' | replace('.', '!') | upper }} {{ [1, 2] | sum }} {{ 2**10 }} {{ 'ab' * 2 }} {{ 1 ~ 'a' ~ [] }}\n"
    )
    source += "{{ messages | map(attribute='role') | join('|') }} {{ 'x'.replace('x', 'y', 1) }} {{ 'a b'.split() }}\n"
    source += "{% for a, b in {'k': 'v'}.items() %}{{ a.replace('k', '=') }}{{ '{}'.format(b) }}{{ '+'.join([a, b]) }}"
    source += "{% endfor %}{{ messages[0].content }}"
    assert render(source, USER).splitlines() == [
        "a:    1, 2.0 a-001 b",
        "{",
        '      "a": [',
        "        1",
        "      ]",
        "    }",
        "1, 2 a-b",
        "A!B 3 1024 abab 1a[]",
        "user y ['a', 'b']",
        "=vk+v" + USER.content,
    ]


def test_loops_know_where_they_are_though_they_are_counted() -> None:
    source = "{% for m in messages %}{{ loop.index }}/{{ loop.length }}{{ m.role if loop.last }} {% endfor %}"
    source += "{% for key, value in {'a': 1} | dictsort %}{{ key ~ value }}{% endfor %}"
    assert render(source + "{% for m in messages if m.role == 'user' %}{{ m.content }}{% endfor %}", *[USER] * 2) == (
        "1/2 2/2user a1" + USER.content * 2
    )


def test_a_source_that_is_no_template_is_refused() -> None:
    with pytest.raises(ModelUnusable, match="broken"):
        render("{% for %}", USER)


def test_a_model_that_learned_its_tools_by_heart_is_told_neither_them_nor_instructions() -> None:
    source = "{#- learned by heart: instructions and tools -#}{% for m in messages %}"
    source += "{% if m.role == 'user' %}[{{ m.content }}]{% endif %}{% endfor %}"
    assert render(source, SYSTEM, USER, tools=(TIME,)) == "[What time is it?]"
