"""What was written is read again, whatever became of the files meanwhile."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from bus.journal import (
    BeingRecorded,
    Entry,
    Journal,
    NewerJournal,
    NoRecording,
    NoSound,
    Recording,
    delete,
    find,
    recordings,
)
from tests.bus.journal.conftest import Made, Record, said


def conversation(made: Made) -> list[Entry]:
    """Frames in runs and alone, their steps, a text among them, and an answer's sound."""
    entries: list[Entry] = []
    for number in range(60):
        frame = made.frame(number / 100)
        entries.append(frame)
        if number % 7:
            entries.append(made.step(frame, after=number))
        if number in (20, 21, 40):
            typed = made.text(f"number {number} — “é”")
            entries += [typed, made.step(typed)]
    return [*entries, made.spoken(0, 0.5), made.played(0, 1600, 19200)]


def test_what_was_written_is_read_in_its_order_to_the_byte(made: Made, record: Record) -> None:
    """Events and steps; runs of frames are as good as single ones."""
    entries = conversation(made)
    recording = record(entries)
    assert said(list(recording.entries())) == said(entries)
    assert recording.problems == ()
    assert len((recording.folder / "events-0001.jsonl").read_bytes().splitlines()) < len(entries) / 2


def test_each_line_is_json_with_the_events_own_names(made: Made, record: Record) -> None:
    """Any tool reads it."""
    recording = record([made.text("hello")])
    (line,) = (recording.folder / "events-0001.jsonl").read_text().splitlines()
    fields = json.loads(line)
    assert (fields["kind"], fields["text"], fields["session"]) == ("text.entered", "hello", "s1")


def test_of_what_the_model_reads_ahead_only_the_new_words_are_kept(made: Made, record: Record) -> None:
    """The conversation before them would be written again with every few words."""
    wish = made.prepare("a long past", "and now")
    (read,) = record([wish]).events()
    assert read == wish.model_copy(update={"messages": wish.messages[-1:], "tools": ()})


def test_reading_goes_on_after_an_event(made: Made, record: Record) -> None:
    """And says when there is no such event."""
    texts = [made.text(str(n)) for n in range(4)]
    recording = record(texts)
    assert list(recording.events(since=texts[1].id)) == texts[2:]
    with pytest.raises(NoRecording, match="no event nowhere"):
        list(recording.events(since="nowhere"))


def test_events_go_on_in_another_file(made: Made, record: Record) -> None:
    """Files are rotated at their size, in the order of their numbers."""
    texts = [made.text("x" * 100) for _ in range(12)]
    recording = record(texts, segment_bytes=1000)
    assert list(recording.events()) == texts
    assert len(list(recording.folder.glob("events-*.jsonl"))) > 2


def test_a_torn_last_line_is_dropped_and_nothing_else(made: Made, record: Record) -> None:
    """At whichever byte the recording was cut off."""
    texts = [made.text("first"), made.text("second")]
    recording = record(texts)
    path = recording.folder / "events-0001.jsonl"
    whole = path.read_bytes()
    second = whole.index(b"\n") + 1
    for cut in range(second + 1, len(whole)):
        path.write_bytes(whole[:cut])
        torn = Recording(recording.folder)
        assert list(torn.events()) == texts[:1]
        assert [(p.line, p.torn) for p in torn.problems] == [(2, True)]


def test_every_flipped_bit_is_noticed_and_costs_one_line(made: Made, record: Record) -> None:
    """The line is named, the others are read."""
    texts = [made.text("first"), made.text("second"), made.text("third")]
    recording = record(texts)
    path = recording.folder / "events-0001.jsonl"
    whole = path.read_bytes()
    start, end = (i for i, byte in enumerate(whole) if byte == 10 and i < len(whole) - 1)
    for place in range(start + 1, end):
        flipped = bytearray(whole)
        flipped[place] ^= 1 << place % 8
        if flipped[place] == 10:
            continue  # it makes two damaged lines of one
        path.write_bytes(flipped)
        damaged = Recording(recording.folder)
        assert list(damaged.events()) == [texts[0], texts[2]], place
        (problem,) = damaged.problems
        assert str(problem) == "events-0001.jsonl:2: It is damaged: its checksum is another."


def test_an_event_of_a_version_that_is_not_known_is_passed_over_and_named(made: Made, record: Record) -> None:
    """A newer Sotto may have recorded it."""
    from zlib import crc32

    texts = [made.text("first"), made.text("second")]
    recording = record(texts)
    path = recording.folder / "events-0001.jsonl"
    body = b"{" + path.read_bytes().splitlines()[0].replace(b'"version":1', b'"version":7')[18:]
    with path.open("ab") as file:
        file.write(b'{"crc":"%08x",%b\n' % (crc32(body), body[1:]))
    assert list(recording.events()) == texts
    (problem,) = recording.problems
    assert str(problem) == "events-0001.jsonl:3: text.entered has no version 7 here. Known versions: [1]."


def test_a_form_of_the_future_is_refused_by_name(made: Made, record: Record) -> None:
    """Nothing is guessed; the folder stays as it is and the list goes on without it."""
    folder = record([made.text("first")]).folder
    card = json.loads((folder / "journal.json").read_text()) | {"format": 2}
    (folder / "journal.json").write_text(json.dumps(card))
    with pytest.raises(NewerJournal, match=r"its form is 2, this one knows 1\)\. Update Sotto"):
        Recording(folder)
    assert recordings(folder.parent) == []


def test_without_its_card_a_session_is_still_read(made: Made, record: Record) -> None:
    """The folder's name and the events say what they can."""
    texts = [made.text("first")]
    folder = record(texts).folder
    (folder / "journal.json").write_bytes(b'{"form')
    recording = Recording(folder)
    assert (recording.session, recording.started_at, list(recording.events())) == ("s1", texts[0].at, texts)
    assert "journal.json: It cannot be read" in str(recording.problems[0])


def test_a_file_of_events_that_is_gone_is_named(made: Made, record: Record) -> None:
    """What is left is read."""
    recording = record([made.text("x" * 400) for _ in range(3)], segment_bytes=500)
    (recording.folder / "events-0002.jsonl").unlink()
    assert len(list(recording.events())) == 2
    assert "events-0002.jsonl: It is not there" in str(recording.problems[0])


# ---- sound


def test_sound_is_kept_to_the_sample(made: Made, record: Record) -> None:
    """By position on the capture clock, as short FLAC files."""
    frames = [made.frame(n / 1000) for n in range(900)]
    recording = record(frames, sound=True)
    wanted = np.repeat(np.rint(np.arange(900) / 1000 * 32768) / 32768, 320).astype(np.float32)
    assert np.array_equal(recording.audio("microphone", 0, 900 * 320), wanted)
    assert np.array_equal(recording.audio("microphone", 150_000, 170_000), wanted[150_000:170_000])
    assert sorted(p.suffix for p in (recording.folder / "audio").rglob("*.*")) == [".flac", ".flac"]
    assert (recording.samples, recording.problems) == (900 * 320, ())


def test_a_missing_block_is_silence_and_is_named(made: Made, record: Record) -> None:
    """The rest is where it belongs."""
    recording = record([made.frame(0.25) for _ in range(1200)], sound=True)
    blocks = sorted((recording.folder / "audio" / "microphone").iterdir())
    blocks[1].unlink()
    sound = recording.audio("microphone", 0, 1200 * 320)
    assert (sound[159_999], sound[160_000], sound[319_999], sound[320_000]) == (0.25, 0, 0, 0.25)
    (problem,) = recording.problems
    assert "Nothing is there from 10.00 s to 20.00 s" in str(problem)
    blocks[0].write_bytes(b"fLaC and then nothing")
    assert not recording.audio("microphone", 0, 16_000).any()


def test_what_was_played_is_where_it_was_heard(made: Made, record: Record) -> None:
    """The speaker's track follows the reports of how far it got, on the capture clock."""
    pieces = [made.spoken(0, 0.5), made.spoken(1, -0.5), made.played(0, 800, 4000), made.played(0, 1600, 9600)]
    recording = record([*pieces, made.played(1, 1600, 11_200)], sound=True)
    track = recording.audio("speaker", 0, 12_000)
    assert [float(track[n]) for n in (3199, 3200, 3999, 4000, 8800, 9599, 9600, 11_199, 11_200)] == [
        *(0, 0.5, 0.5, 0, 0.5, 0.5, -0.5, -0.5, 0)
    ]


def test_sound_that_nobody_consented_to_is_not_there(made: Made, record: Record) -> None:
    """And how to record it is said."""
    recording = record([made.frame(0.25), made.spoken(0, 0.5)])
    assert not (recording.folder / "audio").exists()
    with pytest.raises(NoSound, match=r"journal\.audio=true"):
        recording.audio("microphone", 0, 320)


# ---- all sessions


def test_sessions_are_listed_and_found_by_how_they_begin(made: Made, tmp_path: Path) -> None:
    """The oldest first; `last` is the newest; two that begin alike are refused."""
    for name, started_at in (("abc1", 2), ("abd2", 1)):
        journal = Journal(tmp_path, name, started_at=started_at, over="text")
        journal.write(made.text("hello"))
        journal.write(made.frame())
        journal.close()
    assert [(s.id, s.events, s.over, s.live) for s in recordings(tmp_path)] == [
        ("abd2", 1, "text", False),
        ("abc1", 1, "text", False),
    ]
    assert find(tmp_path, "abc").session == find(tmp_path, "last").session == "abc1"
    with pytest.raises(NoRecording, match="2 recorded sessions begin with 'ab'"):
        find(tmp_path, "ab")
    with pytest.raises(NoRecording, match="There is no recorded session 'x'"):
        find(tmp_path, "x")


def test_deleting_leaves_nothing_and_waits_for_the_end(made: Made, tmp_path: Path) -> None:
    """A session that goes on is not deleted under its writer's hands."""
    journal = Journal(tmp_path, "s1", started_at=1, sound=True)
    journal.write(made.frame())
    recording = Recording(journal.place.folder)
    assert recording.summary().live
    with pytest.raises(BeingRecorded):
        delete(recording)
    journal.close()
    delete(recording)
    assert list(tmp_path.iterdir()) == []


def test_a_session_of_any_name_has_a_folder_of_its_own(made: Made, tmp_path: Path) -> None:
    """A name may come from anywhere; nothing is written elsewhere."""
    for name in ("../up", "a/b", "é", "", "x" * 300):
        Journal(tmp_path / "sessions", name, started_at=1).close()
    assert len(recordings(tmp_path / "sessions")) == 5
    assert [p.name for p in tmp_path.iterdir()] == ["sessions"]
