"""The reader of raw text: what is spoken, what is a tool call, and what is neither."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.llm.port import ToolWish
from services.llm.reader import AnswerReader

TOOLS = ("time", "timer")


def read(*pieces: str, tools: tuple[str, ...] = TOOLS, stop: tuple[str, ...] = ()) -> tuple[str, list[ToolWish]]:
    reader = AnswerReader(tools=tools, stop=stop)
    text = "".join(reader.feed(piece) for piece in pieces)
    return text + reader.finish(), reader.wishes


CALL = ToolWish("time", {"zone": "Asia/Tokyo"})


CALLS = {
    "hermes": '<tool_call>\n{"name": "time", "arguments": {"zone": "Asia/Tokyo"}}\n</tool_call>',
    "arguments as text": '<tool_call>{"name": "time", "arguments": "{\\"zone\\": \\"Asia/Tokyo\\"}"}</tool_call>',
    "qwen 3.5": "<tool_call>\n<function=time>\n<parameter=zone>\nAsia/Tokyo\n</parameter>\n</function>\n</tool_call>",
    "seed": "<seed:tool_call>\n<function=time>\n<parameter=zone>Asia/Tokyo</parameter>\n</function>\n</seed:tool_call>",
    "glm": "<tool_call>time\n<arg_key>zone</arg_key>\n<arg_value>Asia/Tokyo</arg_value>\n</tool_call>",
    "mistral list": '[TOOL_CALLS][{"name": "time", "arguments": {"zone": "Asia/Tokyo"}}]',
    "mistral": '[TOOL_CALLS]time[ARGS]{"zone": "Asia/Tokyo"}',
    "llama 3": '<|python_tag|>{"name": "time", "parameters": {"zone": "Asia/Tokyo"}}',
    "phi 4": '<|tool_call|>[{"name": "time", "arguments": {"zone": "Asia/Tokyo"}}]<|/tool_call|>',
    "granite": '<|tool_call|>[{"name": "time", "arguments": {"zone": "Asia/Tokyo"}}]',
    "nemotron": '<TOOLCALL>[{"name": "time", "arguments": {"zone": "Asia/Tokyo"}}]</TOOLCALL>',
    "command r": '<|START_ACTION|>[{"tool_call_id": "0", "tool_name": "time", "parameters": {"zone": "Asia/Tokyo"}}]'
    "\n<|END_ACTION|>",
    "apertus": '<|tools_prefix|>[{"time": {"zone": "Asia/Tokyo"}}]<|tools_suffix|>',
    "object": '{"name": "time", "parameters": {"zone": "Asia/Tokyo"}}',
    "openai": '{"type": "function", "function": {"name": "time", "arguments": {"zone": "Asia/Tokyo"}}}',
    "fenced": '```json\n{"name": "time", "arguments": {"zone": "Asia/Tokyo"}}\n```',
}


@pytest.mark.parametrize("raw", CALLS.values(), ids=CALLS)
def test_every_known_form_of_a_tool_call_is_read(raw: str) -> None:
    """Wherever it is cut."""
    for place in range(len(raw)):
        assert read(raw[:place], raw[place:]) == ("", [CALL])


@pytest.mark.parametrize(
    "thought",
    [
        "<think>{}</think>",
        "<thinking>{}</thinking>",
        "[THINK]{}[/THINK]",
        "<seed:think>{}</seed:think>",
        "<|START_THINKING|>{}<|END_THINKING|>",
        "<|inner_prefix|>{}<|inner_suffix|>",
    ],
)
def test_every_known_form_of_reasoning_is_dropped(thought: str) -> None:
    """Wherever it is cut, and whatever it is about."""
    raw = thought.format('\nthe <tool_call> of "time" < 2\n') + "\nIt is <b>two</b>."
    for place in range(len(raw)):
        assert read(raw[:place], raw[place:]) == ("It is <b>two</b>.", [])


def test_a_call_without_arguments_is_its_name_in_tags() -> None:
    assert read("<tool_call>time\n</tool_call>") == ("", [ToolWish("time", {})])
    assert read('<tool_call>{"name": "time"}</tool_call>') == ("", [ToolWish("time", {})])


def test_arguments_may_be_objects_themselves() -> None:
    call = ToolWish("timer", {"until": {"h": 5}})
    assert read('[TOOL_CALLS]timer[ARGS]{"until": {"h": 5}}') == ("", [call])
    assert read('<tool_call>{"function": {"name": "timer", "arguments": {"until": {"h": 5}}}}</tool_call>') == (
        "",
        [call],
    )


def test_several_calls_keep_their_order() -> None:
    raw = '<tool_call>{"name": "time"}</tool_call>\n<tool_call>{"name": "timer", "arguments": {"s": 5}}</tool_call>'
    assert read(raw) == ("", [ToolWish("time", {}), ToolWish("timer", {"s": 5})])


def test_an_object_that_names_no_tool_is_text() -> None:
    for raw in ('{"name": "Ada", "born": 1815}', '{"time": {"zone": "Asia/Tokyo"}}'):
        assert read(raw) == (raw, [])


def test_an_object_that_is_text_ends_at_a_stop_string_like_any_text() -> None:
    assert read('{"a": 1} END of it', stop=("END",)) == ('{"a": 1} ', [])


def test_without_tools_an_object_streams_as_text() -> None:
    reader = AnswerReader(tools=())
    assert reader.feed('{"name": "time"') == '{"name": "time"'


def test_an_answer_about_braces_is_not_taken_for_a_call() -> None:
    raw = 'Write {"name": "time"} to call it.'
    assert read(raw) == (raw, [])


def test_reasoning_is_dropped_and_the_answer_begins_without_space() -> None:
    assert read("<think>\nthe <tool_call> of {} </think>\n\nYes.") == ("Yes.", [])


def test_reasoning_that_the_prompt_opened_is_dropped() -> None:
    reader = AnswerReader(tools=(), reasoning=True)
    assert reader.feed("I wonder</think>Yes.") == "Yes."


def test_reasoning_without_end_leaves_nothing_to_speak() -> None:
    assert read("<think>I wonder and wonder") == ("", [])


def test_text_is_given_out_as_soon_as_it_cannot_be_a_marker() -> None:
    reader = AnswerReader(tools=TOOLS)
    assert reader.feed("a < b") == "a < b"
    assert reader.feed(" <thi") == " "
    assert reader.feed("s>") == "<this>"


def test_an_unreadable_call_is_counted_and_not_spoken() -> None:
    reader = AnswerReader(tools=TOOLS)
    assert reader.feed("<tool_call>call the time</tool_call>") == ""
    assert reader.finish() == ""
    assert (reader.wishes, reader.unreadable) == ([], 1)


def test_nothing_after_a_stop_string_is_text() -> None:
    reader = AnswerReader(tools=(), stop=("\nUser:",))
    assert reader.feed("Hello.\nUs") == "Hello."
    assert reader.feed("er: and <think>") == ""
    assert reader.stopped
    assert reader.finish() == ""


PARTS = st.lists(
    st.sampled_from(
        [
            "Hello ", "{", "}", "<", "<think>", "</think>", "<tool_call>", "</tool_call>", '{"name": "time"}',
            "[TOOL_CALLS]", "time[ARGS]{}", "END", "EN", "ünï ", "\n", "```json", "`",
        ]
    ),
    max_size=12,
)  # fmt: skip


@given(PARTS, st.lists(st.integers(1, 9), min_size=1))
def test_it_does_not_matter_where_the_pieces_were_cut(parts: list[str], cuts: list[int]) -> None:
    raw, pieces, place = "".join(parts), [], 0
    while place < len(raw):
        size = cuts[len(pieces) % len(cuts)]
        pieces.append(raw[place : place + size])
        place += size
    assert read(*pieces, stop=("END",)) == read(raw, stop=("END",))
