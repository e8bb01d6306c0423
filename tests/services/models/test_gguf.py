"""A GGUF is known by what it says of itself: in the lock, in `info`, and where it lies in another folder."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from services.models import FolderUnusable, ModelsService, Store
from services.testing import running
from shared.events import ModelFailed, ModelPull, ModelPulled
from shared.gguf import GgufUnreadable, read_gguf
from tests.kit import gguf_models
from tests.kit.hub import Hub
from tests.services.models.conftest import REPOSITORY, catalogue_text, pulled

Open = Callable[..., Store]


@pytest.fixture
def language_model(hub: Hub, store_of: Open, tmp_path: Path) -> Store:
    """A store whose catalogue has one language model."""
    path = gguf_models.write_random(tmp_path / "made.gguf")
    hub.files[f"{REPOSITORY}/model.gguf"] = path.read_bytes()
    text = catalogue_text().replace('role = "stt"', 'role = "llm"').replace("faster-whisper", "llama-cpp")
    return store_of(text.replace('{ path = "config.json" }, { path = "weights/model.bin" }', '{ path = "model.gguf" }'))


def test_the_lock_keeps_template_vocabulary_and_licence(language_model: Store, tmp_path: Path) -> None:
    pulled(language_model)
    [file] = json.loads((language_model.folder / "models.lock").read_text())["models"]["tiny"]["files"].values()
    told = read_gguf(tmp_path / "made.gguf")
    assert file["gguf"] == {
        "licence": told.licence,
        "template_sha256": told.template_sha256,
        "vocabulary_sha256": told.vocabulary_sha256,
    }
    assert language_model.told("tiny") == told
    assert {check.state for check in language_model.verify()} == {"ok"}


def test_a_file_added_by_hand_must_at_least_be_whole(store: Store, tmp_path: Path) -> None:
    whole = gguf_models.write_random(tmp_path / "made.gguf").read_bytes()
    store.folder.mkdir(parents=True, exist_ok=True)
    (store.folder / "whole.gguf").write_bytes(whole)
    (store.folder / "cut.gguf").write_bytes(whole[:-1000])
    found = {check.name: check for check in store.verify()}
    assert (found["whole"].state, found["whole"].reason) == ("unknown", "")
    assert found["cut"].state == "wrong"
    assert "cut off" in found["cut"].reason
    with pytest.raises(GgufUnreadable):
        store.told("cut")


def test_models_are_found_in_other_folders_and_left_there(store_of: Open, tmp_path: Path) -> None:
    other = tmp_path / "elsewhere" / "maker"
    other.mkdir(parents=True)
    gguf_models.write_random(other / "theirs.gguf")
    store = store_of(catalogue_text(), folders=(tmp_path / "elsewhere",))
    assert [model.name for model in store.installed("llm")] == ["theirs"]
    assert store.info("theirs").path == other
    with pytest.raises(FolderUnusable, match="only read"):
        store.remove("theirs")
    assert (other / "theirs.gguf").is_file()


async def test_a_model_is_pulled_on_demand(language_model: Store) -> None:
    async with running(ModelsService(language_model, 600)) as bench:  # or the watch may see the file first
        asked = bench.publish(ModelPull, name="tiny", turn=0)
        assert (await bench.next(ModelPulled)).cause == asked.id
        again = bench.publish(ModelPull, name="tiny", turn=0)
        assert (await bench.next(ModelPulled)).cause == again.id, "what is here already is said again"
        bench.publish(ModelPull, name="nobody", turn=0)
        assert "nobody" in (await bench.next(ModelFailed)).message
