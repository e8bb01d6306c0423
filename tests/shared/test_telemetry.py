"""Telemetry is switched off before the libraries are there."""

from __future__ import annotations

from shared.telemetry import silence_telemetry


def test_telemetry_is_switched_off_whatever_was_set():
    """Each library by its own switch."""
    environ = {"HF_HUB_DISABLE_TELEMETRY": "0"}
    silence_telemetry(environ)
    assert environ["HF_HUB_DISABLE_TELEMETRY"] == "1"
    assert environ["ANONYMIZED_TELEMETRY"] == "False"
    assert environ["STREAMLIT_BROWSER_GATHER_USAGE_STATS"] == "false"
