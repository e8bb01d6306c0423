"""The models service: whatever way a model arrives, the assistant is told once, when it is whole."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

import pytest

from services.models import ModelsService, ModelsSettings, Store, UnknownModel
from services.testing import running
from shared.events import ModelCancel, ModelFailed, ModelProgress, ModelPull, ModelPulled, Role, ServiceDegraded
from shared.installed import InstalledModel
from tests.kit.hub import Hub
from tests.services.models.conftest import BIG, REPOSITORY, SMALL, pulled

OFTEN = 0.01


def put(path: Path, data: bytes = b"x") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


async def test_a_model_that_is_asked_for_is_pulled_beside_the_conversation(store: Store) -> None:
    service = ModelsService(store, OFTEN)
    async with running(service) as bench:
        service.fetch(["tiny"])
        event = await bench.next(ModelPulled)
    progress = [e for e in bench.log if isinstance(e, ModelProgress)]
    assert (event.role, event.name, event.engine) == ("stt", "tiny", "faster-whisper")
    assert event.path == str(store.folder / "stt" / "tiny")
    assert progress[-1].total_bytes == len(BIG) + len(SMALL)
    assert len(progress) <= 101


async def test_a_pull_that_fails_is_said_and_the_next_one_goes_on(store: Store, hub: Hub) -> None:
    config = hub.files.pop(f"{REPOSITORY}/config.json")
    service = ModelsService(store, OFTEN)
    async with running(service) as bench:
        service.fetch(["tiny"])
        failed = await bench.next(ModelFailed)
        assert "config.json" in failed.message
        hub.files[f"{REPOSITORY}/config.json"] = config
        service.fetch(["tiny"])
        await bench.next(ModelPulled)


async def test_a_pull_that_is_stopped_goes_on_from_there_when_it_is_asked_for_again(store: Store, hub: Hub) -> None:
    """The hub hesitates in the middle of the large file; of what came, nothing is fetched again."""
    hub.hold_at = len(BIG) // 2
    async with running(ModelsService(store, OFTEN)) as bench:
        bench.publish(ModelPull, name="tiny")
        while (await bench.next(ModelProgress)).done_bytes < len(BIG) // 4:
            pass
        bench.publish(ModelCancel, name="nobody")
        bench.publish(ModelCancel, name="tiny")
        assert "was stopped" in (await bench.next(ModelFailed)).message
        hub.go_on()
        bench.publish(ModelPull, name="tiny")
        assert (await bench.next(ModelPulled)).name == "tiny"
    assert "range" in hub.gets()[-1].headers


async def test_an_unknown_name_is_refused_at_once(store: Store) -> None:
    with pytest.raises(UnknownModel):
        ModelsService(store).fetch(["nobody"])


async def test_a_model_that_another_process_pulled_is_told_once(store: Store) -> None:
    async with running(ModelsService(store, OFTEN)) as bench:
        await asyncio.to_thread(pulled, store)
        assert (await bench.next(ModelPulled)).name == "tiny"
        await asyncio.to_thread(put, store.folder / "other.gguf")
        assert (await bench.next(ModelPulled)).name == "other"


async def test_what_was_there_before_is_not_news(store: Store) -> None:
    await asyncio.to_thread(pulled, store)
    async with running(ModelsService(store, OFTEN)) as bench:
        await asyncio.to_thread(put, store.folder / "new.gguf")
        assert (await bench.next(ModelPulled)).name == "new"


async def test_a_file_that_still_grows_is_not_told_before_it_stops(store: Store) -> None:
    """It is copied while the service looks: every look finds it longer, and nothing is said until it stays."""
    path = store.folder / "new.gguf"
    sizes = iter(range(6))

    class Copying(Store):
        def installed(self, role: Role) -> Sequence[InstalledModel]:
            if role == "llm" and (size := next(sizes, 0)):
                put(path, b"x" * size)
            return super().installed(role)

    async with running(ModelsService(Copying(ModelsSettings(folder=store.folder)), OFTEN)) as bench:
        await bench.next(ModelPulled)
        assert next(sizes, None) is None


async def test_a_replaced_file_is_told_again(store: Store) -> None:
    put(store.folder / "mine.gguf", b"old")
    async with running(ModelsService(store, OFTEN)) as bench:
        await asyncio.to_thread(put, store.folder / "mine.gguf", b"newer")
        assert (await bench.next(ModelPulled)).name == "mine"


async def test_a_lock_that_cannot_be_read_degrades_and_does_not_crash(store: Store) -> None:
    async with running(ModelsService(store, OFTEN)) as bench:
        await asyncio.to_thread(put, store.folder / "models.lock", b"{half")
        assert "models.lock" in (await bench.next(ServiceDegraded)).reason
