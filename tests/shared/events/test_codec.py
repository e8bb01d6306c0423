"""Whatever may be an event survives the wire; whatever may not is refused by name."""

from __future__ import annotations

import base64
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.clock import ManualClock
from shared.events import (
    EVENTS,
    REGISTRY,
    AudioCaptured,
    CodecError,
    Event,
    Registry,
    Stamp,
    SttPartial,
    TextEntered,
    ToolCall,
    UnknownKind,
    decode,
    encode,
    from_cloudevent,
    to_cloudevent,
)
from shared.ids import id_source
from tests.shared.events.reflect import any_event, example

STAMP = Stamp("test", ManualClock(), id_source("test-"), "s")
SOUND = STAMP(AudioCaptured, first_sample=320, rate=16_000, pcm=b"\x00\xff\x80")
TEXT = STAMP(TextEntered, text="grüß Gott", speak=True)

every_kind = pytest.mark.parametrize("cls", EVENTS, ids=lambda cls: cls.kind)


@every_kind
@settings(max_examples=15)
@given(data=st.data())
def test_any_event_survives_the_wire(cls: type[Event], data: st.DataObject) -> None:
    event = data.draw(any_event(cls))
    header, payload = encode(event)
    back = decode(REGISTRY, header, payload)
    assert back == event
    assert encode(back) == (header, payload)


@every_kind
@settings(max_examples=5)
@given(data=st.data())
def test_any_event_survives_as_a_cloudevent(cls: type[Event], data: st.DataObject) -> None:
    event = data.draw(any_event(cls))
    cloud = json.loads(json.dumps(to_cloudevent(event)))
    assert from_cloudevent(REGISTRY, cloud) == event


def test_the_header_begins_with_kind_and_version_and_never_holds_the_payload() -> None:
    header, payload = encode(SOUND)
    assert header.startswith(b'{"kind":"audio.captured","version":1,"id":"test-')
    assert "pcm" not in json.loads(header)
    assert payload == b"\x00\xff\x80"


def test_text_is_utf8_in_the_header_as_it_is() -> None:
    assert "grüß Gott".encode() in encode(TEXT)[0]


def header(event: Event, **changed: object) -> bytes:
    return json.dumps({**json.loads(encode(event)[0]), **changed}).encode()


def without(event: Event, field: str) -> bytes:
    fields = json.loads(encode(event)[0])
    del fields[field]
    return json.dumps(fields).encode()


@pytest.mark.parametrize(
    ("malformed", "payload", "named"),
    [
        (b"", b"", "not JSON"),
        (b'{"kind":', b"", "not JSON"),
        (b"\xff\xfe", b"", "not JSON"),
        (b'{"kind":"text.entered","version":1,"turn":NaN}', b"", "not JSON"),
        (b"[" * 5000, b"", "not JSON"),
        (b"[]", b"", "object, not list"),
        (without(TEXT, "kind"), b"", "`kind`"),
        (without(TEXT, "version"), b"", "`version`"),
        (header(TEXT, version=True), b"", "`version`"),
        (header(TEXT, version="1"), b"", "`version`"),
        (without(TEXT, "text"), b"", "text: Field required"),
        (without(TEXT, "root"), b"", "root: Field required"),
        (header(TEXT, turn="1"), b"", "turn: "),
        (header(TEXT, turn=1.0), b"", "turn: "),
        (header(TEXT, speak=1), b"", "speak: "),
        (header(TEXT, text=None), b"", "text: "),
        (header(TEXT, loud=True), b"", "loud: "),
        (header(TEXT), b"pcm", "carries no payload, but 3 bytes"),
        (header(SOUND, pcm="AAAA"), b"", "pcm: the payload travels beside"),
        (header(SOUND, rate=None), b"", "rate: "),
        (header(example(SttPartial), confidence=10**400), b"", "confidence: "),
        (header(example(ToolCall), arguments=[]), b"", "arguments: "),
    ],
)
def test_what_is_malformed_is_refused_by_the_name_of_the_field(malformed: bytes, payload: bytes, named: str) -> None:
    with pytest.raises(CodecError) as refused:
        decode(REGISTRY, malformed, payload)
    assert named in str(refused.value)


@settings(max_examples=200)
@given(st.binary(max_size=60) | st.text(max_size=60).map(str.encode), st.binary(max_size=3))
def test_noise_is_refused_and_never_anything_else(noise: bytes, payload: bytes) -> None:
    with pytest.raises((CodecError, UnknownKind)):
        decode(REGISTRY, noise, payload)


def test_text_that_has_no_utf8_form_is_refused_at_writing() -> None:
    with pytest.raises(CodecError, match=r"text\.entered test-.* cannot be written"):
        encode(STAMP(TextEntered, text="\ud800", speak=False))


def test_unknown_kinds_and_versions_are_refused_with_the_known_ones() -> None:
    with pytest.raises(UnknownKind, match=r"'text\.sung'.*text\.entered"):
        decode(REGISTRY, header(TEXT, kind="text.sung"))
    with pytest.raises(UnknownKind, match=r"no version 7 here.*\[1\]"):
        decode(REGISTRY, header(TEXT, version=7))


class Sung1(Event):
    """The first edition."""

    kind = "text.sung"
    words: str


class Sung3(Event):
    """Two editions later."""

    kind = "text.sung"
    version = 3
    text: str
    loud: bool


def test_upcasters_bring_an_older_version_up_to_date_step_by_step() -> None:
    registry = Registry(
        [Sung3],
        {
            ("text.sung", 1): lambda fields: {"text": fields.pop("words"), **fields},
            ("text.sung", 2): lambda fields: {"loud": False, **fields},
        },
    )
    old = STAMP(Sung1, words="la la")
    new = decode(registry.extended(), *encode(old))
    assert isinstance(new, Sung3)
    assert (new.text, new.loud, new.id) == ("la la", False, old.id)
    with pytest.raises(CodecError, match="version 1 cannot be brought up to date"):
        decode(registry, without(old, "words"))
    assert isinstance(decode(registry.extended(Sung1), *encode(old)), Sung1), "a version that is known is left as it is"


def test_a_cloudevent_says_what_its_specification_asks_for() -> None:
    cloud = to_cloudevent(TEXT)
    assert cloud == {
        "specversion": "1.0",
        "id": TEXT.id,
        "source": "/sotto/test",
        "type": "sotto.text.entered.v1",
        "time": "2023-11-14T22:13:20.000000000Z",
        "datacontenttype": "application/json",
        "data": {"text": "grüß Gott", "speak": True},
        "sottosession": "s",
        "sottoturn": 0,
        "sottoroot": TEXT.id,
    }
    assert all(name.isalnum() and name.islower() for name in cloud if name != "data_base64")
    sound = to_cloudevent(SOUND)
    assert base64.b64decode(str(sound["data_base64"])) == SOUND.pcm
    assert "data" not in sound


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ({"type": "com.example.other"}, "type: "),
        ({"type": None}, "type: "),
        ({"time": "yesterday"}, "time: "),
        ({"time": "2023-02-30T00:00:00Z"}, "time: "),
        ({"time": None}, "time: "),
        ({"data": "text"}, "data: "),
        ({"data": None}, "data: "),
        ({"data": {"text": "x", "speak": True, "id": "forged"}}, "data: id"),
        ({"data": {"text": "x"}}, "speak: "),
        ({"sottoturn": "1"}, "turn: "),
        ({"id": None}, "id: "),
        ({"data_base64": "not base64!", "sottoheader": "{}"}, "data_base64"),
        ({"data_base64": "", "sottoheader": "{"}, "sottoheader"),
    ],
)
def test_a_malformed_cloudevent_is_refused_by_the_name_of_the_field(changed: dict[str, object], named: str) -> None:
    with pytest.raises(CodecError) as refused:
        from_cloudevent(REGISTRY, {**to_cloudevent(TEXT), **changed})  # type: ignore[arg-type]  # malformed on purpose
    assert named in str(refused.value)


def test_a_cloudevents_time_may_have_any_fraction_of_a_second() -> None:
    cloud = to_cloudevent(TEXT)
    assert from_cloudevent(REGISTRY, {**cloud, "time": "1970-01-01T00:00:01.5Z"}).at == 1_500_000_000
    assert from_cloudevent(REGISTRY, {**cloud, "time": "1969-12-31T23:59:59Z"}).at == -1_000_000_000


def test_a_time_beyond_the_calendar_has_no_cloudevent() -> None:
    with pytest.raises(CodecError, match="at: "):
        to_cloudevent(TEXT.model_copy(update={"at": 10**30}))
