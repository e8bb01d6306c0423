"""Watching and injecting: what is published is seen, what is posted is published or refused with its fault."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus

from shared.events import (
    AudioCaptured,
    ModelLoaded,
    ServiceRestart,
    SessionCleared,
    TextEntered,
    ToolCall,
)
from tests.services.gateway.conftest import House, open_house


async def test_a_watcher_is_greeted_and_then_sees_what_is_published(house: House) -> None:
    async with house.watch("kind=text.entered") as watcher:
        hello = await watcher.hello()
        assert (hello["version"], hello["session"]) == ("0.1.0", "test")
        assert hello["oldest"] == next(house.bench.bus.replay()).id
        said = house.bench.publish(TextEntered, text="what time is it", speak=False, turn=3)
        event = await watcher.event()
    assert (event["kind"], event["version"], event["id"], event["turn"]) == ("text.entered", 1, said.id, 3)
    assert event["text"] == "what time is it"


async def test_a_watcher_sees_only_what_it_asked_for(house: House) -> None:
    """Kinds (with a star for all that begin so), the session, the turn."""
    async with house.watch("kind=text.*,session.cleared&session=test&turn=2") as watcher:
        await watcher.hello()
        house.bench.publish(TextEntered, text="one", speak=False, turn=1)
        house.bench.publish(TextEntered, text="two", speak=False, turn=2, session="other")
        house.bench.publish(ToolCall, name="", sentence="three", arguments={}, language="en", turn=2)
        house.bench.publish(TextEntered, text="four", speak=False, turn=2)
        house.bench.publish(SessionCleared, turn=2)
        assert (await watcher.event())["text"] == "four"
        assert (await watcher.event())["kind"] == "session.cleared"


async def test_samples_never_cross(house: House) -> None:
    """The header of a frame does."""
    async with house.watch("kind=audio.captured") as watcher:
        await watcher.hello()
        house.bench.publish(AudioCaptured, first_sample=320, rate=16_000, pcm=b"\x01\x02" * 320)
        event = await watcher.event()
    assert event["first_sample"] == 320
    assert "pcm" not in event


async def test_whoever_comes_late_is_told_what_is_the_case(house: House) -> None:
    """The last of each retained event."""
    for name in ("old", "new"):
        house.bench.publish(ModelLoaded, role="tts", name=name, engine="piper", load_ns=1)
    async with house.watch("kind=model.loaded") as watcher:
        await watcher.hello()
        assert (await watcher.event())["name"] == "new"


async def test_a_watcher_goes_on_where_it_was(house: House) -> None:
    """From the event after the one it names, without a gap and without repeating any."""
    said = [house.bench.publish(TextEntered, text=str(n), speak=False) for n in range(3000)]
    async with house.watch(f"kind=text.entered&since={said[4].id}") as watcher:
        await watcher.hello()
        house.bench.publish(TextEntered, text="now", speak=False)
        texts = [(await watcher.event())["text"] for _ in range(2996)]
    assert texts == [*map(str, range(5, 3000)), "now"]


async def test_sound_that_is_forgotten_does_not_keep_words_from_being_resumed(house: House) -> None:
    """Frames leave the bus's memory within seconds; nobody needs their headers again."""
    said = [house.bench.publish(TextEntered, text=str(n), speak=False) for n in range(2)]
    for n in range(600):
        house.bench.publish(AudioCaptured, first_sample=320 * n, rate=16_000, pcm=bytes(640))
    async with house.watch(f"since={said[0].id}") as watcher:
        await watcher.hello()
        assert (await watcher.event())["text"] == "1"


async def test_a_place_that_is_forgotten_is_told_and_all_that_is_remembered_comes(house: House) -> None:
    """Better twice than not at all."""
    house.bench.publish(TextEntered, text="hello", speak=False)
    async with house.watch("kind=text.entered&since=long-ago") as watcher:
        await watcher.hello()
        missed = (await watcher.frame())["missed"]
        assert missed["count"] == 1
        assert "long-ago" in missed["reason"]
        assert (await watcher.event())["text"] == "hello"


@pytest.mark.parametrize(
    ("query", "field", "words"),
    [("kind=text.spoken", "kind", "text.spoken"), ("turn=two", "turn", "two"), ("turn=-1", "turn", "-1")],
)
async def test_what_cannot_be_watched_is_refused_in_words(house: House, query: str, field: str, words: str) -> None:
    with pytest.raises(InvalidStatus) as refused:
        async with house.watch(query):
            pass
    body = refused.value.response.body
    assert refused.value.response.status_code == 422
    assert f'"field":"{field}"'.encode() in body
    assert words.encode() in body


async def test_an_injected_event_is_published_as_the_gateways(house: House) -> None:
    """In the assistant's session and outside of any turn, unless it says otherwise."""
    body = {"kind": "text.entered", "fields": {"text": "hello", "speak": False}}
    assert await house.post(body) == (202, {"id": (event := await house.bench.next(TextEntered)).id})
    assert (event.source, event.session, event.turn, event.cause, event.root) == ("gateway", "test", 0, None, event.id)
    await house.post({**body, "session": "other", "turn": 4, "version": 1})
    event = await house.bench.next(TextEntered)
    assert (event.session, event.turn) == ("other", 4)


async def test_a_list_is_published_whole_or_not_at_all(house: House) -> None:
    """In its order."""
    bodies = [{"kind": "text.entered", "fields": {"text": text, "speak": False}} for text in "abc"]
    status, answer = await house.post([*bodies, {"kind": "text.entered", "fields": {"text": 1, "speak": False}}])
    assert (status, answer["error"]["field"]) == (422, "3.fields.text")
    status, answer = await house.post(bodies)
    assert status == 202
    events = [await house.bench.next(TextEntered) for _ in bodies]
    assert [event.text for event in events] == ["a", "b", "c"]
    assert [event.id for event in events] == answer["ids"]


GOOD = {"text": "hello", "speak": False}


@pytest.mark.parametrize(
    ("body", "field", "words"),
    [
        ({"kind": "text.spoken", "fields": GOOD}, "kind", "no event kind 'text.spoken'"),
        ({"kind": "text.entered", "version": 7, "fields": GOOD}, "version", "no version 7"),
        ({"kind": "text.entered", "fields": {"text": "hello"}}, "fields.speak", "required"),
        ({"kind": "text.entered", "fields": {**GOOD, "speak": "yes"}}, "fields.speak", "boolean"),
        ({"kind": "text.entered", "fields": {**GOOD, "loud": True}}, "fields.loud", "not permitted"),
        ({"kind": "text.entered", "fields": {**GOOD, "id": "me"}}, "fields.id", "envelope"),
        ({"kind": "text.entered", "fields": {**GOOD, "kind": "x"}}, "fields.kind", "envelope"),
        ({"kind": "text.entered", "turn": -1, "fields": GOOD}, "turn", "greater"),
        ({"kind": "text.entered", "who": "me", "fields": GOOD}, "who", "not permitted"),
        ({"kind": "audio.captured", "fields": {"first_sample": 0, "rate": 16000}}, "kind", "samples"),
        ({"fields": GOOD}, "kind", "required"),
        (7, "", "dictionary"),
    ],
)
async def test_what_is_no_event_is_refused_with_the_field_that_is_wrong(
    house: House, body: object, field: str, words: str
) -> None:
    status, answer = await house.post(body)
    assert status == 422, answer
    assert answer["error"]["field"] == field
    assert words in answer["error"]["message"]
    assert not [event for event in house.bench.bus.replay() if event.source == "gateway" and event.kind[:4] == "text"]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"{", 422),
        (b"\xff\xfe", 422),
        (b"[" * 100_000, 400),
        (b'{"kind":"text.entered","fields":{"text":"\\ud800","speak":false}}', 422),
        (b'{"kind":"text.entered","fields":{"text":"x","speak":false},"turn":NaN}', 422),
        (b'{"kind":"metric.sample","fields":{"name":"x","value":NaN,"labels":{}}}', 422),
        (b" " * (1 << 20) + b"{}", 413),
    ],
    ids=["cut off", "no UTF-8", "deep", "half a character", "no number", "no number in a field", "large"],
)
async def test_what_is_no_json_is_refused_in_words(house: House, body: bytes, status: int) -> None:
    answer = await house.client.post("/v1/events", content=body, headers={"content-type": "application/json"})
    assert answer.status_code == status
    assert answer.json()["error"]["message"]


async def test_a_body_without_a_length_is_bounded_as_well(house: House) -> None:
    async def long() -> AsyncIterator[bytes]:
        for _ in range(40):
            yield b" " * 65_536

    answer = await house.client.post("/v1/events", content=long())
    assert (answer.status_code, answer.json()["error"]["type"]) == (413, "too_large")


async def test_whoever_talks_on_the_event_socket_is_told_where_to(house: House) -> None:
    async with house.watch() as watcher:
        await watcher.connection.send("text.entered")
        while "error" not in await watcher.frame():
            pass
        with pytest.raises(ConnectionClosed) as closed:
            await watcher.frame()
    assert closed.value.rcvd is not None
    assert "POST /v1/events" in closed.value.rcvd.reason


async def test_privileged_kinds_need_the_admins_key_from_whoever_is_not_trusted() -> None:
    """A mere key is not enough."""
    body = [{"kind": "service.restart", "fields": {"service": "tts"}}]
    async with open_house(key="sesame", admin_key="open", trust_local=False) as house:
        status, answer = await house.post(body, headers={"authorization": "Bearer sesame"})
        assert (status, answer["error"]["field"]) == (403, "0.kind")
        assert (await house.post(body, headers={"authorization": "Bearer open"}))[0] == 202
        assert (await house.bench.next(ServiceRestart)).service == "tts"
