"""What every test shares: nothing may block the event loop, nothing of the person's own is touched, and `--long` makes
the random walks ten times longer.

A test that must block the loop (it shuts a device down by hand, say) is marked `@pytest.mark.may_block("why")`.
"""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
from collections.abc import Iterator

import pytest
from blockbuster import BlockBuster
from hypothesis import HealthCheck, settings

import bus
import services
import shared
import sotto
import ui

# How long an example takes says more about the machine's other work than about ours.
settings.register_profile("sotto", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("sotto")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--long", action="store_true", help="walk 1,000,000 random steps where 100,000 are the rule")
    parser.addoption("--write-goldens", action="store_true", help="write the golden files of events that have none")


def pytest_configure(config: pytest.Config) -> None:
    # looptime asks for the current loop before every test; without this Python 3.11 makes one that nobody closes.
    asyncio.set_event_loop(None)
    config.addinivalue_line("markers", "may_block(why): the test blocks the event loop on purpose")
    config.addinivalue_line("markers", "only_long(why): the test is run with --long alone")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what only `--long` asks for."""
    if not config.getoption("--long"):
        short = [item for item in items if item.get_closest_marker("only_long") is None]
        config.hook.pytest_deselected(items=[item for item in items if item not in short])
        items[:] = short


def pytest_unconfigure() -> None:
    """Close what llama_cpp leaves to the interpreter, which would warn of it after pytest's closing line."""
    library = sys.modules.get("llama_cpp._utils")
    for name in ("outnull_file", "errnull_file") if library is not None else ():
        getattr(library, name).close()


@pytest.fixture(scope="session", autouse=True)
def private_folders() -> Iterator[None]:
    """Default settings lead into a folder that is gone afterwards; its path is short, for it holds a socket's."""
    with (
        tempfile.TemporaryDirectory(prefix="sotto-", ignore_cleanup_errors=True) as folder,
        pytest.MonkeyPatch.context() as patch,
    ):
        for name in [name for name in os.environ if name.startswith("SOTTO_")]:
            patch.delenv(name)
        for what in ("CACHE", "CONFIG", "DATA", "STATE"):
            patch.setenv(f"XDG_{what}_HOME", f"{folder}/{what.lower()}")
        patch.setenv("XDG_RUNTIME_DIR", folder)
        yield


@pytest.fixture(scope="session")
def steps(request: pytest.FixtureRequest) -> int:
    """How many random steps a model test walks."""
    return 1_000_000 if request.config.getoption("--long") else 100_000


@pytest.fixture(scope="session")
def _watch() -> BlockBuster:
    # Only stacks that hold our code are judged: libraries and test bodies may read files as they like.
    watch = BlockBuster([bus, services, shared, sotto, ui])
    watch.functions["os.read"].can_block_in("ui/cli/keyboard.py", {"_chunks"})  # reads what the loop says is there
    for function in watch.functions.values():
        function.can_block_in("structlog/_base.py", {"_proxy_to_logger"})  # a traceback's lines are read from disk
    return watch


@pytest.fixture(autouse=True)
def no_blocking_on_the_loop(request: pytest.FixtureRequest, _watch: BlockBuster) -> Iterator[None]:
    """Raise blockbuster.BlockingError where our code sleeps, reads a file or takes a held lock on the event loop."""
    if request.node.get_closest_marker("may_block"):
        yield
        return
    _watch.activate()
    try:
        yield
    finally:
        _watch.deactivate()
