"""Services: who lives, who crashed and why, what waits where; and, behind a switch, what restarts or crashes them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Any

import streamlit as st

from shared.errors import SottoError
from shared.standing import Standing
from ui.dashboard.chrome import Tone, chip, duration, html, moment, notice, prose, rows
from ui.dashboard.feed import Feed
from ui.dashboard.views import given_up

__all__ = ["page"]

_TONES: Mapping[str, Tone] = {
    "ready": "good",
    "starting": "busy",
    "degraded": "warn",
    "crashed": "bad",
    "failed": "bad",
    "stopped": "mute",
}


def page(feed: Feed) -> None:
    """Draw the page."""
    st.title("Services")
    st.fragment(_board, run_every=1)(feed)
    _switches(feed)
    st.subheader("Queues")
    st.fragment(_queues, run_every=2)(feed)
    given_up.section(feed)
    st.subheader("Logs")
    st.fragment(_logs, run_every=2)(feed)


def _board(feed: Feed) -> None:
    with feed.view() as view:
        services = sorted(view.services.values(), key=lambda service: service.name)
        newest = view.recent[-1].at if view.recent else 0
        body = "".join(_card(service, newest) for service in services)
    if services:
        st.html(html(f'<div class="s-cards">{body}</div>'))
    else:
        st.html(notice("No service was heard of yet.", "They appear as soon as the assistant runs: `scripts/run`."))


def _card(service: Standing, now: int) -> str:
    state = chip(service.state, _TONES.get(service.state, "mute"))
    facts = [f"for {duration(max(0, now - service.since))}" if service.since and now else ""]
    if service.restarts:
        facts.append(f"{service.restarts} {'restart' if service.restarts == 1 else 'restarts'}")
    told = f'<div class="s-small">{prose(service.reason)}</div>' if service.reason else ""
    line = " · ".join(fact for fact in facts if fact)
    return (
        f'<div class="s-card" data-service="{escape(service.name)}" data-now="{escape(service.state)}">'
        f'<div class="s-card-head"><span>{escape(service.name)}</span>{state}</div>'
        f'<div class="s-small s-mute">{escape(line)}</div>{told}</div>'
    )


def _switches(feed: Feed) -> None:
    if not st.toggle(
        "Allow restarts and crashes", key="dangerous", help="What is in hand is delivered again afterwards."
    ):
        return
    with feed.view() as view:
        names = sorted(view.services)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        name = st.selectbox("Service", names, key="service", width=260)
        restart = st.button("Restart", icon=":material/restart_alt:", disabled=name is None)
        crash = st.button("Crash", icon=":material/bomb:", disabled=name is None)
    if name and (restart or crash):
        kind = "service.restart" if restart else "service.crash"
        try:
            feed.gateway.inject(kind, {"service": name})
        except SottoError as error:
            st.html(notice(f"{name} was left alone.", str(error), tone="warn"))
        else:
            st.toast(f"{kind.replace('.', ': ')} {name}", icon=":material/check:")


def _queues(feed: Feed) -> None:
    try:
        stats = feed.gateway.ask("/v1/stats")
    except SottoError as error:
        st.html(notice("The ledgers cannot be read now.", str(error), tone="warn"))
        return
    ledgers = stats.get("subscriptions") or []
    if not ledgers:
        st.html(notice("Nobody tells of the queues.", "Start the metrics service: `sotto --set metrics.enabled=true`."))
        return
    st.caption("Each adds up at any moment: offered = delivered + dropped + stale + queued.")
    st.html(rows((*_HEADS, "lag", "when full"), _ledger_lines(ledgers), right=frozenset({1, 2, 3, 4, 5, 6})))
    _stalls(stats.get("stalls") or [])


def _stalls(stalls: Sequence[Mapping[str, Any]]) -> None:
    """The last times that everything waited for one thing, and for what."""
    if not stalls:
        return
    st.subheader("Event loop stalls")
    st.caption("While the loop does not come round, nobody is served. The calls that it was in, the innermost last.")
    for stall in reversed(stalls[-_STALLS:]):
        stack = str(stall.get("stack", ""))
        lasted = duration(float(stall.get("seconds") or 0) * 1e9)
        innermost = stack.strip().rpartition("\n")[2]
        with st.expander(f"{moment(int(stall.get('at') or 0))} · {lasted} · {innermost}"):
            st.code(stack, language=None)


_STALLS = 5
_HEADS = ("queue", "offered", "delivered", "dropped", "stale", "queued")


def _ledger_lines(ledgers: Iterable[Mapping[str, Any]]) -> Iterable[list[str]]:
    for ledger in ledgers:
        figures = [f"{int(ledger.get(name) or 0):,}".replace(",", " ") for name in _HEADS[1:]]
        lag = duration(float(ledger.get("lag_s") or 0) * 1e9) if ledger.get("queued") else "–"
        yield [
            escape(str(ledger.get("name", ""))),
            *figures,
            lag,
            escape(str(ledger.get("overflow", "")).replace("_", " ")),
        ]


_LEVELS: Mapping[str, Tone] = {"info": "mute", "warning": "warn", "error": "bad", "critical": "bad"}
_ALL = "all services"
_OWN = ("event", "level", "logger", "timestamp")


def _logs(feed: Feed) -> None:
    with feed.view() as view:
        names = sorted(view.services)
    name = st.selectbox("Of", [_ALL, *names], key="logs-of", width=260)
    try:
        lines = feed.gateway.ask("/v1/logs", **({} if name == _ALL else {"service": str(name)}))
    except SottoError as error:
        st.html(notice("The logs cannot be read now.", str(error), tone="warn"))
        return
    if lines:
        heads = ("at", "level", "from", "what")
        st.html(rows(heads, [_log_line(line) for line in reversed(lines[-_LOGGED:])], wide=3))
    else:
        st.caption("Nothing was logged.")


_LOGGED = 100


def _log_line(line: Mapping[str, Any]) -> list[str]:
    level = str(line.get("level", ""))
    facts = " ".join(f"{key}={value}" for key, value in line.items() if key not in _OWN)
    return [
        escape(str(line.get("timestamp", ""))[11:19]),
        chip(level, _LEVELS.get(level, "mute")),
        escape(str(line.get("service") or line.get("logger") or "")),
        f'{escape(str(line.get("event", "")))} <span class="s-soft">{escape(facts)}</span>',
    ]
