"""The embedding service answers over the bus, with the built-in encoder when there is no model."""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
import pytest

from services.embedding.desk import Desk, NotReady
from services.embedding.opening import open_model, open_ranker
from services.embedding.port import Encoder, EngineMissing, ModelUnusable
from services.embedding.service import EmbeddingService
from services.embedding.settings import EmbeddingSettings
from services.testing import running
from shared.errors import SottoError
from shared.events import (
    EmbedFailed,
    EmbedRequest,
    EmbedResult,
    MemoryForget,
    MemoryForgotten,
    ModelFailed,
    ModelLoad,
    ModelLoaded,
    ModelPulled,
    RerankRequest,
    RerankResult,
    ServiceReady,
)
from tests.kit.bert_models import write_bert
from tests.services.embedding.conftest import Folder, Watched, serving

pytestmark = pytest.mark.timeout(300)  # the first use of the kernel compiles it


async def test_texts_come_back_as_vectors_in_their_order(settings: EmbeddingSettings) -> None:
    """Of length 1, with who made them and the request they answer."""
    async with serving(settings) as bench:
        asked = bench.publish(EmbedRequest, texts=("the blue bike", "a bike of blue", "tax forms"), purpose="passage")
        result = await bench.next(EmbedResult)
    rows = np.frombuffer(result.vectors, "<f4").reshape(result.count, result.dimensions)
    assert (result.request, result.cause, result.engine, result.model) == (asked.id, asked.id, "lexical", "lexical")
    assert np.allclose(np.linalg.norm(rows, axis=1), 1)
    assert rows[0] @ rows[1] > rows[0] @ rows[2]
    assert result.fingerprint


async def test_fewer_dimensions_are_the_first_ones_made_whole_again(settings: EmbeddingSettings) -> None:
    async with serving(settings) as bench:
        bench.publish(EmbedRequest, texts=("the blue bike",))
        whole = np.frombuffer((await bench.next(EmbedResult)).vectors, "<f4")
        bench.publish(EmbedRequest, texts=("the blue bike",), dimensions=64)
        short = await bench.next(EmbedResult)
    row = np.frombuffer(short.vectors, "<f4")
    assert short.dimensions == len(row) == 64
    assert np.allclose(row, whole[:64] / np.linalg.norm(whole[:64]), atol=1e-6)


async def test_no_texts_have_no_vectors(settings: EmbeddingSettings) -> None:
    async with serving(settings) as bench:
        bench.publish(EmbedRequest, texts=())
        result = await bench.next(EmbedResult)
    assert (result.count, result.vectors) == (0, b"")


async def test_more_dimensions_than_there_are_is_a_failure_that_says_so(settings: EmbeddingSettings) -> None:
    async with serving(settings) as bench:
        bench.publish(EmbedRequest, texts=("a",), dimensions=100_000)
        failed = await bench.next(EmbedFailed)
    assert (failed.reason, failed.retry_ms) == ("invalid", 0)
    assert "512 dimensions" in failed.message


async def test_a_model_that_is_not_there_is_named_with_how_to_get_it(settings: EmbeddingSettings) -> None:
    async with serving(settings) as bench:
        bench.publish(EmbedRequest, texts=("a",), model="nobody")
        failed = await bench.next(EmbedFailed)
    assert failed.reason == "no-model"
    assert "sotto models pull nobody" in failed.message


@pytest.mark.parametrize("name", ["x" * 300, "x" * 300 + ".gguf", "/" + "x" * 300, "~nosuchuser/x", "a\0b", "folder"])
async def test_a_name_that_is_none_on_this_machine_is_refused_and_the_next_request_answered(
    settings: EmbeddingSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """Also one that happens to be a folder where the service runs: whoever asks may be elsewhere."""
    (tmp_path / "folder").mkdir()
    monkeypatch.chdir(tmp_path)
    async with running(EmbeddingService(settings, Folder(), open_model, None, open_ranker)) as bench:
        await bench.next(ModelLoaded)
        bench.publish(EmbedRequest, texts=("a",), model=name)
        assert (await bench.next(EmbedFailed)).reason == "no-model"
        bench.publish(RerankRequest, query="a", texts=("a",), model=name)
        assert (await bench.next(EmbedFailed)).reason == "no-model"
        bench.publish(EmbedRequest, texts=("a",))
        assert (await bench.next(EmbedResult)).count == 1


async def test_a_model_may_be_named_by_its_path(settings: EmbeddingSettings, tmp_path: Path) -> None:
    opened: list[Path] = []

    def opener(folder: Path, _: EmbeddingSettings) -> Watched:
        opened.append(folder)
        return Watched()

    async with running(EmbeddingService(settings, Folder(), opener)) as bench:
        await bench.next(ModelLoaded)
        bench.publish(EmbedRequest, texts=("a",), model=str(tmp_path))
        assert (await bench.next(EmbedResult)).count == 1
    assert opened == [tmp_path]


@pytest.mark.parametrize("error", [ModelUnusable, EngineMissing])
async def test_a_model_that_is_there_and_cannot_be_used_is_no_missing_one(
    settings: EmbeddingSettings, tmp_path: Path, error: type[SottoError]
) -> None:
    def broken(_: Path, __: EmbeddingSettings) -> Encoder:
        raise error("It is broken.", remedy="Mend it.")

    async with running(EmbeddingService(settings, Folder(), broken)) as bench:
        await bench.next(ModelLoaded)
        bench.publish(EmbedRequest, texts=("a",), model=str(tmp_path))
        failed = await bench.next(EmbedFailed)
    assert (failed.reason, failed.message) == ("engine", "It is broken. Mend it.")


async def test_a_text_that_was_cut_is_named_by_its_place(settings: EmbeddingSettings) -> None:
    async with serving(settings) as bench:
        bench.publish(EmbedRequest, texts=("short", "word " * 5000))
        assert (await bench.next(EmbedResult)).truncated == (1,)


async def test_texts_are_scored_against_a_query(settings: EmbeddingSettings) -> None:
    async with serving(settings) as bench:
        bench.publish(RerankRequest, query="bike code", texts=("the weather", "my bike code is 4512"))
        result = await bench.next(RerankResult)
    assert result.method == "cosine"
    assert result.scores[1] > result.scores[0]


async def test_a_wish_for_a_model_that_is_not_there_keeps_the_one_in_use(settings: EmbeddingSettings) -> None:
    async with serving(settings) as bench:
        bench.publish(ModelLoad, role="embedding", name="nobody", engine="")
        assert "nobody" in (await bench.next(ModelFailed)).message
        assert (await bench.next(ModelLoaded)).name == "lexical"


async def test_forgetting_empties_the_cache_and_says_so(settings: EmbeddingSettings) -> None:
    async with serving(settings) as bench:
        bench.publish(EmbedRequest, texts=("my bike code is 4512", "tea"))
        await bench.next(EmbedResult)
        order = {"turns": (), "since": 0, "until": 0, "texts": (), "about": "bike", "everything": False}
        asked = bench.publish(MemoryForget, **order)
        told = await bench.next(MemoryForgotten)
    assert (told.cause, told.store, told.removed, told.ok) == (asked.id, "embedding", 2, True)


async def test_forgetting_does_not_wait_for_a_model_that_is_being_opened(
    settings: EmbeddingSettings, tmp_path: Path
) -> None:
    """Opening one may take a compiler's time; the person waits for the receipt."""
    gate = threading.Event()

    def slow(_: object, __: object) -> Watched:
        assert gate.wait(30)
        return Watched()

    named = settings.model_copy(update={"model": str(tmp_path)})
    async with running(EmbeddingService(named, Folder(), slow)) as bench:
        order = {"turns": (), "since": 0, "until": 0, "texts": (), "about": "bike", "everything": False}
        bench.publish(MemoryForget, **order)
        try:
            assert (await bench.next(MemoryForgotten)).ok
            assert not [event for event in bench.log if isinstance(event, ModelLoaded)]
        finally:
            gate.set()
        await bench.next(ModelLoaded)


async def test_one_that_opens_first_is_not_ready_before(settings: EmbeddingSettings, tmp_path: Path) -> None:
    """For a server, which has nothing else to do: ready, it answers."""
    gate = threading.Event()

    def slow(_: object, __: object) -> Watched:
        assert gate.wait(30)
        return Watched()

    desk, named = Desk(), settings.model_copy(update={"model": str(tmp_path)})
    service = EmbeddingService(named, Folder(), slow, desk, opens_first=True)
    async with running(service, wait_ready=False) as bench:
        asked = bench.publish(EmbedRequest, texts=("waits for it",))
        with pytest.raises(NotReady):
            await desk.info()
        gate.set()
        await bench.next(ServiceReady)
        assert (await desk.embed(["the blue bike"], "", "")).info.model == "lexical"
        assert (await bench.next(EmbedResult)).request == asked.id
    known = [type(event) for event in bench.log if isinstance(event, ModelLoaded | ServiceReady)]
    assert known == [ModelLoaded, ServiceReady]


async def test_the_best_model_that_is_installed_answers(
    settings: EmbeddingSettings, own_kernel: None, bert: Path, packed: Path
) -> None:
    """Converted at its first use, by the kernel; another one, and the built-in encoder, answer when they are named."""
    async with serving(settings, packed, bert) as bench:
        bench.publish(EmbedRequest, texts=("the blue bike",), purpose="query")
        first = await bench.next(EmbedResult)
        bench.publish(EmbedRequest, texts=("the blue bike",), model="lexical")
        second = await bench.next(EmbedResult)
    loaded = next(event for event in bench.log if isinstance(event, ModelLoaded))
    assert (loaded.name, loaded.engine, loaded.role) == ("small-bert", "native", "embedding")
    assert (first.model, first.engine, first.dimensions, first.tokens) == ("small-bert", "native", 64, 5)
    assert (second.model, second.dimensions) == ("lexical", 512)


async def test_a_model_that_arrives_takes_over_and_is_converted_by_itself(
    settings: EmbeddingSettings, own_kernel: None, tmp_path: Path
) -> None:
    shelf = Folder()
    async with running(EmbeddingService(settings, shelf, open_model)) as bench:
        assert (await bench.next(ModelLoaded)).name == "lexical"
        shelf.folders.append(write_bert(tmp_path / "models" / "fresh"))
        bench.publish(ModelPulled, role="embedding", name="fresh", engine="", path=str(tmp_path))
        assert (await bench.next(ModelLoaded)).name == "fresh"
        bench.publish(EmbedRequest, texts=("a",))
        assert (await bench.next(EmbedResult)).model == "fresh"


async def test_a_damaged_model_is_told_and_the_next_best_answers(
    settings: EmbeddingSettings, own_kernel: None, packed: Path, tmp_path: Path
) -> None:
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "metadata.json").write_text("{}")
    async with running(EmbeddingService(settings, Folder(tmp_path / "broken", packed), open_model)) as bench:
        assert "Run `sotto models convert`" in (await bench.next(ModelFailed)).message
        assert (await bench.next(ModelLoaded)).name == "small-bert"


async def test_what_a_fenced_turn_asked_for_is_not_computed(settings: EmbeddingSettings, tmp_path: Path) -> None:
    """Indexing, which belongs to no turn, goes on; so does the next turn."""
    watched = Watched()
    named = settings.model_copy(update={"model": str(tmp_path)})
    async with running(EmbeddingService(named, Folder(), lambda _, __: watched)) as bench:
        await bench.next(ModelLoaded)
        watched.gate.clear()
        indexing = bench.publish(EmbedRequest, texts=("a page", "another page"))
        bench.publish(EmbedRequest, texts=("interrupted",), turn=1)
        bench.bus.fence("test", 2)
        asked = bench.publish(EmbedRequest, texts=("what then",), turn=2)
        watched.gate.set()
        answered = {(await bench.next(EmbedResult)).request for _ in range(2)}
    assert answered == {indexing.id, asked.id}
    assert watched.computed == 3


async def test_what_does_not_fit_in_the_queue_is_refused_with_a_hint(
    settings: EmbeddingSettings, tmp_path: Path
) -> None:
    watched = Watched()
    named = settings.model_copy(update={"model": str(tmp_path), "waiting_tokens": 1})
    async with running(EmbeddingService(named, Folder(), lambda _, __: watched)) as bench:
        await bench.next(ModelLoaded)
        watched.gate.clear()
        for text in ("computed", "waiting", "too much"):
            bench.publish(EmbedRequest, texts=(text,))
        refused = await bench.next(EmbedFailed)
        watched.gate.set()
        await bench.next(EmbedResult)
        await bench.next(EmbedResult)
    assert refused.reason == "overloaded"
    assert refused.retry_ms > 0
