"""The composition root: which services make which process. The only folder that names concrete services."""

from __future__ import annotations

from services.app.alone import calling, devices, embedding, offloads, reranker, shelf, speech, transcriber, vocabulary
from services.app.assistant import Assistant, CannotResume, Earlier, Purpose
from services.app.shared import dead_letters, processes, retry_letter
from services.app.single import Keeper, Writer
from services.app.worker import Daemon, Server, Worker
from services.audio.opening import check as check_sound
from services.settings import Settings
from services.supervisor import run_process
from services.tts import Speech

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
