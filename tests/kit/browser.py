"""A dashboard in a process of its own, and a headless Chromium that looks at it."""

from __future__ import annotations

import contextlib
import http.client
import os
import re
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from playwright.sync_api import Browser, ConsoleMessage, Page, Request, expect, sync_playwright

from tests.kit.terminal import ROOT
from ui.dashboard.launch import command, environment

__all__ = ["PATIENCE_MS", "Window", "chromium", "dashboard", "free_port", "window"]

PATIENCE_MS = 60_000
"""Longest wait for anything to show, on a busy machine."""
_CHROMIUM = "/usr/bin/chromium"


def free_port() -> int:
    """A port that nobody listens at now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextlib.contextmanager
def dashboard(url: str, log: Path) -> Iterator[str]:
    """Run the dashboard of the gateway at `url`; yields its address once it answers."""
    port = free_port()
    with log.open("wb") as out:
        child = subprocess.Popen(
            command("127.0.0.1", port), env=environment(url, ""), cwd=ROOT, stdout=out, stderr=subprocess.STDOUT
        )
    try:
        until = time.monotonic() + PATIENCE_MS / 1000
        while not _answers(port):
            assert child.poll() is None, log.read_text()
            assert time.monotonic() < until, log.read_text()
            time.sleep(0.1)
        yield f"http://127.0.0.1:{port}"
    finally:
        child.kill()
        child.wait()


def _answers(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", "/_stcore/health")
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()


class Window:
    """A page of the dashboard in a browser's window; remembers what went wrong in it."""

    def __init__(self, page: Page, address: str) -> None:
        self.page = page
        self.troubles: list[str] = []
        """Errors of the console and of scripts, and requests that left this machine."""
        page.on("console", self._on_console)
        page.on("pageerror", lambda error: self.troubles.append(str(error)))
        page.on("request", self._on_request)
        page.goto(address)
        expect(page.locator("[data-state]")).to_be_attached(timeout=PATIENCE_MS)

    def go(self, name: str) -> None:
        """Open a page from the menu, and wait until it is drawn."""
        menu = self.page.get_by_test_id("stExpandSidebarButton")
        if menu.is_visible():
            menu.click()
        self.page.get_by_test_id("stSidebarNav").get_by_role("link", name=name).click()
        self.drawn(name)

    def drawn(self, name: str) -> None:
        """Wait until the page is there as a whole."""
        expect(self.page.get_by_role("heading", name=name, level=1)).to_be_attached(timeout=PATIENCE_MS)
        self.settled()

    def settled(self) -> None:
        """Wait until what was begun is drawn, and nothing of it has failed."""
        app = self.page.get_by_test_id("stApp")
        expect(app).to_have_attribute("data-test-script-state", re.compile("notRunning"), timeout=PATIENCE_MS)
        assert self.page.get_by_test_id("stException").all_inner_texts() == []

    def shoot(self, folder: Path, name: str) -> None:
        """Keep a screenshot in SCREENSHOTS, or else in `folder`."""
        folder = Path(os.environ.get("SCREENSHOTS") or folder)
        folder.mkdir(parents=True, exist_ok=True)
        self.page.screenshot(path=folder / f"{name}.png")

    def _on_console(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.troubles.append(message.text)

    def _on_request(self, request: Request) -> None:
        if not re.match(r"(https?|wss?)://127\.0\.0\.1[:/]|data:|blob:", request.url):
            self.troubles.append(f"a request to {request.url}")


@contextlib.contextmanager
def chromium() -> Iterator[Browser]:
    """A headless browser."""
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=_CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        try:
            yield browser
        finally:
            browser.close()


@contextlib.contextmanager
def window(
    browser: Browser, address: str, *, width: int = 1280, height: int = 900, dark: bool = False
) -> Iterator[Window]:
    """Open a fresh window."""
    colours: Literal["dark", "light"] = "dark" if dark else "light"
    context = browser.new_context(viewport={"width": width, "height": height}, color_scheme=colours)
    try:
        yield Window(context.new_page(), address)
    finally:
        context.close()
