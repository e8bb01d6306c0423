"""Embedding over HTTP: raw ASGI, so that an answer from the cache costs little more than its bytes."""

from __future__ import annotations

from services.embedding.web.routes import Route, routes

__all__ = ["Route", "routes"]
