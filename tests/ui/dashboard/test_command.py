"""`sotto dashboard`: starts in a process of its own, ends with it, and says what is in its way."""

from __future__ import annotations

import http.client
import os
import signal
import socket
import subprocess
import time
from pathlib import Path

import pytest

from tests.kit.browser import free_port
from tests.kit.terminal import ROOT, SOTTO, home_of
from ui.dashboard.launch import PortTaken, command, environment, require


def sotto(home: Path, *arguments: str) -> subprocess.Popen[str]:
    env = {**home_of(home), "COLUMNS": "200"}
    return subprocess.Popen(
        [*SOTTO, *arguments], cwd=ROOT, env=env, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )


def health(port: int) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", "/_stcore/health")
        return connection.getresponse().status
    except OSError:
        return 0
    finally:
        connection.close()


def test_it_serves_until_it_is_told_to_end(tmp_path):
    """It prints its address, and nothing of it is left when it was ended."""
    port = free_port()
    with sotto(tmp_path, "dashboard", "--url", "http://127.0.0.1:9", "--port", str(port)) as started:
        assert started.stdout is not None
        assert f"http://127.0.0.1:{port}" in started.stdout.readline()
        until = time.monotonic() + 60
        while health(port) != 200:
            assert started.poll() is None
            assert time.monotonic() < until
            time.sleep(0.1)
        started.send_signal(signal.SIGTERM)
        assert started.wait(60) == 0
    assert health(port) == 0


def test_a_port_that_is_taken(tmp_path):
    """It says which, and what to do."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(PortTaken, match=f"cannot listen at 127.0.0.1:{port}"):
            require("127.0.0.1", port)
        with sotto(tmp_path, "dashboard", "--port", str(port)) as started:
            _, errors = started.communicate(timeout=60)
    assert started.returncode == 1
    assert "sotto dashboard --port" in errors


def test_streamlit_is_silent_and_stays_here():
    """No telemetry, no browser opened, on loopback; the key is not in the list of processes."""
    line = command("127.0.0.1", 8322)
    assert "--browser.gatherUsageStats=false" in line
    assert "--server.headless=true" in line
    assert "--server.address=127.0.0.1" in line
    env = environment("http://127.0.0.1:8321", "secret", {"PATH": os.defpath})
    assert "secret" not in " ".join(line)
    assert env["SOTTO_DASHBOARD_KEY"] == "secret"
