"""The supervisor: starts the services, runs them again when they crash, and ends them in time. It speaks OTP."""

from __future__ import annotations

from services.supervisor.backoff import Backoff
from services.supervisor.branch import branch
from services.supervisor.child import Child, Restart
from services.supervisor.process import run_process
from services.supervisor.supervisor import Strategy, Supervisor

__all__ = ["Backoff", "Child", "Restart", "Strategy", "Supervisor", "branch", "run_process"]
