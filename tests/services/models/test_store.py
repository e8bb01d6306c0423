"""The store: what is on disk, however it came there; what is whole; and what goes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from services.models import LockUnreadable, Store, UnknownModel
from tests.kit.hub import Hub
from tests.services.models.conftest import BIG, SMALL, digest, pulled

Open = Callable[..., Store]


def put(path: Path, data: bytes = b"x") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


def test_an_empty_folder_has_nothing_and_needs_not_exist(store: Store) -> None:
    assert store.installed("llm") == []
    assert [listing.state for listing in store.listed()] == ["available"]


def test_a_language_model_dropped_into_the_folder_is_found(store: Store) -> None:
    file = put(store.folder / "Some-Model.Q4_K_M.gguf")
    [model] = store.installed("llm")
    assert (model.name, model.engine, model.files) == ("Some-Model.Q4_K_M", "llama-cpp", (file,))


def test_the_parts_of_a_split_language_model_are_one_model(store: Store) -> None:
    parts = [put(store.folder / "llm" / f"big-0000{n}-of-00003.gguf") for n in (1, 2, 3)]
    [model] = store.installed("llm")
    assert (model.name, list(model.files)) == ("big", parts)


def test_the_eyes_of_a_language_model_are_not_taken_for_one(store: Store) -> None:
    put(store.folder / "mmproj-model-f16.gguf")
    put(store.folder / "embedding" / "bge.gguf")
    assert store.installed("llm") == []


def test_a_whisper_folder_is_found_by_its_files(store: Store) -> None:
    put(store.folder / "my-whisper.en" / "model.bin")
    assert store.installed("stt") == []
    put(store.folder / "my-whisper.en" / "config.json")
    [model] = store.installed("stt")
    assert (model.name, model.engine, model.languages) == ("my-whisper.en", "faster-whisper", ("en",))


def test_a_voice_is_found_with_its_configuration_alone(store: Store) -> None:
    voice = put(store.folder / "tts" / "de_DE-thorsten-medium.onnx")
    assert store.installed("tts") == []
    config = put(store.folder / "tts" / "de_DE-thorsten-medium.onnx.json")
    [model] = store.installed("tts")
    assert (model.engine, model.files, model.languages) == ("piper", (voice, config), ("de",))


def test_what_was_added_by_hand_comes_before_what_was_pulled(store: Store) -> None:
    pulled(store)
    put(store.folder / "mine" / "model.bin")
    put(store.folder / "mine" / "config.json")
    assert [model.name for model in store.installed("stt")] == ["mine", "tiny"]


def test_what_would_fill_the_memory_comes_last(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    put(store.folder / "a-large.gguf", b"x" * 900)
    put(store.folder / "b-small.gguf", b"x" * 100)
    monkeypatch.setattr("os.sysconf", {"SC_PHYS_PAGES": 1000, "SC_PAGE_SIZE": 1}.__getitem__)
    assert [model.name for model in store.installed("llm")] == ["b-small", "a-large"]


def test_a_pull_under_way_is_not_taken_for_a_model_added_by_hand(store: Store, hub: Hub) -> None:
    put(store.folder / ".incomplete" / "tiny" / "model.bin", BIG)
    put(store.folder / ".incomplete" / "tiny" / "config.json", SMALL)
    assert store.installed("stt") == []


def test_a_truncated_file_takes_its_model_off_the_shelf(store: Store) -> None:
    pulled(store)
    put(store.folder / "stt/tiny/model.bin", BIG[:-1])
    assert store.installed("stt") == []
    assert store.info("tiny").state == "damaged"
    pulled(store)
    assert store.info("tiny").state == "installed"


def test_verify_reads_the_bytes_and_shows_both_hashes(store: Store) -> None:
    pulled(store)
    assert {check.state for check in store.verify()} == {"ok"}
    put(store.folder / "stt/tiny/model.bin", BIG[:-1] + b"!")
    wrong = next(check for check in store.verify("tiny") if check.file == "model.bin")
    assert (wrong.state, wrong.expected, wrong.actual) == ("wrong", digest(BIG), digest(BIG[:-1] + b"!"))
    (store.folder / "stt/tiny/model.bin").unlink()
    missing = next(check for check in store.verify("tiny") if check.file == "model.bin")
    assert (missing.state, missing.actual) == ("missing", "")


def test_verify_has_nothing_to_compare_a_file_added_by_hand_with(store: Store) -> None:
    put(store.folder / "stt/mine/config.json", b"{}")
    put(store.folder / "stt/mine/model.bin", b"weights")
    checks = {check.file: check for check in store.verify("mine")}
    assert (checks["model.bin"].state, checks["model.bin"].actual) == ("unknown", digest(b"weights"))


def test_verify_and_remove_of_what_is_not_there_say_so(store: Store) -> None:
    with pytest.raises(UnknownModel, match="sotto models pull tiny"):
        list(store.verify("tiny"))
    with pytest.raises(UnknownModel, match="not on disk"):
        store.remove("tiny")


def test_a_removed_model_leaves_no_file_and_no_lock(store: Store) -> None:
    pulled(store)
    assert store.remove("tiny") == len(BIG) + len(SMALL)
    assert store.installed("stt") == []
    assert store.info("tiny").state == "available"
    assert not (store.folder / "stt" / "tiny").exists()


def test_removing_takes_what_an_interrupted_pull_left(store: Store) -> None:
    put(store.folder / ".incomplete" / "tiny" / "model.bin.part", b"1234")
    assert store.remove("tiny") == 4
    assert not (store.folder / ".incomplete" / "tiny").exists()


def test_a_model_added_by_hand_is_removed_and_its_neighbour_stays(store: Store) -> None:
    put(store.folder / "mine.gguf")
    put(store.folder / "other.gguf")
    store.remove("mine")
    assert [model.name for model in store.installed("llm")] == ["other"]


def test_a_lock_that_cannot_be_read_is_said_with_what_to_do(store: Store) -> None:
    put(store.folder / "models.lock", b"{half")
    with pytest.raises(LockUnreadable, match=r"models\.lock"):
        store.installed("stt")


def test_the_folder_is_the_persons_data_folder_unless_set(store_of: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", "/data")
    assert store_of(folder=None).folder.parts[-2:] == ("sotto", "models")


def test_an_encoder_is_found_by_its_weights_and_tokeniser(store: Store) -> None:
    """Alone, `model.safetensors` may be anything."""
    for name, files in {"mine": ("model.safetensors", "tokenizer.json"), "half": ("model.safetensors",)}.items():
        (store.folder / "embedding" / name).mkdir(parents=True)
        for file in files:
            (store.folder / "embedding" / name / file).write_bytes(b"x")
    (found,) = store.installed("embedding")
    assert (found.name, found.engine) == ("mine", "sentence-transformers")
