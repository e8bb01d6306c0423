"""The metrics service: how long turns take and why, how the services fare, and what it all costs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.lazily import lazily

if TYPE_CHECKING:
    from services.metrics.measurements import Measurements
    from services.metrics.service import MetricsService
    from services.metrics.settings import MetricsSettings
else:
    __getattr__ = lazily(
        __name__, {".measurements": "Measurements", ".service": "MetricsService", ".settings": "MetricsSettings"}
    )

__all__ = ["Measurements", "MetricsService", "MetricsSettings"]
