"""xllamacpp as a peer of the benchmarks: llama-server in process, on one thread and this machine alone.

It stays out of the product: `pip install --target FOLDER xllamacpp`, and name the folder in PYTHONPATH.
"""

from __future__ import annotations

import importlib
import importlib.util
import json
import urllib.request
from pathlib import Path
from typing import Any

__all__ = ["features", "installed", "post", "server"]


def installed() -> bool:
    """Whether it can be imported."""
    return importlib.util.find_spec("xllamacpp") is not None


def features() -> str:
    """What it says of the instructions it was compiled for."""
    return str(importlib.import_module("xllamacpp").get_system_info())


def server(path: Path, *, streams: int = 1, template: str = "", flash_attention: bool = True) -> Any:
    """llama-server on that file, for so many answers beside each other; it ends when it is let go."""
    xllamacpp = importlib.import_module("xllamacpp")
    params = xllamacpp.CommonParams()
    params.model.path = str(path)
    params.n_parallel = streams
    params.n_ctx = 512 * streams
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = 1
    params.kv_unified = False
    params.verbosity = -1
    params.hostnames, params.port = ["127.0.0.1"], 0
    if not flash_attention:
        params.flash_attn_type = xllamacpp.llama_flash_attn_type.LLAMA_FLASH_ATTN_TYPE_DISABLED
    if template:
        params.use_jinja, params.chat_template = True, template
    return xllamacpp.Server(params)


def post(running: Any, path: str, body: dict[str, Any]) -> dict[str, Any]:
    """Ask it. Raises OSError when it refuses."""
    request = urllib.request.Request(
        running.listening_address + path, json.dumps(body).encode(), {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=60) as answer:
        found: dict[str, Any] = json.loads(answer.read())
    return found
