"""The routes: `/embed`, `/similarity`, `/rerank`, `/info` and OpenAI's `/v1/embeddings`.

Statuses: 400 no JSON, 405 another method, 413 too much in one request, 422 a field is wrong, 429 too much waits
already (Retry-After says for how long), 503 the service is not up. An error is an object `error` of `type`, `field` and
`message`. What a client that left has asked for is not computed.

A client may name a model that is installed, or the one that the settings name, as they do; any other path gets the
answer of a name that no model has, and nothing is looked at.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TYPE_CHECKING

import orjson

from services.embedding.desk import Counter, NotReady
from services.embedding.embedder import Embedded
from services.embedding.models import is_path, no_model
from services.embedding.port import (
    EngineMissing,
    ModelUnusable,
    NoEmbeddingModel,
    Overloaded,
    Purpose,
    TextsUnusable,
)
from services.embedding.ranking import Asked
from services.embedding.settings import EmbeddingSettings
from services.embedding.vectors import computing, cosine, from_bytes, in_base64, shortened, written
from services.embedding.web.asgi import ClientLeft, Receive, Refusal, Scope, Send, answer, body, unless_left
from services.embedding.web.asked import (
    MOST_TEXTS,
    Embed,
    read_embed,
    read_openai,
    read_rerank,
    read_similarity,
)
from services.embedding.web.given import Given
from shared.errors import SottoError
from shared.logs import get_logger

if TYPE_CHECKING:
    from shared.pcm import Floats

__all__ = ["Route", "routes"]

Handler = Callable[[bytes, Receive], Awaitable[bytes]]

_KEPT = 4 << 20
"""Bytes of answers that are kept to be given again."""

_log = get_logger("embedding")


def routes(counter: Counter, settings: EmbeddingSettings) -> Mapping[str, Route]:
    """Return what answers at each path."""
    answers, given = _Answers(counter, settings), Given(counter, _KEPT)
    posts = {
        "/embed": answers.embed,
        "/similarity": answers.similarity,
        "/rerank": answers.rerank,
        "/v1/embeddings": answers.openai,
    }
    return {
        **{path: _post(path, handler, given, settings.request_bytes) for path, handler in posts.items()},
        "/info": Route("GET", lambda _: answers.info(), lambda _: None),
    }


class Route:
    """A path, at the outermost edge: what goes wrong behind it becomes an answer."""

    def __init__(
        self, method: str, reply: Callable[[Receive], Awaitable[bytes]], known: Callable[[bytes], bytes | None]
    ) -> None:
        self._method = method
        self._reply = reply
        self.known = known
        """Returns the answer to a body that was answered before, if it is at hand."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            _check_method(scope, self._method)
            raw = await self._reply(receive)
        except ClientLeft:
            return
        except SottoError as error:
            await _refusal(error).answer(send)
        except Exception as error:  # noqa: BLE001 (the outermost edge of a listener)
            _log.error("a request broke", path=scope["path"], exc_info=error)
            await Refusal(500, "internal", "The server made a mistake.", remedy="The log has it.").answer(send)
        else:
            await answer(send, raw)


def _post(path: str, handler: Handler, given: Given, most: int) -> Route:
    async def reply(receive: Receive) -> bytes:
        raw = await body(receive, most)
        key, answer = given.get(path, raw)
        if answer is None:
            answer = await handler(raw, receive)
            given.put(key, answer)
        return answer

    def known(raw: bytes) -> bytes | None:
        with contextlib.suppress(NotReady):
            return given.get(path, raw)[1]
        return None

    return Route("POST", reply, known)


def _check_method(scope: Scope, method: str) -> None:
    if scope["method"] != method:
        raise Refusal(405, "method_not_allowed", f"Ask with {method}.", header=(b"allow", method.encode()))


def _refusal(error: SottoError) -> Refusal:
    match error:
        case Refusal():
            return error
        case TextsUnusable():
            return Refusal(422, "invalid", error.message, field="dimensions", remedy=error.remedy)
        case NoEmbeddingModel():
            return Refusal(422, "no_model", error.message, field="model", remedy=error.remedy)
        case Overloaded():
            retry = b"%d" % math.ceil(error.retry_ms / 1000)
            return Refusal(429, "overloaded", error.message, remedy=error.remedy, header=(b"retry-after", retry))
        case NotReady():
            return Refusal(503, "not_ready", error.message, remedy=error.remedy, header=(b"retry-after", b"1"))
        case ModelUnusable() | EngineMissing():
            return Refusal(503, "model_unusable", error.message, field="model", remedy=error.remedy)
        case _:
            return Refusal(500, "internal", error.message, remedy=error.remedy)


class _Answers:
    """The answer to each kind of request."""

    def __init__(self, counter: Counter, settings: EmbeddingSettings) -> None:
        self._counter = counter
        self._settings = settings

    async def embed(self, raw: bytes, receive: Receive) -> bytes:
        asked = read_embed(raw)
        done = await self._vectors(asked.texts, asked.purpose, asked.model, receive)
        said = {"model": done.info.model, "engine": done.info.engine, "tokens": done.tokens}
        return orjson.dumps(
            {**said, "truncated": done.truncated, "embeddings": await _forms(done, asked)},
            option=orjson.OPT_SERIALIZE_NUMPY,
        )

    async def openai(self, raw: bytes, receive: Receive) -> bytes:
        asked = read_openai(raw)
        done = await self._vectors(asked.texts, "", asked.model, receive)
        rows = [
            {"object": "embedding", "index": n, "embedding": row} for n, row in enumerate(await _forms(done, asked))
        ]
        usage = {"prompt_tokens": done.tokens, "total_tokens": done.tokens}
        return orjson.dumps(
            {"object": "list", "data": rows, "model": done.info.model, "usage": usage},
            option=orjson.OPT_SERIALIZE_NUMPY,
        )

    async def similarity(self, raw: bytes, receive: Receive) -> bytes:
        asked = read_similarity(raw)
        one = await self._vectors(asked.texts, "", asked.model, receive)
        other = await self._vectors(asked.others, "", asked.model, receive)
        await computing()
        scores = cosine(_rows(one), _rows(other))
        return orjson.dumps({"model": one.info.model, "scores": scores}, option=orjson.OPT_SERIALIZE_NUMPY)

    async def rerank(self, raw: bytes, receive: Receive) -> bytes:
        asked = read_rerank(raw)
        _check_name(asked.model, self._settings.rerank, self._settings.model)
        work = self._counter.rerank(Asked(asked.query, asked.texts, asked.model))
        found = await unless_left(receive, work)
        order = sorted(range(len(found.scores)), key=lambda place: -found.scores[place])[: asked.best]
        results = [{"index": place, "score": found.scores[place]} for place in order]
        return orjson.dumps({"model": found.model, "method": found.method, "results": results})

    async def info(self) -> bytes:
        info = await self._counter.info()
        return orjson.dumps(
            {**info._asdict(), "request_bytes": self._settings.request_bytes, "request_texts": MOST_TEXTS}
        )

    async def _vectors(self, texts: Sequence[str], purpose: Purpose, model: str, receive: Receive) -> Embedded:
        _check_name(model, self._settings.model)
        known = self._counter.remembered(texts, purpose, model)
        if known is not None:
            return known
        return await unless_left(receive, self._counter.embed(texts, purpose, model))


def _check_name(name: str, *own: str) -> None:
    """Raises NoEmbeddingModel for a path that is not the server's own."""
    if is_path(name) and name not in own:
        raise no_model(name)


def _rows(done: Embedded) -> Floats:
    return from_bytes(done.rows, done.info.dimensions)


async def _forms(done: Embedded, asked: Embed) -> Sequence[object]:
    """Each vector as it was asked for."""
    if asked.form != "base64" or asked.dimensions:
        await computing()
    short = shortened(done.rows, done.info.dimensions, asked.dimensions)
    dimensions, form = asked.dimensions or done.info.dimensions, asked.form
    if form == "base64":
        return in_base64(short, dimensions)
    rows = from_bytes(short, dimensions)
    return list(rows) if form == "float" else [written(row, form) for row in rows]
