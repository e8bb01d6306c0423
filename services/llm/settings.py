"""What can be set about the language model."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

__all__ = ["LlmSettings"]


class LlmSettings(BaseModel):
    """Settings under `llm`. The defaults suit a conversation on an ordinary machine."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    model: str = ""
    """Name of an installed model, or the path of a GGUF file; empty for the best one installed."""
    builtin: bool = True
    """Whether a small model of our own (`services/llm/builtin/CARD.md`) talks while no other can, in English."""
    language: str = "en"
    """The conversation's language, ISO 639-1."""
    context_tokens: int = Field(default=8192, ge=256)
    """Tokens of conversation the model can see at once; never more than it was trained for."""
    threads: int = Field(default=0, ge=0)
    """Threads that compute; 0 for one per physical core but one, which sound and recognition keep."""
    gpu_layers: int = -1
    """Layers computed on the GPU; -1 for all where there is one, 0 for none."""
    flash_attention: Literal["auto", "on", "off"] = "auto"
    """Whether attention is computed in one pass over the context, which is faster and rounds otherwise."""
    prefill_chunk: int = Field(default=256, ge=1)
    """Prompt tokens evaluated in one step. A cancelled prompt stops between steps even where it cannot within one."""
    top_k: int = Field(default=40, ge=0)
    """Only the k likeliest tokens are drawn from; 0 for all."""
    top_p: float = Field(default=0.95, gt=0, le=1)
    """Only the likeliest tokens that together reach this probability are drawn from."""
    thinking: bool = False
    """Whether models that can reason at length before they answer may do so. It is never spoken."""
    sequences: int = Field(default=0, ge=0, le=64)
    """Answers computed beside each other, each with `context_tokens` of its own; 0 for up to four, as memory allows."""
    memory_mb: int = Field(default=0, ge=0)
    """Memory for the models that requests name, beside the one in use; 0 for most of what is free."""
    idle_minutes: float = Field(default=10, ge=0)
    """Minutes after which such a model is let go when nobody asks it; 0 keeps it."""
    waiting: int = Field(default=32, ge=1)
    """Requests under way or waiting for their turn; more are refused."""
    prefix_cache_mb: int = Field(default=256, ge=0)
    """Memory for the evaluated beginnings of prompts that gave up their place; 0 for none."""
    prefix_disk_mb: int = Field(default=512, ge=0)
    """Disk for those that hold nothing said in a conversation, found again by the next process; 0 for none."""
    cache_mb: int = Field(default=64, ge=0)
    """Disk for strict answers that are remembered; 0 remembers none."""
    cache_days: float = Field(default=30, gt=0)
    """Days that such an answer is kept."""
    cache_folder: Path | None = None
    """Where they are kept. By default `sotto/answers` in the folder for what can be made again."""

    @property
    def cache_file(self) -> Path:
        """The file that holds the answers."""
        return self._folder("answers") / "answers.sqlite3"

    @property
    def states_folder(self) -> Path:
        """The folder of evaluated beginnings of prompts."""
        return self._folder("prompts")

    def _folder(self, name: str) -> Path:
        if self.cache_folder is not None:
            return self.cache_folder.expanduser() if name == "answers" else self.cache_folder.expanduser() / name
        from platformdirs import user_cache_path

        return user_cache_path("sotto") / name
