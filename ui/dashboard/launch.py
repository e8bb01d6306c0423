"""The dashboard's process: Streamlit's own server as a child, on loopback, silent and without telemetry."""

from __future__ import annotations

import importlib.util
import os
import socket
import sys
from collections.abc import Mapping
from pathlib import Path

from shared.errors import SottoError

__all__ = ["KEY", "URL", "DashboardMissing", "PortTaken", "command", "environment", "require"]

URL = "SOTTO_DASHBOARD_URL"
"""The variable that tells the child the gateway's address."""
KEY = "SOTTO_DASHBOARD_KEY"
"""The variable that tells the child the gateway's key."""


class DashboardMissing(SottoError):
    """The dashboard's libraries are not installed."""


class PortTaken(SottoError):
    """Somebody listens at the dashboard's port already."""


def require(host: str, port: int) -> None:
    """Raise DashboardMissing or PortTaken where a start would fail."""
    if any(importlib.util.find_spec(name) is None for name in ("streamlit", "altair", "websockets")):
        raise DashboardMissing("The dashboard is not installed.", remedy="Run `scripts/setup dashboard`.")
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise PortTaken(
                f"The dashboard cannot listen at {host}:{port}: {error.strerror}.",
                remedy="Is one running already? Else choose another port: `sotto dashboard --port 8323`.",
            ) from error


def command(host: str, port: int) -> list[str]:
    """Return the command line of the child."""
    script = Path(__file__).with_name("app.py")
    options = {
        "server.address": host,
        "server.port": str(port),
        "server.headless": "true",
        "browser.gatherUsageStats": "false",
    }
    return [
        sys.executable,
        "-m",
        "streamlit",
        "run",
        str(script),
        *(f"--{key}={value}" for key, value in options.items()),
    ]


def environment(url: str, key: str, environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Return the environment of the child: it imports what we import."""
    root = str(Path(__file__).resolve().parents[2])
    path = os.pathsep.join(part for part in (root, environ.get("PYTHONPATH", "")) if part)
    return {**environ, URL: url, KEY: key, "PYTHONPATH": path}
