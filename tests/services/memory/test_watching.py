"""Watching: the documents of a folder are in step with its files, and what was forgotten stays forgotten."""

from __future__ import annotations

import contextlib
import os
import sqlite3
from pathlib import Path

import pytest

from services.memory import documents
from services.memory.documents import add
from services.memory.store import Store
from services.memory.watching import Watching


@pytest.fixture
def store(tmp_path):
    store = Store(tmp_path / "memory.sqlite3")
    yield store
    store.close()


@pytest.fixture
def watching(store):
    return Watching(store)


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "notes"
    folder.mkdir()
    return folder


def written(path: Path, text: str, *, modified: int = 0) -> Path:
    path.parent.mkdir(exist_ok=True)
    path.write_text(text, "utf-8")
    if modified:
        os.utime(path, ns=(modified, modified))
    return path


def texts(store):
    return [item.text for item in store.everything()]


def test_a_watched_folder_is_followed(store, watching, folder):
    written(folder / "a.txt", "One.")
    written(folder / "b.txt", "Two.")
    written(folder / "c.bin", "Three.")
    written(folder / "d.txt", "")
    [problem] = watching.follow(folder)
    assert "d.txt holds no text" in problem
    assert texts(store) == ["One.", "Two."]
    (folder / "a.txt").unlink()
    watching.follow(folder)
    assert texts(store) == ["Two."]


def test_a_folder_that_is_gone_as_a_whole_is_said_and_nothing_of_it_forgotten(store, watching, folder):
    """A drive that was taken out comes back."""
    written(folder / "a.txt", "One.")
    watching.follow(folder)
    folder.rename(folder.with_name("elsewhere"))
    [problem] = watching.follow(folder)
    assert f"{folder} is no folder now" in problem
    assert texts(store) == ["One."]


def test_a_file_that_was_touched_is_not_read_again_and_again(store, watching, folder):
    written(folder / "a.txt", "One.")
    watching.follow(folder)
    os.utime(folder / "a.txt", ns=(1, 1))
    watching.follow(folder)
    assert [document.modified for document in store.documents()] == [1]


@pytest.mark.parametrize("known", [True, False])
def test_a_file_that_vanishes_while_it_is_looked_at_is_said_and_forgotten_next_time(tmp_path, folder, known):
    class Vanishing(Store):
        def documents(self):
            path.unlink(missing_ok=True)
            return super().documents()

    path = written(folder / "a.txt", "One.")
    if known:
        with contextlib.closing(Store(tmp_path / "memory.sqlite3")) as store:
            Watching(store).follow(folder)
    with contextlib.closing(Vanishing(tmp_path / "memory.sqlite3")) as store:
        watching = Watching(store)
        [problem] = watching.follow(folder)
        assert "a.txt cannot be read: No such file or directory" in problem
        assert watching.follow(folder) == []
        assert list(store.everything()) == []


@pytest.fixture
def refusing(monkeypatch):
    """Lets a folder be one that cannot be listed (`os.scandir`), or a path one that cannot be entered (`stat`)."""
    scandir, stat = os.scandir, Path.stat
    listed, entered = set(), set()

    def refuse_list(path):
        if Path(path) in listed:
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    def refuse_entry(path, **more):
        if not entered.isdisjoint(path.parents):
            raise PermissionError(13, "Permission denied", str(path))
        return stat(path, **more)

    monkeypatch.setattr(os, "scandir", refuse_list)
    monkeypatch.setattr(Path, "stat", refuse_entry)
    return {"listed": listed, "entered": entered}


@pytest.mark.parametrize("how", ["listed", "entered"])
def test_below_a_folder_that_cannot_be_read_nothing_is_forgotten_and_that_is_said(
    store, watching, folder, refusing, how
):
    written(folder / "a.txt", "One.")
    written(folder / "private" / "b.txt", "Two.")
    watching.follow(folder)
    refusing[how].add(folder / "private")
    (folder / "a.txt").unlink()
    [problem] = watching.follow(folder)
    assert f"{folder / 'private'}" in problem
    assert "cannot be read: Permission denied" in problem
    assert texts(store) == ["Two."]
    refusing[how].clear()
    (folder / "private" / "b.txt").unlink()
    assert watching.follow(folder) == []
    assert texts(store) == []


def test_a_folder_that_vanishes_while_it_is_looked_at_ends_nothing(store, watching, folder, monkeypatch):
    written(folder / "a.txt", "One.")
    (folder / "private").mkdir()
    scandir = os.scandir

    def vanish(path):
        if Path(path).name == "private":
            Path(path).rmdir()
        return scandir(path)

    monkeypatch.setattr(os, "scandir", vanish)
    [problem] = watching.follow(folder)
    assert "private cannot be read: No such file or directory" in problem
    assert texts(store) == ["One."]
    assert watching.follow(folder) == []


def test_a_link_stands_for_its_file_until_it_is_removed(store, watching, folder, tmp_path):
    file = written(tmp_path / "elsewhere" / "a.txt", "One.")
    (folder / "link.txt").symlink_to(file)
    (folder / "same.txt").symlink_to(file)
    watching.follow(folder)
    assert [(document.path, document.linked_in) for document in store.documents()] == [(str(file), str(folder))]
    (folder / "link.txt").unlink()
    watching.follow(folder)
    assert texts(store) == ["One."]
    (folder / "same.txt").unlink()
    watching.follow(folder)
    assert texts(store) == []
    assert file.exists()


def test_a_link_to_what_a_person_added_takes_nothing_along_when_it_is_removed(store, watching, folder, tmp_path):
    file = written(tmp_path / "elsewhere" / "a.txt", "One.")
    (folder / "link.txt").symlink_to(file)
    watching.follow(folder)
    add(store, file)
    (folder / "link.txt").unlink()
    watching.follow(folder)
    assert texts(store) == ["One."]


def test_links_that_lead_nowhere_are_passed_over(store, watching, folder):
    (folder / "gone.txt").symlink_to(folder / "missing.txt")
    assert watching.follow(folder) == []
    (folder / "self.txt").symlink_to(folder / "self.txt")
    [problem] = watching.follow(folder)
    assert "self.txt cannot be read" in problem


@pytest.fixture
def parsed(monkeypatch):
    """The names of the text files that were parsed, in order."""
    names, reader = [], documents.KNOWN[".txt"]

    def parse(path, data):
        names.append(path.name)
        return reader(path, data)

    monkeypatch.setitem(documents.KNOWN, ".txt", parse)
    return names


def test_a_file_that_cannot_be_parsed_is_parsed_again_only_when_it_changed(store, watching, folder, parsed):
    path = written(folder / "a.txt", "", modified=1)
    told = watching.follow(folder)
    assert watching.follow(folder) == told
    assert parsed == ["a.txt"]
    written(path, "One.", modified=2)
    assert watching.follow(folder) == []
    assert texts(store) == ["One."]


def test_a_link_is_not_read_again_at_each_look(watching, folder, tmp_path, parsed):
    (folder / "link.txt").symlink_to(written(tmp_path / "elsewhere" / "a.txt", "One."))
    watching.follow(folder)
    watching.follow(folder)
    assert parsed == ["a.txt"]


def test_a_file_that_could_not_be_opened_is_read_once_it_can_be(store, watching, folder, monkeypatch):
    """Its permissions change without the file."""
    path = written(folder / "a.txt", "One.")
    with monkeypatch.context() as patched:

        def refuse(self):
            raise PermissionError(13, "Permission denied", str(self))

        patched.setattr(Path, "read_bytes", refuse)
        [problem] = watching.follow(folder)
    assert problem == f"{path} cannot be read: Permission denied."
    assert watching.follow(folder) == []
    assert texts(store) == ["One."]


def test_what_was_kept_of_a_watched_file_that_was_emptied_goes(store, watching, folder):
    path = written(folder / "a.txt", "One.", modified=1)
    watching.follow(folder)
    written(path, "", modified=2)
    [problem] = watching.follow(folder)
    assert problem.startswith(f"{path} holds no text any more; what was kept of it is gone.")
    assert texts(store) == []


def forget(store, path):
    store.delete_document(str(path), forget=True)


def clear(store, path):
    store.clear()


@pytest.mark.parametrize("forget", [forget, clear])
def test_a_forgotten_file_comes_back_only_when_it_holds_something_else(store, watching, folder, forget):
    path = written(folder / "a.txt", "One.", modified=1)
    watching.follow(folder)
    forget(store, path)
    for watch in (watching, Watching(store)):
        assert watch.follow(folder) == []
        assert texts(store) == []
    written(path, "One.", modified=2)
    watching.follow(folder)
    assert texts(store) == []
    written(path, "Two.", modified=3)
    watching.follow(folder)
    assert texts(store) == ["Two."]
    written(path, "One.", modified=4)
    watching.follow(folder)
    assert texts(store) == []


def test_a_forgotten_file_that_is_added_again_is_followed_again(store, watching, folder):
    path = written(folder / "a.txt", "One.", modified=1)
    watching.follow(folder)
    forget(store, path)
    watching.follow(folder)
    assert add(store, path) == 1
    os.utime(path, ns=(2, 2))
    watching.follow(folder)
    assert texts(store) == ["One."]
    path.unlink()
    watching.follow(folder)
    assert texts(store) == []


def test_what_is_kept_of_a_forgotten_file_tells_neither_its_name_nor_its_words(store, watching, folder, tmp_path):
    path = written(folder / "zelda.txt", "The code is 4512.")
    watching.follow(folder)
    forget(store, path)
    held = b"".join(file.read_bytes() for file in tmp_path.glob("memory.sqlite3*"))
    assert b"zelda" not in held
    assert b"4512" not in held


def test_a_file_whose_name_is_no_text_is_said(watching, folder):
    written(folder / os.fsdecode(b"\xff.txt"), "One.")
    [problem] = watching.follow(folder)
    assert "is no text. Rename it" in problem
    problem.encode()


def test_documents_of_an_older_sotto_are_followed_on(tmp_path, folder):
    path = written(folder / "a.txt", "One.", modified=1)
    with contextlib.closing(Store(tmp_path / "memory.sqlite3")) as store:
        add(store, path)
    with contextlib.closing(sqlite3.connect(tmp_path / "memory.sqlite3")) as file:
        file.executescript(
            "DROP TABLE forgotten; ALTER TABLE documents DROP COLUMN linked_in; PRAGMA user_version = 3;"
        )
    with contextlib.closing(Store(tmp_path / "memory.sqlite3")) as store:
        assert [(document.path, document.linked_in) for document in store.documents()] == [(str(path), "")]
        written(path, "Two.", modified=2)
        Watching(store).follow(folder)
        assert texts(store) == ["Two."]
