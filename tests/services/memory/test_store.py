"""The store: what is kept is found, what is superseded or deleted is not, and no byte of it stays behind."""

from __future__ import annotations

import contextlib
import os
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from services.memory.errors import MemoryDamaged, MemoryFull
from services.memory.facts import read
from services.memory.item import Item
from services.memory.store import Document, Store
from services.memory.words import content
from tests.services.memory.conftest import raw

NOW = 1_795_269_600_000_000_000


def fact(text, id_, at=NOW, **more):
    told = read(text)
    return Item(
        id=id_,
        what="fact",
        text=told.text,
        at=at,
        key=told.key,
        value=told.value,
        slot=told.slot,
        topic=told.topic,
        **more,
    )


def turn(text, id_, **more):
    return Item(id=id_, what="turn", text=text, at=NOW, **more)


@pytest.fixture
def store(tmp_path):
    store = Store(tmp_path / "memory" / "memory.sqlite3")
    yield store
    store.close()


def found(store, text, **more):
    return [item.text for item in store.search(content(text), NOW, **more)]


def test_what_is_kept_is_found_by_its_words_in_any_form(store):
    store.keep(fact("my bike codes are in the drawer", "1"))
    assert found(store, "where is the code of my bike?") == ["my bike codes are in the drawer"]


def test_the_same_event_twice_is_kept_once(store):
    for _ in range(2):
        store.keep(fact("my bike code is 4512", "1"))
    assert len(list(store.everything())) == 1


def test_a_fact_replaces_what_it_contradicts(store):
    store.keep(fact("my bike code is 4512", "1"))
    kept = store.keep(fact("The code of my bike is 4513", "2"))
    assert [old.value for old in kept.replaced] == ["4512"]
    assert found(store, "bike code") == ["The code of my bike is 4513"]


def test_facts_of_another_sort_about_the_same_stay(store):
    for number, text in enumerate(("my son is Max", "my son is allergic to nuts", "my son is in Rome")):
        store.keep(fact(text, str(number)))
    assert len(store.topic("son", NOW)) == 3


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("Anna's car is a green Volvo", "Anna's car is an old Beetle"),
        ("our pet is a tabby cat", "our pet is two rabbits"),
        ("my instrument is a cello", "my instrument is a harp"),
    ],
)
def test_what_somebody_has_is_one_thing_at_a_time(store, before, after):
    store.keep(fact(before, "1"))
    assert [old.text for old in store.keep(fact(after, "2")).replaced] == [before]


def test_somebody_may_be_several_things(store):
    for number, text in enumerate(
        ("my son is a vegetarian", "my son is a drummer", "Anna is a nurse", "Anna is a mother")
    ):
        assert not store.keep(fact(text, str(number))).replaced


def test_a_turn_that_says_a_superseded_value_is_superseded_with_it(store):
    store.keep(fact("my bike code is 4512", "1"))
    store.keep(turn("what opens my bike?\nThe code of your bike is 4512.", "2"))
    store.keep(turn("how heavy is a bike?\nTen kilograms.", "3"))
    store.keep(fact("my bike code is 4513", "4"))
    assert set(found(store, "bike code")) == {"my bike code is 4513", "how heavy is a bike?\nTen kilograms."}


def test_a_correction_takes_the_place_of_the_fact_it_corrects(store):
    store.keep(fact("We meet on Tuesday", "1"))
    kept = store.correct("1", fact("We meet on Wednesday", "2"))
    assert kept is not None
    assert found(store, "when do we meet") == ["We meet on Wednesday"]
    assert store.correct("1", fact("We meet on Friday", "3")) is None


def test_what_has_expired_is_not_found_and_then_gone(store):
    store.keep(fact("my ticket is A7", "1", expires=NOW - 1))
    assert found(store, "ticket") == []
    assert store.expire(NOW) == ["1"]
    assert list(store.everything()) == []


def test_retention_deletes_turns_by_their_age(store):
    store.keep(Item(id="old", what="turn", text="long ago", at=NOW - 100))
    store.keep(turn("just now", "new"))
    store.keep(fact("my bike code is 4512", "1", at=NOW - 100))
    assert store.expire(NOW, turns_before=NOW - 50) == ["old"]


def test_deleted_text_is_in_no_file(store, tmp_path):
    for number in range(200):
        store.keep(fact(f"the marker{number} word is zanzibar{number}", str(number)))
    assert b"zanzibar150" in raw(tmp_path)
    store.delete([str(number) for number in range(100, 200)])
    kept = raw(tmp_path)
    assert b"zanzibar99" in kept
    assert not [number for number in range(100, 200) if b"zanzibar%d" % number in kept or b"marker%d" % number in kept]


def test_everything_about_words_is_found_whatever_their_order_and_state(store):
    store.keep(fact("my bike code is 4512", "1"))
    store.keep(fact("my bike code is 4513", "2"))
    store.keep(turn("which code opens the bikes?\nYours.", "3"))
    store.keep(turn("which code opens the door?\nThat one.", "4"))
    assert {item.id for item in store.about("the code of my bike")} == {"1", "2", "3"}


def test_forgetting_a_fact_takes_what_it_superseded_along(store):
    store.keep(fact("my bike code is 4512", "1"))
    store.keep(fact("my bike code is 4513", "2"))
    assert {item.id for item in store.named(["2"])} == {"1", "2"}


def test_the_outbox_tells_what_the_vectors_have_yet_to_do(store):
    store.keep(fact("my bike code is 4512", "1"))
    store.keep(fact("my bike code is 4513", "2"))
    lines = store.pending()
    assert [(line.item, line.does) for line in lines] == [("1", "put"), ("1", "drop"), ("2", "put")]
    store.done(lines)
    assert store.pending() == []


def test_a_changed_document_keeps_the_passages_that_did_not_change(store):
    def passages(*texts):
        return [
            Item(id=f"d-{text}", what="document", text=text, at=NOW, source="/notes.md", place="1") for text in texts
        ]

    assert store.keep_document(Document("/notes.md", "a", 1, 2), passages("one apple", "two pears")) == 2
    assert store.keep_document(Document("/notes.md", "b", 2, 2), passages("one apple", "three plums")) == 1
    assert (found(store, "pears"), found(store, "plums")) == ([], ["three plums"])
    assert store.delete_document("/notes.md") == 2
    assert store.documents() == []


def test_a_file_of_a_newer_sotto_is_left_alone(tmp_path):
    path = tmp_path / "memory.sqlite3"
    Store(path).close()
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA user_version = 99")
    connection.close()
    before = path.read_bytes()
    with pytest.raises(MemoryDamaged, match="newer Sotto"):
        Store(path)
    assert path.read_bytes() == before


def test_a_file_that_is_no_database_is_said_and_left_alone(tmp_path):
    path = tmp_path / "memory.sqlite3"
    path.write_bytes(b"these are no memories" * 100)
    with pytest.raises(MemoryDamaged, match="cannot be read"):
        Store(path)
    assert path.read_bytes() == b"these are no memories" * 100


def test_a_full_disk_loses_nothing_that_was_kept(store):
    store.keep(fact("my bike code is 4512", "1"))
    pages = store._connection.execute("PRAGMA page_count").fetchone()[0]
    store._connection.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(MemoryFull, match="Make room"):
        store.keep(turn("x " * 100_000, "2"))
    assert found(store, "bike code") == ["my bike code is 4512"]
    assert [line.item for line in store.pending()] == ["1"]


@pytest.mark.parametrize(
    "text", ["", "\0", "😀😀", "שלום עולם", "a" * 1_000_000, '" OR "', "NEAR(", "* : ^ -"], ids=len
)
def test_any_text_can_be_kept_and_asked_for(store, text):
    store.keep(turn(text, "1"))
    store.search(content(text), NOW)
    assert store.get(["1"], NOW)["1"].text == text


WRITER = """
import sys
from pathlib import Path
from services.memory.item import Item
from services.memory.store import Store
store = Store(Path(sys.argv[1]))
print("go", flush=True)
for number in range(1_000_000):
    store.keep(Item(id=str(number), what="fact", text=f"word{number} is here", at=number, slot=f"slot{number % 7}"))
    if number % 5 == 0:
        store.delete([str(number - 1)])
"""


@pytest.mark.parametrize("bytes_written", [1, 20_000, 100_000])
def test_killed_at_any_moment_items_words_and_outbox_agree(tmp_path, bytes_written):
    path = tmp_path / "memory.sqlite3"
    root = Path(__file__).parents[3]
    with subprocess.Popen([sys.executable, "-c", WRITER, str(path)], cwd=root, stdout=subprocess.PIPE) as writer:
        assert writer.stdout is not None
        assert writer.stdout.readline() == b"go\n"
        wal = path.with_name(path.name + "-wal")
        while wal.stat().st_size + path.stat().st_size < bytes_written:
            assert writer.poll() is None
        os.kill(writer.pid, signal.SIGKILL)
    store = Store(path)
    live = store.live_ids()
    store._connection.execute("INSERT INTO words (words, rank) VALUES ('integrity-check', 0)")
    assert {item.id for item in store.everything() if found(store, f"word{item.id}")} == live
    told: dict[str, str] = {}
    for line in store.pending(10_000_000):
        told[line.item] = line.does
    assert {id_ for id_, does in told.items() if does == "put"} == live
    store.close()


def test_a_file_that_another_program_holds_is_not_called_damaged(tmp_path):
    with (
        contextlib.closing(Store(tmp_path / "memory.sqlite3")) as store,
        contextlib.closing(sqlite3.connect(tmp_path / "memory.sqlite3", isolation_level=None)) as other,
    ):
        store._connection.execute("PRAGMA busy_timeout = 0")
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(MemoryFull, match=r"Another program holds .*locked\. Try again\."):
            store.keep(fact("my bike code is 4512", "1"))
        other.execute("ROLLBACK")
        assert store.keep(fact("my bike code is 4512", "1")).item.value == "4512"
