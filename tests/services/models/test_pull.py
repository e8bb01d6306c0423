"""Pulling from a hub: whole, resumed, verified, refused, and never half."""

from __future__ import annotations

import asyncio
import errno
import fcntl
import json
import resource
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

import pytest

from services.models import (
    DiskFull,
    FolderUnusable,
    HashConflict,
    NoSource,
    PullUnderWay,
    SizeConflict,
    Store,
    UnknownModel,
    WrongHash,
)
from services.models import fetch as fetch_module
from services.models.lock import Lock, LockedModel
from tests.kit.hub import Hub
from tests.services.models.conftest import BIG, REPOSITORY, SMALL, catalogue_text, digest, pulled

Open = Callable[..., Store]
KEY = f"{REPOSITORY}/weights/model.bin"


def remains(store: Store) -> list[str]:
    """Everything under the store's folder that a person could see."""
    return sorted(
        str(path.relative_to(store.folder))
        for path in store.folder.rglob("*")
        if path.is_file() and path.name != ".pulling"
    )


def test_a_pull_brings_the_files_and_says_how_far_it_is(store: Store) -> None:
    progress = pulled(store)
    place = store.folder / "stt" / "tiny"
    assert (place / "model.bin").read_bytes() == BIG
    assert (place / "config.json").read_bytes() == SMALL
    assert progress[-1].done_bytes == progress[-1].total_bytes == len(BIG) + len(SMALL)
    assert [p.done_bytes for p in progress] == sorted(p.done_bytes for p in progress)
    assert remains(store) == ["models.lock", "stt/tiny/config.json", "stt/tiny/model.bin"]


def test_the_shelf_has_it_afterwards(store: Store) -> None:
    assert store.installed("stt") == []
    pulled(store)
    [model] = store.installed("stt")
    assert (model.name, model.engine, model.languages) == ("tiny", "faster-whisper", ("en",))
    assert {file.name for file in model.files} == {"config.json", "model.bin"}


def test_the_lock_keeps_what_was_verified_and_by_whom(store: Store) -> None:
    pulled(store)
    locked = json.loads((store.folder / "models.lock").read_text())["models"]["tiny"]["files"]
    assert locked["model.bin"]["sha256"] == digest(BIG)
    assert locked["model.bin"]["agreed"] == ["catalogue", "hub"]
    assert locked["config.json"]["agreed"] == ["hub"]
    assert locked["config.json"]["sha256"] == digest(SMALL)


def test_files_are_never_in_place_without_their_lock(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever looks in between would take them for a model that was added by hand."""
    put, there = Lock.put, []

    def watched(lock: Lock, name: str, model: LockedModel) -> None:
        there.append((store.folder / "stt").exists())
        put(lock, name, model)

    monkeypatch.setattr(Lock, "put", watched)
    pulled(store)
    assert there == [False]


def test_a_second_pull_asks_nobody(store: Store, hub: Hub) -> None:
    pulled(store)
    hub.seen.clear()
    assert pulled(store) == []
    assert hub.seen == []


def test_sizes_are_known_before_anything_is_pulled(store: Store, hub: Hub) -> None:
    assert store.plan("tiny") == len(BIG) + len(SMALL)
    assert hub.gets() == []
    pulled(store)
    assert store.plan("tiny") == 0


def test_no_token_and_no_telemetry_reach_the_hub(store: Store, hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    """The hub's client would otherwise look who uses it, and ask the hub for a list to compare with."""
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    looked: list[str] = []
    monkeypatch.setattr("huggingface_hub.utils._headers.detect_agent", lambda: looked.append("looked"))
    pulled(store)
    assert looked == []
    assert all("authorization" not in request.headers for request in hub.seen)
    assert {request.path.partition("/resolve/")[0] for request in hub.seen} == {f"/{REPOSITORY}"}
    assert all("agent/" not in request.headers["user-agent"] for request in hub.seen)


def test_a_connection_cut_in_the_middle_is_taken_up_there(store: Store, hub: Hub) -> None:
    hub.cuts = [len(SMALL), 1_000_000, 700_000]
    pulled(store)
    assert (store.folder / "stt/tiny/model.bin").read_bytes() == BIG
    ranges = [r.headers.get("range") for r in hub.gets() if "model.bin" in r.path]
    assert ranges == [None, "bytes=1000000-", "bytes=1700000-"]


def test_an_interrupted_pull_goes_on_at_the_next_one(store: Store, hub: Hub) -> None:
    """The hub dies after a third; nothing is on the shelf; the next pull fetches the rest only."""
    hub.cuts = [len(SMALL), 1_000_000, 0]
    with pytest.raises(NoSource, match="run the same command again"):
        pulled(store)
    assert store.installed("stt") == []
    assert not (store.folder / "stt").exists()
    hub.seen.clear()
    pulled(store)
    assert [r.headers.get("range") for r in hub.gets()] == ["bytes=1000000-"]
    assert (store.folder / "stt/tiny/model.bin").read_bytes() == BIG


def test_what_is_left_of_another_version_is_fetched_anew(store: Store, hub: Hub) -> None:
    stage = store.folder / ".incomplete" / "tiny"
    stage.mkdir(parents=True)
    (stage / "model.bin.part").write_bytes(b"old" * 1000)
    pulled(store)
    assert (store.folder / "stt/tiny/model.bin").read_bytes() == BIG
    assert [r.headers.get("range") for r in hub.gets() if "model.bin" in r.path] == ["bytes=3000-", None]


def test_a_server_that_cannot_resume_sends_all_again(store: Store, hub: Hub) -> None:
    hub.no_ranges = True
    hub.cuts = [len(SMALL), 1_000_000]
    pulled(store)
    assert (store.folder / "stt/tiny/model.bin").read_bytes() == BIG


def test_a_pull_that_is_closed_stops_and_can_go_on(store: Store, hub: Hub) -> None:
    async def begin() -> None:
        stream = store.pull("tiny")
        await anext(stream)
        await stream.aclose()

    asyncio.run(begin())
    assert store.installed("stt") == []
    pulled(store)
    assert store.installed("stt")


def test_bytes_with_another_hash_are_thrown_away(store_of: Open, hub: Hub) -> None:
    hub.stated[KEY] = digest(b"what it should be")
    store = store_of(catalogue_text(None, len(BIG)))
    with pytest.raises(WrongHash) as caught:
        pulled(store)
    assert digest(b"what it should be") in str(caught.value)
    assert digest(BIG) in str(caught.value)
    assert store.installed("stt") == []
    assert not [name for name in remains(store) if "model.bin" in name]


def test_a_small_file_with_another_git_hash_is_thrown_away(store: Store, hub: Hub) -> None:
    hub.stated[f"{REPOSITORY}/config.json"] = "0" * 40
    with pytest.raises(WrongHash, match="0" * 40):
        pulled(store)


def test_a_hub_that_contradicts_the_catalogue_is_refused_with_both_hashes(store_of: Open, hub: Hub) -> None:
    store = store_of(catalogue_text("a" * 64, len(BIG)))
    with pytest.raises(HashConflict) as caught:
        pulled(store)
    assert "a" * 64 in str(caught.value)
    assert digest(BIG) in str(caught.value)
    assert hub.gets() == []


def test_a_hub_that_contradicts_the_catalogues_size_is_refused_with_both(store_of: Open, hub: Hub) -> None:
    store = store_of(catalogue_text(digest(BIG), 2_999_999))
    with pytest.raises(SizeConflict, match=r"2999999 bytes.*3000000 bytes"):
        pulled(store)
    assert hub.gets() == []


def test_a_hub_that_contradicts_the_lock_is_refused_with_both_hashes(store_of: Open, hub: Hub) -> None:
    """What was verified once decides: another file under the same name and revision is not taken."""
    store = store_of(catalogue_text())
    pulled(store)
    (store.folder / "stt/tiny/model.bin").unlink()
    hub.files[KEY] = BIG[::-1]
    with pytest.raises(HashConflict) as caught:
        pulled(store)
    assert digest(BIG) in str(caught.value)
    assert digest(BIG[::-1]) in str(caught.value)


def test_a_catalogue_that_contradicts_the_lock_is_refused_with_both_hashes(store_of: Open) -> None:
    pulled(store_of(catalogue_text()))
    with pytest.raises(HashConflict) as caught:
        pulled(store_of(catalogue_text("b" * 64)))
    assert "b" * 64 in str(caught.value)
    assert digest(BIG) in str(caught.value)


def test_a_missing_file_is_fetched_again_alone(store: Store, hub: Hub) -> None:
    pulled(store)
    (store.folder / "stt/tiny/config.json").unlink()
    assert store.installed("stt") == []
    hub.seen.clear()
    pulled(store)
    assert [r.path.rpartition("/")[2] for r in hub.gets()] == ["config.json"]
    assert store.installed("stt")


def test_files_whose_lock_was_lost_are_checked_and_not_fetched_again(store: Store, hub: Hub) -> None:
    pulled(store)
    (store.folder / "models.lock").unlink()
    hub.seen.clear()
    pulled(store)
    assert hub.gets() == []
    assert {check.state for check in store.verify()} == {"ok"}


def test_a_wrong_file_in_the_models_place_is_replaced(store: Store, hub: Hub) -> None:
    place = store.folder / "stt" / "tiny"
    place.mkdir(parents=True)
    (place / "model.bin").write_bytes(BIG[::-1])
    pulled(store)
    assert (place / "model.bin").read_bytes() == BIG


def test_a_folder_that_cannot_be_written_is_said_to_be(store_of: Open, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("I am no folder")
    with pytest.raises(FolderUnusable, match=r"models\.folder"):
        pulled(store_of(folder=tmp_path / "file" / "models"))


def test_an_address_that_is_none_is_said_to_be(store_of: Open) -> None:
    with pytest.raises(NoSource, match="could not be reached"):
        pulled(store_of(endpoint="http://[hub"))


def test_a_file_the_hub_does_not_have_is_named(store: Store, hub: Hub) -> None:
    del hub.files[KEY]
    with pytest.raises(NoSource, match=r"has no file weights/model\.bin in acme/tiny-whisper"):
        pulled(store)


def test_a_repository_the_hub_does_not_have_is_named(store: Store, hub: Hub) -> None:
    hub.files.clear()
    with pytest.raises(NoSource, match="no public repository acme/tiny-whisper"):
        pulled(store)


def test_an_unreachable_hub_is_said_with_what_to_do(store_of: Open) -> None:
    store = store_of(endpoint="http://127.0.0.1:9")
    with pytest.raises(NoSource) as caught:
        pulled(store)
    assert "could not be reached" in caught.value.message
    assert "--from" in caught.value.remedy


def test_a_mirror_helps_out_when_the_hub_fails(store_of: Open, hub: Hub, tmp_path: Path) -> None:
    """The hub has lost the file; a folder laid out like the hub, named second, has it."""
    del hub.files[KEY]
    mirror = tmp_path / "mirror" / REPOSITORY / "weights"
    mirror.mkdir(parents=True)
    (mirror / "model.bin").write_bytes(BIG)
    store = store_of(sources=("hub", str(tmp_path / "mirror")))
    pulled(store)
    locked = json.loads((store.folder / "models.lock").read_text())["models"]["tiny"]["files"]
    assert locked["model.bin"]["source"] == str(mirror / "model.bin")


def test_a_mirror_goes_on_where_the_hub_broke_off(store_of: Open, hub: Hub, tmp_path: Path) -> None:
    place = tmp_path / "mirror" / "tiny"
    place.mkdir(parents=True)
    (place / "model.bin").write_bytes(BIG)
    hub.cuts = [len(SMALL), 1_000_000, 0]
    store = store_of(sources=("hub", str(tmp_path / "mirror")))
    progress = pulled(store)
    assert (store.folder / "stt/tiny/model.bin").read_bytes() == BIG
    assert [p.done_bytes for p in progress] == sorted(p.done_bytes for p in progress)


def test_a_mirror_is_believed_only_what_has_a_known_hash(store_of: Open, hub: Hub) -> None:
    """Its file with a hash in the catalogue is checked against that; the one without is refused."""
    hub.files = {"mirror/model.bin": BIG}
    store = store_of(sources=(hub.endpoint,))
    with pytest.raises(NoSource, match=r"config\.json could not be had"):
        pulled(store)


def test_a_folder_the_person_names_is_taken_and_its_hashes_kept(store: Store, tmp_path: Path, hub: Hub) -> None:
    by_hand = tmp_path / "usb"
    by_hand.mkdir()
    (by_hand / "model.bin").write_bytes(BIG)
    (by_hand / "config.json").write_bytes(SMALL)
    pulled(store, origin=str(by_hand))
    assert hub.seen == []
    locked = json.loads((store.folder / "models.lock").read_text())["models"]["tiny"]["files"]
    assert locked["model.bin"]["agreed"] == ["catalogue"]
    assert locked["config.json"]["agreed"] == ["first use"]


def test_a_wrong_file_in_a_folder_is_refused(store: Store, tmp_path: Path) -> None:
    (tmp_path / "model.bin").write_bytes(BIG[:-1] + b"!")
    (tmp_path / "config.json").write_bytes(SMALL)
    with pytest.raises(WrongHash):
        pulled(store, origin=str(tmp_path))


def test_a_disk_without_room_is_refused_before_anything_comes(
    store: Store, hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda _: type("Usage", (), {"free": 66 << 20})())
    with pytest.raises(DiskFull, match=r"needs 3 MB.*69 MB free"):
        pulled(store)
    assert hub.gets() == []


def test_a_disk_that_fills_up_leaves_nothing_half_written(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(file: BinaryIO, chunk: bytes) -> None:
        if file.tell() >= 1_000_000:
            raise OSError(errno.ENOSPC, "No space left on device")
        file.write(chunk)

    monkeypatch.setattr(fetch_module, "_write", full)
    with pytest.raises(DiskFull, match=r"model\.bin"):
        pulled(store)
    assert not [name for name in remains(store) if "model.bin" in name]
    assert store.installed("stt") == []
    monkeypatch.undo()
    pulled(store)
    assert store.installed("stt")


def test_a_write_the_system_refuses_is_a_full_disk(store: Store) -> None:
    """The kernel itself stops the file at one megabyte."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, hard))
    try:
        with pytest.raises(DiskFull, match="nothing half-written"):
            pulled(store)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert not [name for name in remains(store) if "model.bin" in name]


def test_two_pulls_into_one_folder_do_not_mix(store: Store) -> None:
    store.folder.mkdir(parents=True)
    with (store.folder / ".pulling").open("w") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        with pytest.raises(PullUnderWay):
            pulled(store)


def test_an_unknown_name_is_answered_with_the_nearest(store: Store) -> None:
    with pytest.raises(UnknownModel, match="Did you mean tiny"):
        pulled(store, "tinny")
