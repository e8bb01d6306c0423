"""`sotto serve`: vectors over HTTP from a process of its own."""

from __future__ import annotations

import base64
import json
import signal
import subprocess
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.kit.terminal import ROOT, SOTTO, home_of

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]


@pytest.fixture
def server(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """One without models."""
    environment = {**home_of(tmp_path), "SOTTO_EMBEDDING__CACHE_FILE": str(tmp_path / "cache.sqlite")}
    command = [*SOTTO, "serve", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment, cwd=ROOT) as process:
        yield process
        process.kill()


def _url(server: subprocess.Popen[str]) -> str:
    assert server.stdout is not None
    said = []
    for line in server.stdout:
        said.append(line.strip())
        if any(one.startswith("http://") for one in said) and "embedding: ready" in said:
            assert said.index("embedding: ready") > said.index("embedding: lexical, by lexical")
            return next(one for one in said if one.startswith("http://"))
    raise AssertionError(f"it ended after {said}")


def test_it_says_where_it_is_answers_and_ends_when_it_is_told_to(server: subprocess.Popen[str]) -> None:
    url = _url(server)
    asked = json.dumps({"input": ["the cat", "a dog"], "model": "lexical", "encoding_format": "base64"}).encode()
    with urllib.request.urlopen(urllib.request.Request(f"{url}/v1/embeddings", asked), timeout=60) as reply:
        answer = json.load(reply)
    assert [len(base64.b64decode(row["embedding"])) for row in answer["data"]] == [2048, 2048]
    with urllib.request.urlopen(f"{url}/ready", timeout=60) as reply:
        assert json.load(reply)["services"]["embedding"]["state"] == "ready"
    server.send_signal(signal.SIGTERM)
    assert server.wait(timeout=60) == 0
