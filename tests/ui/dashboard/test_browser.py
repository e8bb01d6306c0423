"""The dashboard as a person sees it: in a real browser, of a real Sotto."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from services.models import Catalogue
from tests.kit.browser import PATIENCE_MS, Window, chromium, dashboard, free_port, window
from tests.kit.hub import Hub, serving
from tests.kit.terminal import Terminal

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

PAGES = ("Timeline", "Services", "Metrics", "Models", "Memory", "Sessions", "Inject", "Conversation")
PULLED = Catalogue().get("qwen3-0.6b-q8")


class Running:
    """A Sotto to type to that can be started again, its dashboard, and the hub that it pulls models from."""

    def __init__(self, home: Path, hub: Hub) -> None:
        self.home = home
        self.hub = hub
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.address = ""
        self._terminal: Terminal | None = None

    def start(self) -> None:
        """Return once its gateway answers."""
        options = ("--text", "--set", "gateway.enabled=true", "--set", f"gateway.port={self.port}")
        self._terminal = Terminal(self.home, *options, env=os.environ | {"HF_ENDPOINT": self.hub.endpoint}, typed=True)
        self._terminal.next("gateway.opened", timeout=60)

    def stop(self) -> None:
        """Return once it has ended."""
        if self._terminal is not None:
            self._terminal.stop()
        self._terminal = None


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    home = tmp_path_factory.mktemp("sotto")
    with serving() as hub, dashboard((sotto := Running(home, hub)).url, home / "dashboard.log") as sotto.address:
        sotto.start()
        try:
            yield sotto
        finally:
            sotto.stop()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.fixture
def view(browser: Browser, running: Running) -> Iterator[Window]:
    """A window in which nothing may go wrong."""
    with window(browser, running.address) as view:
        yield view
        assert view.troubles == []


def say(view: Window, text: str, answer: str) -> None:
    box = view.page.get_by_placeholder("Say something to Sotto")
    expect(box).to_be_enabled(timeout=PATIENCE_MS)
    box.fill(text)
    box.press("Enter")
    expect(view.page.get_by_text(answer).last).to_be_visible(timeout=PATIENCE_MS)


def state(view: Window, wanted: str) -> None:
    expect(view.page.locator(f'[data-state="{wanted}"]')).to_be_attached(timeout=PATIENCE_MS)


@pytest.mark.parametrize(("width", "dark"), [(1280, False), (400, True)], ids=["wide and light", "narrow and dark"])
def test_every_page_loads(browser, running, tmp_path, width, dark):
    """Without an error in the page or the console, within the window's width, and without a word to the outside."""
    with window(browser, running.address, width=width, dark=dark) as view:
        state(view, "open")
        say(view, "what is 12 times 12", "144")
        for name in PAGES:
            view.go(name)
            if width < 500:
                expect(view.page.get_by_test_id("stExpandSidebarButton")).to_be_visible(timeout=PATIENCE_MS)
            view.shoot(tmp_path, f"{name.lower()}-{width}-{'dark' if dark else 'light'}")
            assert view.page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0, name
        assert view.troubles == []


def test_a_typed_message_is_answered_and_its_turn_can_be_looked_at(view):
    """As it was said, with who answered; and the timeline has its events."""
    say(view, "how many miles is ten kilometers", "10 kilometers is about 6.214 miles.")
    expect(view.page.get_by_text("convert units").last).to_be_visible(timeout=PATIENCE_MS)
    view.go("Timeline")
    for kind in ("text.entered", "tool.result", "turn.finished"):
        expect(view.page.get_by_text(kind).first).to_be_visible(timeout=PATIENCE_MS)


def test_an_injected_event_appears(view):
    """From the form of its schema to the list of what happens, under the id it was given."""
    view.go("Inject")
    view.page.get_by_text("forget the conversation", exact=True).click(timeout=PATIENCE_MS)
    expect(view.page.get_by_text("The conversation's history is forgotten")).to_be_visible(timeout=PATIENCE_MS)
    view.settled()
    publish = view.page.get_by_role("button", name="Publish")
    expect(publish).to_have_count(1, timeout=PATIENCE_MS)
    publish.click()
    told = view.page.get_by_text(re.compile(r"Its id is \w+\."))
    expect(told).to_be_visible(timeout=PATIENCE_MS)
    id = told.inner_text().split()[-1].rstrip(".")
    expect(view.page.locator(f'[data-event="{id}"]')).to_be_attached(timeout=PATIENCE_MS)


def test_a_crashed_service_comes_back(view):
    """The button crashes it, its supervisor runs it again, and the card says both."""
    view.go("Services")
    card = view.page.locator('[data-service="skills"]')
    expect(card).to_have_attribute("data-now", "ready", timeout=PATIENCE_MS)
    view.page.get_by_text("Allow restarts and crashes").click()
    view.page.get_by_role("combobox", name="Service").click(timeout=PATIENCE_MS)
    view.page.get_by_role("option", name="skills").click(timeout=PATIENCE_MS)
    view.page.get_by_role("button", name="Crash", exact=True).click(timeout=PATIENCE_MS)
    expect(card).to_contain_text("1 restart", timeout=PATIENCE_MS)
    expect(card).to_have_attribute("data-now", "ready", timeout=PATIENCE_MS)


def test_a_recorded_session_is_played_run_again_and_questioned(view):
    """The one that goes on, even: what was said in it comes again, its log is the same, another setting is tried."""
    say(view, "what is 7 times 8", "7 times 8 is 56.")
    view.go("Sessions")
    view.page.get_by_role("combobox", name="Session").click(timeout=PATIENCE_MS)
    view.page.get_by_role("option").first.click(timeout=PATIENCE_MS)
    view.page.get_by_role("slider").focus(timeout=PATIENCE_MS)
    view.page.keyboard.press("End")
    expect(view.page.get_by_text("7 times 8 is 56.").last).to_be_visible(timeout=PATIENCE_MS)
    view.page.get_by_role("tab", name="Run again").click()
    view.page.get_by_role("button", name="Run it again").click(timeout=PATIENCE_MS)
    expect(view.page.get_by_text("It comes out the same.")).to_be_visible(timeout=PATIENCE_MS)
    view.page.get_by_role("tab", name="What if").click()
    view.page.get_by_role("button", name="Hold it again").click(timeout=PATIENCE_MS)
    expect(view.page.get_by_text(re.compile("turns, 0 of them different"))).to_be_visible(timeout=PATIENCE_MS)


def test_readings_are_drawn_along_the_time(view):
    """A plot's line goes from its left to its right, with times below."""
    view.go("Metrics")
    drawn = "document.querySelector('.mark-line path')?.getBoundingClientRect().width > 200"
    view.page.wait_for_function(drawn, timeout=PATIENCE_MS)
    times = view.page.locator(".role-axis-label text", has_text=re.compile(r"^\d\d:\d\d:\d\d$"))
    expect(times.first).to_be_visible(timeout=PATIENCE_MS)


def test_a_pull_is_refused_seen_and_stopped(view, running):
    """What the catalogue and the hub say of a file otherwise is told; how far it is, with a button that stops it."""
    hub, entry = running.hub, PULLED
    (file,) = entry.files
    key = f"{entry.repository}/{file.path}"
    hub.files[key], hub.stated[key], hub.hold_at = bytes(file.bytes or 0), "0" * 64, 8_000_000
    view.go("Models")
    box = view.page.get_by_role("combobox", name="Model")
    box.fill(entry.name, timeout=PATIENCE_MS)
    view.page.get_by_role("option", name=entry.name).click(timeout=PATIENCE_MS)
    pull = view.page.get_by_role("button", name="Pull")
    pull.click(timeout=PATIENCE_MS)
    expect(view.page.get_by_text(re.compile(f"{file.sha256}.*{'0' * 64}"))).to_be_visible(timeout=PATIENCE_MS)
    hub.stated[key] = file.sha256
    pull.click(timeout=PATIENCE_MS)
    expect(view.page.get_by_role("progressbar")).to_be_visible(timeout=PATIENCE_MS)
    view.page.get_by_role("button", name="Stop").click(timeout=PATIENCE_MS)
    expect(view.page.get_by_text(f"The pull of {entry.name} was stopped.")).to_be_visible(timeout=PATIENCE_MS)
    hub.go_on()


def test_the_keyboard_is_enough(view):
    """Tab reaches the pages, and Return opens one."""
    link = view.page.get_by_test_id("stSidebarNav").get_by_role("link", name="Models")
    for _ in range(40):
        view.page.keyboard.press("Tab")
        if link.evaluate("link => link === document.activeElement"):
            break
    view.page.keyboard.press("Enter")
    view.drawn("Models")


def test_it_connects_again_when_the_assistant_starts_again(browser, running):
    """It says that nobody is there, goes on by itself, and keeps what was said before above a rule."""
    with window(browser, running.address) as view:
        say(view, "what is 2 times 3", "2 times 3 is 6.")
        running.stop()
        expect(view.page.get_by_text("Sotto is not reachable.")).to_be_visible(timeout=PATIENCE_MS)
        running.start()
        state(view, "open")
        say(view, "what is 4 times 5", "4 times 5 is 20.")
        expect(view.page.get_by_text("2 times 3 is 6.").last).to_be_attached()
        expect(view.page.get_by_text("the assistant started again").last).to_be_attached()
