"""Telemetry: what libraries would report about their users is switched off."""

from __future__ import annotations

import os
from collections.abc import MutableMapping

__all__ = ["silence_telemetry"]

_NO_TELEMETRY = {
    "DO_NOT_TRACK": "1",  # the convention of consoledonottrack.com
    "HF_HUB_DISABLE_TELEMETRY": "1",  # huggingface_hub: the user agent's statistics
    "ANONYMIZED_TELEMETRY": "False",  # ChromaDB: posthog
    "STREAMLIT_BROWSER_GATHER_USAGE_STATS": "false",
}


def silence_telemetry(environ: MutableMapping[str, str] = os.environ) -> None:
    """Switch off what libraries would report about their users. Call it before they are imported."""
    environ.update(_NO_TELEMETRY)
