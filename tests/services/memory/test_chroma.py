"""ChromaDB as an index: nearest first, kept over a restart, nothing dropped stays in its files, and never shared."""

from __future__ import annotations

import contextlib
import errno
import gc
import socket
import sqlite3
import struct
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from services.memory.engines.chroma import open_chroma, owe
from services.memory.errors import VectorsUnusable


def rows(*seeds):
    made = np.array([np.random.default_rng(seed).standard_normal(16) for seed in seeds], dtype=np.float32)
    return made / np.linalg.norm(made, axis=1, keepdims=True)


def opened(folder):
    index = open_chroma(folder)
    if not index.fingerprint:
        index.begin("print")
    return index


def test_the_nearest_come_first_and_survive_a_restart(tmp_path):
    index = opened(tmp_path)
    index.put(["a", "b", "c"], rows(1, 2, 3))
    index.close()
    again = opened(tmp_path)
    assert again.fingerprint == "print"
    [(best, cosine), *_] = again.nearest(rows(2)[0], 3)
    assert (best, round(cosine, 4)) == ("b", 1.0)
    assert again.ids() == {"a", "b", "c"}
    again.close()


def test_a_vector_that_was_dropped_is_in_no_file_after_purging(tmp_path):
    index = opened(tmp_path)
    vectors = rows(*range(1200))
    index.put([str(number) for number in range(1200)], vectors)
    index.drop(["7", "1100"])
    index.purge()
    assert index.ids() == {str(number) for number in range(1200)} - {"7", "1100"}
    assert index.nearest(vectors[7], 1)[0][0] != "7"
    index.close()
    kept = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    assert vectors[8].tobytes() in kept
    assert not [number for number in (7, 1100) if vectors[number].tobytes() in kept]


def test_what_cannot_be_purged_on_a_full_disk_is_owed_and_nothing_is_lost(tmp_path, monkeypatch):
    index = opened(tmp_path)
    index.put(["a", "b"], rows(1, 2))
    owe(tmp_path)
    index.drop(["a"])

    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as disk:
        disk.setattr(Path, "write_text", full)
        with pytest.raises(VectorsUnusable, match="No space left"):
            index.purge()
    index.close()
    again = opened(tmp_path)
    assert (again.ids(), again.owed) == ({"b"}, True)
    again.purge()
    assert (again.ids(), again.owed) == ({"b"}, False)
    again.close()
    assert rows(1).tobytes() not in b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())


def reserved(folder):
    """How many vectors the index has written, and whether anything stands where there are none."""
    [header] = folder.rglob("header.bin")
    _, _, _, count, size = struct.unpack_from("<iQQQQ", header.read_bytes())
    vectors, lengths = (header.with_name(name).read_bytes() for name in ("data_level0.bin", "length.bin"))
    return count, any(vectors[count * size :]) or any(lengths[count * 4 :])


def test_what_its_files_reserve_holds_nothing(tmp_path):
    """ChromaDB writes room for later vectors as it lies in memory, where words stood that were forgotten since."""
    words = ["forgotten words " * 40 for _ in range(5000)]
    del words
    index = opened(tmp_path)
    index.put(["0"], rows(0))
    assert reserved(tmp_path) == (0, False)
    index.put([str(number) for number in range(1200)], rows(*range(1200)))
    assert reserved(tmp_path)[1] is False
    index.close()
    assert reserved(tmp_path)[1] is False


def test_another_model_begins_an_index_of_its_own(tmp_path):
    index = opened(tmp_path)
    index.put(["a"], rows(1))
    index.begin("other")
    assert (index.fingerprint, index.ids()) == ("other", set())
    index.put(["a"], np.ones((1, 4), dtype=np.float32))
    index.close()


def test_a_folder_in_use_is_refused(tmp_path):
    index = opened(tmp_path)
    with pytest.raises(VectorsUnusable, match="Another Sotto"):
        open_chroma(tmp_path)
    index.close()


def test_a_damaged_or_foreign_folder_is_set_aside_and_begun_anew(tmp_path):
    opened(tmp_path).close()
    [database] = tmp_path.rglob("chroma.sqlite3")
    database.write_bytes(b"of another version" * 1000)
    again = open_chroma(tmp_path)
    assert again.fingerprint == ""
    again.begin("print")
    again.put(["a"], rows(1))
    assert again.ids() == {"a"}
    again.close()


_STEP = "INSERT INTO migrations SELECT dir, {}, 'new.sql', sql, hash FROM migrations LIMIT 1"
NEWER = {
    "a step that is not known": _STEP.format(99999),
    "a step of another form": _STEP.format("'v2'"),
    "another form of index": """UPDATE collections SET schema_str = '{"version": 99}'""",
    "other tables": "ALTER TABLE collections RENAME TO collections_v2",
}


@pytest.mark.parametrize("change", NEWER.values(), ids=NEWER)
def test_a_folder_of_a_newer_chromadb_is_used_or_begun_anew(tmp_path, change):
    opened(tmp_path).close()
    [database] = tmp_path.rglob("chroma.sqlite3")
    with contextlib.closing(sqlite3.connect(database)) as connection, connection:
        connection.execute(change)
    again = open_chroma(tmp_path)
    assert again.fingerprint in ("", "print")
    if not again.fingerprint:
        again.begin("print")
    again.put(["new"], rows(7))
    assert again.nearest(rows(7)[0], 1)[0][0] == "new"
    again.close()


def test_a_folder_that_another_process_has_open_is_refused_until_it_ends(tmp_path):
    hold = (
        "import fcntl, os, sys; fcntl.flock(os.open(sys.argv[1], os.O_RDWR), fcntl.LOCK_EX); print(); sys.stdin.read()"
    )
    opened(tmp_path).close()
    command = [sys.executable, "-c", hold, str(tmp_path / "lock")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        other.stdout.readline()
        with pytest.raises(VectorsUnusable, match="Another Sotto has the vectors"):
            open_chroma(tmp_path)
        other.communicate()
    again = open_chroma(tmp_path)
    assert again.fingerprint == "print"
    again.close()


@pytest.mark.only_long("it starts ChromaDB's server")
@pytest.mark.filterwarnings("ignore")  # ChromaDB leaves its connections to the garbage collector
@pytest.mark.timeout(120)
def test_a_server_holds_the_vectors_when_the_settings_name_one(tmp_path):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    program = Path(sys.executable).with_name("chroma")
    command = [str(program), "run", "--host", "127.0.0.1", "--port", str(port), "--path", str(tmp_path / "there")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as server:
        try:
            index = answered(tmp_path / "here", f"http://127.0.0.1:{port}", server)
            index.begin("print")
            index.put(["a", "b"], rows(1, 2))
            assert index.nearest(rows(2)[0], 1)[0][0] == "b"
            index.drop(["b"])
            index.close()
            again = open_chroma(tmp_path / "here", f"http://127.0.0.1:{port}")
            assert (again.fingerprint, again.ids()) == ("print", {"a"})
            again.close()
            del index, again
            gc.collect()
        finally:
            server.terminate()


def answered(folder, url, server):
    """The index on a server that is starting."""
    while server.poll() is None:
        try:
            return open_chroma(folder, url)
        except VectorsUnusable:
            continue
    raise AssertionError(server.stdout.read().decode())
