"""The gateway as a service: how it opens, what keeps it from it, and how it ends."""

from __future__ import annotations

import asyncio
import io
import logging
import socket
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from structlog import get_logger, reset_defaults

from bus import Bus
from services.gateway import GatewayService, GatewaySettings, Sources
from services.supervisor import Child, Supervisor
from services.testing import running
from shared.clock import SystemClock
from shared.events import (
    GatewayOpened,
    ServiceCrashed,
    ServiceDegraded,
    ServiceFailed,
    ServiceReady,
    ServiceRestarted,
    ServiceStarting,
    TextEntered,
)
from shared.ids import id_source
from shared.logs import configure
from tests.services.gateway.conftest import House, open_house


@pytest.fixture
async def taken() -> AsyncIterator[int]:
    """A port that somebody else listens on."""
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        yield other.getsockname()[1]


async def test_a_port_that_is_taken_degrades_it_in_words(taken: int) -> None:
    """What it is, what it means, and the way on; everything else goes on."""
    async with running(GatewayService(GatewaySettings(port=taken)), wait_ready=False) as bench:
        reason = (await bench.next(ServiceDegraded)).reason
        assert f"Port {taken} is taken" in reason
        assert "gateway.port=" in reason
        assert "gateway.enabled=false" in reason


async def test_an_address_that_is_not_ours_degrades_it_in_words() -> None:
    settings = GatewaySettings(host="203.0.113.7", port=0, key="k")
    async with running(GatewayService(settings), wait_ready=False) as bench:
        assert "gateway.host" in (await bench.next(ServiceDegraded)).reason


async def test_missing_packages_degrade_it_in_words(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the one command that brings them."""
    for name in [name for name in sys.modules if name.startswith(("services.gateway.web", "services.gateway.server"))]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "fastapi", None)
    async with running(GatewayService(GatewaySettings(port=0)), wait_ready=False) as bench:
        reason = (await bench.next(ServiceDegraded)).reason
    assert "fastapi" in reason
    assert "scripts/setup server" in reason


async def test_it_says_where_it_is(house: House) -> None:
    """To whoever asks the bus, early or late."""
    (opened,) = house.bench.bus.replay(None, GatewayOpened)
    assert isinstance(opened, GatewayOpened)
    assert opened.url == house.url
    assert (await house.client.get("/health")).json() == {"status": "ok"}


async def test_ready_tells_of_each_service(house: House) -> None:
    """State, reason and restarts; 503 unless all are up."""
    for service in ("tts", "stt", "llm"):
        house.bench.publish(ServiceStarting, service=service)
    house.bench.publish(ServiceReady, service="tts")
    house.bench.publish(ServiceDegraded, service="llm", reason="no model")
    house.bench.publish(ServiceCrashed, service="stt", error="ValueError", handling=None)
    house.bench.publish(ServiceRestarted, service="stt", restarts=2, delay_ns=0)
    house.bench.publish(ServiceStarting, service="stt")
    await asyncio.sleep(0)
    told = await house.client.get("/ready")
    answer = told.json()
    assert (told.status_code, answer["ready"], answer["session"]) == (503, False, "test")
    assert answer["services"]["tts"] == {"state": "ready", "reason": "", "restarts": 0}
    assert answer["services"]["llm"] == {"state": "degraded", "reason": "no model", "restarts": 0}
    assert answer["services"]["stt"] == {"state": "starting", "reason": "ValueError", "restarts": 2}
    house.bench.publish(ServiceReady, service="stt")
    told = await house.client.get("/ready")
    assert (told.status_code, told.json()["ready"]) == (200, True)
    house.bench.publish(ServiceFailed, service="stt", error="hopeless", restarts=2)
    answer = (await house.client.get("/ready")).json()
    assert (answer["ready"], answer["services"]["stt"]["state"]) == (False, "failed")


async def test_it_ends_within_the_supervisors_deadline_and_leaves_nothing() -> None:
    """With watchers connected, one of which never reads; the port is free for the next one."""
    bus, clock, ids = Bus(), SystemClock(), id_source("x-")
    with bus.subscribe(GatewayOpened, name="test") as opened:
        child = Child(GatewayService, lambda: GatewayService(GatewaySettings(port=0)))
        supervisor = Supervisor(bus, clock, ids, "test", [child], stop_within=60)
        before = asyncio.all_tasks()
        async with supervisor:
            port = int((await anext(opened)).url.rpartition(":")[2])
            clients = [await asyncio.open_connection("127.0.0.1", port) for _ in range(3)]
            for _, writer in clients:
                writer.write(HANDSHAKE)
            for reader, _ in clients:
                assert b"101" in await reader.readline()
    for _, writer in clients:
        writer.close()
    assert supervisor.hung == {}
    assert asyncio.all_tasks() - before == set()
    with socket.socket() as again:
        again.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        again.bind(("127.0.0.1", port))


HANDSHAKE = (
    b"GET /v1/events HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)


async def test_what_nobody_here_keeps_is_told(house: House) -> None:
    for path, words in (("/metrics", "metrics.enabled"), ("/v1/models", "models"), ("/v1/nothing", "Not Found")):
        answer = await house.client.get(path)
        assert answer.status_code == 404
        assert words in answer.json()["error"]["message"]


async def test_models_and_figures_come_from_whoever_keeps_them() -> None:
    line = {"name": "tiny", "role": "llm", "size": 7, "state": "installed"}
    sources = Sources(models=lambda: [line], stats=lambda: {"rates": {}}, exposition=lambda: b"x 1\n")
    async with open_house(sources) as house:
        assert (await house.client.get("/v1/models")).json() == [line]
        assert (await house.client.get("/v1/stats")).json() == {"rates": {}, "clients": []}
        assert (await house.client.get("/metrics")).text == "x 1\n"


async def test_each_watcher_has_an_account(house: House) -> None:
    async with house.watch("kind=text.entered") as watcher:
        await watcher.hello()
        house.bench.publish(TextEntered, text="x", speak=False)
        await watcher.event()
        (account,) = (await house.client.get("/v1/stats")).json()["clients"]
    assert account["offered"] == account["delivered"] == 1


async def test_the_schema_describes_every_kind(house: House) -> None:
    """As JSON Schema, and as AsyncAPI with a message for each."""
    documents = (await house.client.get("/v1/events/schema")).json()
    entered = documents["json_schema"]["text.entered"]
    assert entered["required"][:2] == ["kind", "version"]
    assert entered["properties"]["kind"] == {"const": "text.entered"}
    assert "pcm" not in documents["json_schema"]["audio.captured"]["properties"]
    messages = documents["asyncapi"]["components"]["messages"]
    assert messages.keys() == documents["json_schema"].keys()
    assert messages["text.entered"]["summary"] == "A person typed instead of speaking."
    alone = (await house.client.get("/v1/events/schema?form=asyncapi")).json()
    assert alone == documents["asyncapi"]


def test_a_web_framework_is_loaded_when_the_gateway_runs_and_not_before() -> None:
    """It takes longer than everything else a conversation needs."""
    imports = "import sys, services.app.assistant, services.gateway.service"
    code = f"{imports}; print(*{{'fastapi', 'uvicorn', 'starlette'}} & set(sys.modules))"
    root = Path(__file__).parents[3]
    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


async def test_the_last_log_lines_are_told_service_by_service(house: House) -> None:
    """By the logger's name, and by the service that a line speaks of."""
    configure("error", stream=io.StringIO())
    try:
        get_logger("tts").info("spoke", clause=1)
        get_logger("supervisor").error("service crashed", service="tts")
        get_logger("stt").info("heard")
        told = (await house.client.get("/v1/logs?service=tts")).json()
        assert [line["event"] for line in told] == ["spoke", "service crashed"]
        assert "heard" in [line["event"] for line in (await house.client.get("/v1/logs")).json()]
    finally:
        for handler in [h for h in logging.getLogger().handlers if type(h).__module__ == "shared.logs"]:
            logging.getLogger().removeHandler(handler)
        logging.captureWarnings(False)
        reset_defaults()
