"""Settings of the bus across processes."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field, SecretStr

__all__ = ["LinkSettings"]


class LinkSettings(BaseModel):
    """Where processes meet; without a URL everything runs in one."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    url: SecretStr | None = None
    """redis://[USER:PASSWORD@]HOST:6379, rediss:// with TLS, or unix:///PATH; it is shown to nobody."""
    name: str = Field("", pattern=r"^[\w.:-]*$")
    """This process among the others; empty: the host and what it runs. A worker that is started again keeps it."""
    prefix: str = Field("sotto", pattern=r"^[\w.:-]+$")
    """What all keys in Redis begin with: one for each household that shares a Redis."""
    elsewhere: tuple[str, ...] = ()
    """Services that other processes run, and this one does not."""
    alive_s: float = Field(3.0, gt=0)
    """A process that was silent for so long is taken for dead."""
    beat_s: float = Field(1.0, gt=0)
    """How often a process says that it lives."""
