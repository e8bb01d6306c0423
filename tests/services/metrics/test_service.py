"""The metrics service: what it makes of a conversation, as events, as JSON and for Prometheus."""

from __future__ import annotations

import asyncio
import gc
import math
import shutil
import threading
import time
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator

import pytest
from prometheus_client.parser import text_string_to_metric_families

from bus import Bus
from services.metrics import Measurements, MetricsService, MetricsSettings
from services.metrics.latency import PARTS
from services.metrics.watcher import Watcher
from services.testing import Bench, running
from shared.events import (
    Latency,
    LlmResponse,
    MetricSample,
    ModelLoaded,
    ServiceCrashed,
    ServiceDegraded,
    ServiceReady,
    ServiceRestarted,
    SttFinal,
    ToolResult,
    TtsFinished,
    TurnFinished,
    Usage,
)
from tests.kit.terminal import ROOT

SETTINGS = MetricsSettings(sample_s=0.1)
PROMTOOL = shutil.which("promtool") or shutil.which(ROOT / ".cache" / "promtool")


@pytest.fixture
def found() -> Measurements:
    return Measurements(Bus(), SETTINGS)


@pytest.fixture
async def bench(found: Measurements) -> AsyncIterator[Bench]:
    async with running(MetricsService(SETTINGS, found), bus=found._bus) as opened:
        yield opened


def converse(bench: Bench) -> None:
    """One spoken turn that the language model answered."""
    usage = Usage(
        prompt_tokens=100, cached_tokens=60, completion_tokens=20, dropped_messages=0,
        queue_ns=0, prefill_ns=10**8, decode_ns=10**9,
    )  # fmt: skip
    bench.publish(ModelLoaded, role="llm", name="tiny", engine="llama-cpp", load_ns=1)
    bench.publish(
        SttFinal, utterance="u", text="hello", words=(), language="en", confidence=1.0, trusted=True, mode="grammar",
        engine="pocketsphinx", start_sample=0, until_sample=32_000, decode_ns=10**8, turn=1,
    )  # fmt: skip
    bench.publish(
        ToolResult, outcome="unmatched", name="", speech="", data={}, action="none", language="en", turn=1
    )  # fmt: skip
    bench.publish(
        LlmResponse, request="r", text="hi", finish="stop", tool_requests=(), usage=usage, model="tiny", turn=1
    )
    bench.publish(TtsFinished, reply="r", clause=0, samples=22_050, rate=22_050, engine="piper", synthesis_ns=10**8)
    latency = Latency(**dict.fromkeys(PARTS, 10**8), total=7 * 10**8)
    bench.publish(
        TurnFinished, reason="answered", asked="hello", answered="hi", heard="hi", by="llm", latency=latency, turn=1
    )  # fmt: skip


async def sampled(bench: Bench, name: str, least: float = 0.0) -> MetricSample:
    """The next sample of this name that is at least so much."""
    while True:
        sample = await bench.next(MetricSample, timeout=60)
        if sample.name == name and sample.value >= least:
            return sample


async def test_a_turn_is_measured_part_by_part(bench: Bench, found: Measurements) -> None:
    """Tokens per second, the cache's hits and the real-time factors are those of the engines' own reports."""
    converse(bench)
    assert (await sampled(bench, "turn.latency_seconds")).labels == {"part": "endpoint_wait", "percentile": "50"}
    stats = found.stats()
    latency, engines = stats["latency"], stats["engines"]
    assert latency["parts"]["total"]["p50"] == pytest.approx(0.7)  # type: ignore[index,call-overload]
    assert latency["parts"]["queue"]["p99"] == pytest.approx(0.1)  # type: ignore[index,call-overload]
    assert engines["llm"]["tokens_per_s"]["p50"] == pytest.approx(20)  # type: ignore[index,call-overload]
    assert (engines["llm"]["cached_tokens"], engines["llm"]["prompt_tokens"]) == (60, 100)  # type: ignore[index,call-overload]
    assert engines["tts"]["rtf"]["p50"] == pytest.approx(0.1)  # type: ignore[index,call-overload]
    assert engines["stt"]["rtf"]["p50"] == pytest.approx(0.05)  # type: ignore[index,call-overload]
    assert engines["loaded"]["llm"] == {"name": "tiny", "engine": "llama-cpp"}  # type: ignore[index,call-overload]


async def test_the_process_and_the_bus_are_read_every_while(bench: Bench, found: Measurements) -> None:
    """CPU by thread, memory, rates; every subscription's ledger adds up."""
    await sampled(bench, "process.memory_bytes", least=1e6)
    await sampled(bench, "bus.events_per_second", least=1e-3)
    stats = found.stats()
    for ledger in stats["subscriptions"]:  # type: ignore[union-attr]
        assert ledger["offered"] == sum(ledger[name] for name in ("delivered", "dropped", "stale", "queued"))  # type: ignore[index,call-overload,misc]
        assert ledger["lag_s"] >= 0  # type: ignore[index,call-overload,operator]
    assert isinstance(stats["gpus"], list)
    assert "metrics" in {ledger["name"] for ledger in stats["subscriptions"]}  # type: ignore[union-attr,index,call-overload]
    assert stats["process"]["rss"] > 1e6  # type: ignore[index,call-overload,operator]
    assert "MainThread" in stats["process"]["threads"]  # type: ignore[index,call-overload,operator]


async def test_what_becomes_of_services_is_counted(bench: Bench, found: Measurements) -> None:
    bench.publish(ServiceReady, service="tts")
    bench.publish(ServiceCrashed, service="tts", error="x", handling=None)
    bench.publish(ServiceRestarted, service="tts", restarts=3, delay_ns=0)
    bench.publish(ServiceDegraded, service="tts", reason="no voice")
    await sampled(bench, "loop.stalls")
    await sampled(bench, "loop.stalls")
    assert found.stats()["services"]["tts"] == {"state": "degraded", "restarts": 3}  # type: ignore[index,call-overload]
    assert found.counts.services.by_name["tts"].crashes == 1


@pytest.mark.may_block("that is what is to be noticed")
async def test_a_stall_is_noticed_with_the_stack_that_caused_it(bench: Bench, found: Measurements) -> None:
    """Whoever blocks the event loop is named."""

    def guilty() -> None:
        time.sleep(0.5)

    while not any("in guilty" in stall.stack for stall in found.watcher.stalls):
        guilty()
        await sampled(bench, "loop.stalls")
    stall = next(stall for stall in found.watcher.stalls if "in guilty" in stall.stack)
    assert stall.seconds >= 0.05
    assert "test_service.py" in stall.stack
    assert found.watcher.stall_count >= 1


@pytest.mark.may_block("that is what is to be noticed")
async def test_a_stall_for_garbage_is_told_as_such() -> None:
    """The stack would name whoever happened to make the last object."""
    rubbish: list[list[object]] = [[] for _ in range(400_000)]
    watcher = Watcher(stall_s=0.01, sample_s=60)
    watcher.start()
    try:
        while not any("garbage was collected" in stall.stack for stall in watcher.stalls):
            await asyncio.sleep(0)
            gc.collect()
    finally:
        watcher.stop()
    assert watcher.collected_s > 0
    assert rubbish


async def test_the_watcher_ends_with_the_service_and_begins_again(found: Measurements) -> None:
    """No thread is left behind."""
    for _ in range(2):
        before = set(threading.enumerate())
        async with running(MetricsService(SETTINGS, found), bus=found._bus) as bench:
            await sampled(bench, "process.cpu_ratio")
            (watcher,) = [t for t in threading.enumerate() if t.name == "sotto-watcher" and t not in before]
        await asyncio.to_thread(watcher.join, 60)
        assert not watcher.is_alive()


async def test_prometheus_reads_every_figure(bench: Bench, found: Measurements) -> None:
    """Each family once with its help, counters named as counters, histograms that are whole."""
    converse(bench)
    await sampled(bench, "turn.latency_seconds")
    families = {family.name: family for family in text_string_to_metric_families(found.exposition().decode())}
    assert all(family.documentation for family in families.values())
    parts = [s for s in families["sotto_turn_part_seconds"].samples if s.name.endswith("_count")]
    assert {sample.labels["part"]: sample.value for sample in parts} == dict.fromkeys(PARTS, 1.0)
    buckets = [s for s in families["sotto_turn_latency_seconds"].samples if s.name.endswith("_bucket")]
    assert {float(s.labels["le"]) for s in buckets if s.value == 1} == {1.0, 2.5, 5.0, 10.0, math.inf}
    (tokens,) = [
        s.value for s in families["gen_ai_client_token_usage_tokens"].samples
        if s.labels["gen_ai_token_type"] == "input_cached"
    ]  # fmt: skip
    assert tokens == 60
    sent = families["messaging_client_sent_messages"].samples
    assert any(sample.labels == {"messaging_destination_name": "turn.finished"} for sample in sent)


@pytest.mark.skipif(PROMTOOL is None, reason="needs promtool, which scripts/test fetches where there is apt-get")
async def test_prometheus_own_checker_finds_nothing(bench: Bench, found: Measurements) -> None:
    """Neither a fault nor a name that it would not recommend."""
    converse(bench)
    await sampled(bench, "turn.latency_seconds")
    assert PROMTOOL is not None
    checker = await asyncio.create_subprocess_exec(PROMTOOL, "check", "metrics", stdin=PIPE, stdout=PIPE, stderr=PIPE)
    told = await checker.communicate(found.exposition())
    assert (checker.returncode, *told) == (0, b"", b"")


async def test_traces_that_cannot_be_sent_degrade_it_in_words(found: Measurements) -> None:
    """The rest is measured all the same."""
    settings = SETTINGS.model_copy(update={"otlp": "localhost"})
    async with running(MetricsService(settings, found), bus=found._bus, wait_ready=False) as bench:
        assert "http://localhost:4318" in (await bench.next(ServiceDegraded)).reason
        await sampled(bench, "process.cpu_ratio")
