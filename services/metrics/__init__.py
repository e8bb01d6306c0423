"""The metrics service: how long turns take and why, how the services fare, and what it all costs."""

from __future__ import annotations

from services.metrics.measurements import Measurements
from services.metrics.service import MetricsService
from services.metrics.settings import MetricsSettings

__all__ = ["Measurements", "MetricsService", "MetricsSettings"]
