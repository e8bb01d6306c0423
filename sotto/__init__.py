"""The public Python face of Sotto."""

from __future__ import annotations

from importlib.metadata import version

from sotto.embedding import embed, embedder, similarity

__all__ = ["__version__", "embed", "embedder", "similarity"]

__version__ = version("sotto")
