"""The file of timers and alarms: whole or not there, and set aside by name when it is damaged."""

from __future__ import annotations

import json

import pytest

from services.skills.ringing import Alarm, AlarmFile, AlarmsDamaged, Done, Kept, Unsaved

PASTA = Alarm(
    id="1",
    kind="timer",
    name="pasta",
    language="en",
    session="s",
    set_at=1,
    length=600_000_000_000,
    due=601_000_000_000,
)
NOTHING = Kept(alarms=())
KEPT = Kept(alarms=(PASTA,), done=(Done(call="1", result={"speech": "The pasta timer is set."}),))


def test_what_was_saved_is_what_is_loaded(tmp_path):
    file = AlarmFile(tmp_path / "new" / "alarms.json")
    assert file.load() == NOTHING
    file.save(KEPT)
    assert AlarmFile(tmp_path / "new" / "alarms.json").load() == KEPT


def test_only_the_file_itself_is_left_behind(tmp_path):
    AlarmFile(tmp_path / "alarms.json").save(KEPT)
    assert [path.name for path in tmp_path.iterdir()] == ["alarms.json"]


@pytest.mark.parametrize("content", [b"", b"[", b"{}", b"\x00\xff", b'[{"id": 1}]', b'[{"id": "1", "kind": "egg"}]'])
def test_a_damaged_file_is_set_aside_once_and_named(tmp_path, content):
    path = tmp_path / "alarms.json"
    path.write_bytes(content)
    with pytest.raises(AlarmsDamaged, match=r"alarms\.json"):
        AlarmFile(path).load()
    assert AlarmFile(path).load() == NOTHING
    assert path.with_suffix(".damaged").read_bytes() == content


def test_a_failed_save_leaves_what_was_there(tmp_path, monkeypatch):
    file = AlarmFile(tmp_path / "alarms.json")
    file.save(KEPT)

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(Unsaved, match="No space left on device"):
        file.save(NOTHING)
    assert file.load() == KEPT
    assert [path.name for path in tmp_path.iterdir()] == ["alarms.json"]


def test_what_an_earlier_version_wrote_is_read(tmp_path):
    """A list, with marks for what its last call had changed or taken away."""
    path = tmp_path / "alarms.json"
    marked = {**PASTA.model_dump(), "call": "2", "before": None}
    path.write_text(json.dumps([marked, {**marked, "id": "3", "state": "gone"}]))
    assert AlarmFile(path).load() == Kept(alarms=(PASTA,))
