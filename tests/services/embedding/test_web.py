"""Embedding over HTTP, asked over real sockets behind the gateway's doors."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import pytest
from httpx2 import AsyncClient

from services.embedding.desk import Desk, OverBus
from services.embedding.port import Encoder, EngineMissing, ModelUnusable
from services.embedding.service import EmbeddingService
from services.embedding.settings import EmbeddingSettings
from services.embedding.web import routes
from services.gateway import Sources
from services.testing import running
from shared.errors import SottoError
from shared.events import ModelLoaded
from tests.services.embedding.conftest import Folder, Watched
from tests.services.gateway.conftest import open_house

pytestmark = pytest.mark.timeout(60)

CAT, DOG, TAX = "the cat sleeps on the mat", "a cat sleeps on a mat", "tax forms are due in may"


class Asked:
    """A running service behind a gateway."""

    def __init__(self, client: AsyncClient, watched: Watched) -> None:
        self.client = client
        self.watched = watched

    async def post(self, path: str, **body: Any) -> Any:
        """Ask, be answered."""
        answer = await self.client.post(path, json=body)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def refused(self, path: str, content: str | bytes, status: int) -> dict[str, str]:
        """Ask, be refused; what was said."""
        answer = await self.client.post(path, content=content)
        assert answer.status_code == status, answer.text
        error: dict[str, str] = answer.json()["error"]
        return error


@contextlib.asynccontextmanager
async def asking(settings: EmbeddingSettings, folder: Path) -> AsyncIterator[Asked]:
    """The service with an encoder that can be watched, and a client."""
    desk, watched = Desk(), Watched()
    named = settings.model_copy(update={"model": str(folder)})
    async with running(EmbeddingService(named, Folder(), lambda _, __: watched, desk)) as bench:
        await bench.next(ModelLoaded)
        async with open_house(Sources(routes=(lambda: routes(desk, named),))) as house:
            yield Asked(house.client, watched)


@pytest.fixture
async def asked(settings: EmbeddingSettings, tmp_path: Path) -> AsyncIterator[Asked]:
    async with asking(settings, tmp_path) as opened:
        yield opened


def floats(coded: str) -> np.ndarray[Any, np.dtype[np.float32]]:
    return np.frombuffer(base64.b64decode(coded), "<f4")


async def test_texts_become_vectors_in_the_form_that_is_asked_for(asked: Asked) -> None:
    """The same ones again from the cache, without computing."""
    plain = await asked.post("/embed", inputs=[CAT, TAX])
    coded = await asked.post("/embed", inputs=[CAT, TAX], encoding_format="base64")
    assert asked.watched.computed == 2
    assert [list(floats(row)) for row in coded["embeddings"]] == [
        [np.float32(v) for v in row] for row in plain["embeddings"]
    ]
    assert (plain["model"], plain["engine"], plain["truncated"]) == ("lexical", "lexical", [])
    assert plain["tokens"] > 0


async def test_one_text_fewer_dimensions_and_a_purpose(asked: Asked) -> None:
    short = await asked.post("/embed", inputs=CAT, dimensions=16, purpose="query", encoding_format="base64")
    (row,) = short["embeddings"]
    assert len(floats(row)) == 16
    assert np.linalg.norm(floats(row)) == pytest.approx(1)


async def test_it_answers_as_openai_does(asked: Asked) -> None:
    """In the fields, the forms and the usage that its clients expect."""
    answer = await asked.post("/v1/embeddings", input=[CAT, TAX], model="", encoding_format="base64", dimensions=64)
    assert answer["object"] == "list"
    assert [(row["object"], row["index"], len(floats(row["embedding"]))) for row in answer["data"]] == [
        ("embedding", 0, 64),
        ("embedding", 1, 64),
    ]
    assert answer["usage"]["prompt_tokens"] == answer["usage"]["total_tokens"] > 0
    single = await asked.post("/v1/embeddings", input=CAT, model="lexical")
    assert len(single["data"][0]["embedding"]) == 512


async def test_texts_are_compared_and_ordered(asked: Asked) -> None:
    scores = (await asked.post("/similarity", inputs=[CAT], others=[DOG, TAX]))["scores"]
    assert scores[0][0] > scores[0][1]
    own = (await asked.post("/similarity", inputs=[CAT, TAX]))["scores"]
    assert own[0][0] == pytest.approx(1)
    ordered = await asked.post("/rerank", query="cat on a mat", texts=[TAX, DOG, CAT], top_n=2)
    assert ordered["method"] == "cosine"
    assert {one["index"] for one in ordered["results"]} == {1, 2}
    assert ordered["results"][0]["score"] >= ordered["results"][1]["score"]


async def test_info_says_who_computes_and_what_it_takes(asked: Asked) -> None:
    info = (await asked.client.get("/info")).json()
    assert (info["model"], info["meaning"], info["dimensions"], info["request_texts"]) == ("lexical", False, 512, 2048)


@pytest.mark.parametrize(
    ("path", "content", "status", "type", "field"),
    [
        ("/embed", "{", 400, "not_json", ""),
        ("/embed", b'"\xff"', 400, "not_json", ""),
        ("/embed", r'{"inputs": "\ud800"}', 400, "not_json", ""),
        ("/embed", "[]", 422, "invalid", ""),
        ("/embed", "{}", 422, "invalid", "inputs"),
        ("/embed", '{"inputs": []}', 422, "invalid", "inputs"),
        ("/embed", '{"inputs": [1, 2]}', 422, "invalid", "inputs"),
        ("/embed", '{"inputs": "a", "colour": 1}', 422, "invalid", "colour"),
        ("/embed", '{"inputs": "a", "dimensions": 0}', 422, "invalid", "dimensions"),
        ("/embed", '{"inputs": "a", "dimensions": 100000}', 422, "invalid", "dimensions"),
        ("/embed", '{"inputs": "a", "purpose": "fun"}', 422, "invalid", "purpose"),
        ("/embed", '{"inputs": "a", "model": "nobody"}', 422, "no_model", "model"),
        ("/embed", json.dumps({"inputs": "a", "model": "x" * 300}), 422, "no_model", "model"),
        ("/embed", '{"inputs": "a", "model": "~nosuchuser/x"}', 422, "no_model", "model"),
        ("/embed", '{"inputs": "a", "model": "/etc"}', 422, "no_model", "model"),
        ("/embed", '{"inputs": "a", "model": ".."}', 422, "no_model", "model"),
        ("/v1/embeddings", '{"input": "a", "model": "/etc"}', 422, "no_model", "model"),
        ("/similarity", '{"inputs": "a", "model": "/etc"}', 422, "no_model", "model"),
        ("/rerank", '{"query": "a", "texts": ["a"], "model": "/etc"}', 422, "no_model", "model"),
        ("/v1/embeddings", '{"input": [[1, 2]]}', 422, "invalid", "input"),
        ("/v1/embeddings", '{"input": "a", "encoding_format": "int8"}', 422, "invalid", "encoding_format"),
        ("/rerank", '{"texts": ["a"]}', 422, "invalid", "query"),
        ("/rerank", '{"query": "a", "texts": ["a"], "top_n": true}', 422, "invalid", "top_n"),
        ("/similarity", '{"inputs": "a", "others": 5}', 422, "invalid", "others"),
        ("/embed", json.dumps({"inputs": ["a"] * 2049}), 413, "too_many", "inputs"),
    ],
)
async def test_a_request_that_makes_no_sense_is_told_where(
    asked: Asked, path: str, content: str | bytes, status: int, type: str, field: str
) -> None:
    error = await asked.refused(path, content, status)
    assert (error["type"], error["field"]) == (type, field)
    assert error["message"].endswith(".")


async def test_what_is_null_counts_as_left_out(asked: Asked) -> None:
    empty = dict.fromkeys(("model", "purpose", "dimensions", "encoding_format"))
    assert await asked.post("/embed", inputs=CAT, **empty) == await asked.post("/embed", inputs=CAT)
    del empty["purpose"]
    whole = await asked.post("/v1/embeddings", input=CAT)
    assert await asked.post("/v1/embeddings", input=CAT, user=None, **empty) == whole
    own = await asked.post("/similarity", inputs=[CAT, TAX])
    assert await asked.post("/similarity", inputs=[CAT, TAX], others=None, model=None) == own
    best = await asked.post("/rerank", query=CAT, texts=[TAX, DOG])
    assert await asked.post("/rerank", query=CAT, texts=[TAX, DOG], top_n=None, model=None) == best


async def test_a_client_may_name_the_model_that_the_server_was_started_with(asked: Asked, tmp_path: Path) -> None:
    """By its path too; another folder gets the answer of a name that nothing has, though a model lies there."""
    assert (await asked.post("/embed", inputs=CAT, model=str(tmp_path)))["tokens"] > 0
    (tmp_path / "other").mkdir()
    elsewhere = str(tmp_path / "other")
    other = await asked.refused("/embed", json.dumps({"inputs": CAT, "model": elsewhere}), 422)
    unknown = await asked.refused("/embed", json.dumps({"inputs": CAT, "model": "nobody"}), 422)
    assert other == {**unknown, "message": unknown["message"].replace("nobody", elsewhere)}


async def test_what_is_too_large_is_refused_and_the_next_request_answered(
    settings: EmbeddingSettings, tmp_path: Path
) -> None:
    small = settings.model_copy(update={"request_bytes": 100})
    async with asking(small, tmp_path) as asked:
        assert (await asked.refused("/embed", json.dumps({"inputs": "a" * 1500}), 413))["type"] == "too_large"
        assert (await asked.post("/embed", inputs="a"))["tokens"]


async def test_another_method_is_told_which(asked: Asked) -> None:
    answer = await asked.client.get("/embed")
    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")


@pytest.mark.parametrize("text", ["", "\0", "مرحبا", "🙂🙃", "a" * 100_000])
async def test_any_text_has_a_vector(asked: Asked, text: str) -> None:
    answer = await asked.post("/embed", inputs=text)
    assert len(answer["embeddings"][0]) == 512


async def test_when_too_much_waits_the_client_is_told_when_to_come_back(
    settings: EmbeddingSettings, tmp_path: Path
) -> None:
    async with asking(settings.model_copy(update={"waiting_tokens": 1}), tmp_path) as asked:
        asked.watched.gate.clear()
        texts = ("computed", "waits", "too much")
        posts = [asyncio.ensure_future(asked.client.post("/embed", json={"inputs": text})) for text in texts]
        (refused,), _ = await asyncio.wait(posts, return_when=asyncio.FIRST_COMPLETED)
        asked.watched.gate.set()
        answers = await asyncio.gather(*posts)
    answer = refused.result()
    assert sorted(one.status_code for one in answers) == [200, 200, 429]
    assert answer.json()["error"]["type"] == "overloaded"
    assert int(answer.headers["retry-after"]) >= 1


async def test_before_the_service_is_up_the_client_is_told_to_wait(settings: EmbeddingSettings) -> None:
    desk = Desk()
    async with open_house(Sources(routes=(lambda: routes(desk, settings),))) as house:
        answer = await house.client.post("/embed", json={"inputs": "a"})
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
    assert answer.json()["error"]["type"] == "not_ready"


async def test_what_a_client_that_left_has_asked_for_is_not_computed(asked: Asked) -> None:
    """It came while another text was being computed."""
    asked.watched.gate.clear()
    first = asyncio.ensure_future(asked.client.post("/embed", json={"inputs": "computed"}))
    await asyncio.to_thread(asked.watched.began.wait, 30)
    url = urlsplit(str(asked.client.base_url))
    _, writer = await asyncio.open_connection(url.hostname, url.port)
    body = b'{"inputs": "left"}'
    writer.write(b"POST /embed HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
    await writer.drain()
    await asked.client.get("/health")
    writer.close()
    await writer.wait_closed()
    for _ in range(3):  # the server has seen what happened before it answers these
        await asked.client.get("/health")
    asked.watched.gate.set()
    assert (await first).status_code == 200
    assert (await asked.post("/embed", inputs="after"))["tokens"]
    assert asked.watched.computed == 2


async def test_a_service_in_another_process_is_asked_over_the_bus(settings: EmbeddingSettings) -> None:
    """Its refusals are the same."""
    async with running(EmbeddingService(settings, Folder(), lambda _, __: Watched())) as bench:
        await bench.next(ModelLoaded)
        counter = OverBus(bench.bus, bench.event)
        async with open_house(Sources(routes=(lambda: routes(counter, settings),))) as house:
            asked = Asked(house.client, Watched())
            assert len((await asked.post("/embed", inputs=[CAT]))["embeddings"][0]) == 512
            assert (await house.client.get("/info")).json()["engine"] == "lexical"
            for name in ("nobody", "/etc", "x" * 300, "~nosuchuser/x"):
                error = await asked.refused("/embed", json.dumps({"inputs": "a", "model": name}), 422)
                assert (error["type"], error["field"]) == ("no_model", "model")


@pytest.mark.parametrize("error", [ModelUnusable, EngineMissing])
async def test_a_model_that_cannot_be_used_is_the_same_refusal_from_another_process(
    settings: EmbeddingSettings, tmp_path: Path, error: type[SottoError]
) -> None:
    def broken(_: Path, __: EmbeddingSettings) -> Encoder:
        raise error("It is broken.", remedy="Mend it.")

    desk, body = Desk(), json.dumps({"inputs": "a", "model": "mine"})
    (tmp_path / "mine").mkdir()
    async with running(EmbeddingService(settings, Folder(tmp_path / "mine"), broken, desk)) as bench:
        await bench.next(ModelLoaded)
        counters = (desk, OverBus(bench.bus, bench.event))
        for counter in counters:
            async with open_house(Sources(routes=(lambda at=counter: routes(at, settings),))) as house:
                said = await Asked(house.client, Watched()).refused("/embed", body, 503)
                assert said == {"type": "model_unusable", "field": "model", "message": "It is broken. Mend it."}
