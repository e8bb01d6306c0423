"""The composition root: which services make which process. The only folder that names concrete services."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.lazily import lazily

if TYPE_CHECKING:
    from services.app.alone import calling, check_sound, devices, offloads, speech, transcriber, vocabulary
    from services.app.assistant import Assistant, CannotResume, Earlier, Purpose
    from services.app.direct import embedding, reranker
    from services.app.models import shelf
    from services.app.server import Server
    from services.app.shared import dead_letters, processes, retry_letter
    from services.app.single import Keeper, Writer
    from services.app.worker import Daemon, Worker
    from services.settings import Settings
    from services.supervisor import run_process
    from services.tts import Speech
else:
    __getattr__ = lazily(
        __name__,
        {
            ".alone": "calling check_sound devices offloads speech transcriber vocabulary",
            ".assistant": "Assistant CannotResume Earlier Purpose",
            ".models": "shelf",
            ".server": "Server",
            ".shared": "dead_letters processes retry_letter",
            ".single": "Keeper Writer",
            ".direct": "embedding reranker",
            ".worker": "Daemon Worker",
            "services.settings": "Settings",
            "services.supervisor": "run_process",
            "services.tts": "Speech",
        },
    )

__all__ = [
    "Assistant",
    "CannotResume",
    "Daemon",
    "Earlier",
    "Keeper",
    "Purpose",
    "Server",
    "Settings",
    "Speech",
    "Worker",
    "Writer",
    "calling",
    "check_sound",
    "dead_letters",
    "devices",
    "embedding",
    "offloads",
    "processes",
    "reranker",
    "retry_letter",
    "run_process",
    "shelf",
    "speech",
    "transcriber",
    "vocabulary",
]
