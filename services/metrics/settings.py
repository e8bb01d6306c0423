"""What can be set about measuring: whether, how often, over how many turns, and to whom traces go."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

__all__ = ["MetricsSettings"]


class MetricsSettings(BaseModel):
    """Settings under `metrics`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    enabled: bool = True
    """Whether a conversation is measured. What is measured stays on this machine."""
    sample_s: float = Field(default=5.0, ge=0.1)
    """Seconds between readings of CPU, memory and rates."""
    window: int = Field(default=200, ge=1)
    """The last turns, over which the sliding percentiles are taken."""
    stall_ms: float = Field(default=50.0, ge=10)
    """The event loop stalls when it does not come round for this long."""
    otlp: str = ""
    """Where traces go, as http://localhost:4318/v1/traces (OTLP over HTTP); empty: nowhere."""
