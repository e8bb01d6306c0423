"""The language of the scenario files: what the world is like, what happens in it, and which events must follow.

A file holds a list of scenarios. Each has

- `scenario`: the truth it tells;
- `language`, `settings`, `skills`, `model`, `broken`, `tools`: the world (see `world`);
- `script`: steps, one key each: `say`, `mumble` (said, but not to be trusted), `cough` (seconds), `type`, `type-aloud`,
  `wait` (seconds), `inject` (an event by its kind, with its fields), `hear` (until these words were played), `until`
  (an event, written as in `expect`), `alarm` (its words), `wake` (phrase), `break` (engine: how), `give-up` (service),
  `microphone` (on or off);
- `expect`: events that must come in this order, others may come between: a kind, or a kind with some of its fields;
- `never`: kinds (or kinds with fields) that must not come;
- `heard`: for each turn that had an answer, the words in the history at the end.

Those of `typed.yaml` also hold against a running Sotto (`scripts/inject.py --scenario`), where the world is what it is.

Whatever a scenario says, `judge` holds its run against what must always be true.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from bus import Bus
from services.dialogue import DialogueService
from services.dialogue.words import normal
from shared.events import REGISTRY, Event, ToolSpec, TurnFinished, TurnStarted
from tests.conversation.engines import Engines, together
from tests.conversation.world import World, world

_DAY_NS = 86_400_000_000_000
Pattern = str | dict[str, dict[str, Any]]


@dataclass(frozen=True)
class Scenario:
    """One parsed scenario."""

    name: str
    world: dict[str, Any]
    script: tuple[dict[str, Any], ...]
    expect: tuple[Pattern, ...]
    never: tuple[Pattern, ...]
    heard: dict[int, str]


def load(folder: Path) -> list[Scenario]:
    """Read all scenarios of a folder."""
    return [_parsed(raw) for path in sorted(folder.glob("*.yaml")) for raw in yaml.safe_load(path.read_text("utf-8"))]


def _parsed(raw: dict[str, Any]) -> Scenario:
    tools = tuple(ToolSpec(name=name, description=name, parameters={}) for name in raw.pop("tools", ()))
    return Scenario(
        raw.pop("scenario"),
        {
            "tools": tools,
            **{key: raw.pop(key) for key in ("language", "settings", "skills", "model", "broken") if key in raw},
        },
        tuple(raw.pop("script")),
        tuple(raw.pop("expect", ())),
        tuple(raw.pop("never", ())),
        raw.pop("heard", {}),
    )


async def play(
    scenario: Scenario,
    begin: Callable[[Bus, DialogueService], None] = lambda *_: None,
    engines: Engines = together,
) -> None:
    """Live through the scenario and judge it; `begin` is called before anything happens."""
    events: list[Event] = []
    async with world(**scenario.world, begin=begin, engines=engines) as here:
        here.bench.bus.tap(events.append)
        for step in scenario.script:
            ((verb, argument),) = step.items()
            await _do(here, verb, argument)
        await _settle(here, events)
        _follow(scenario, events)
        judge(here, events)
        past = here.service.history("test")
        for turn, words in scenario.heard.items():
            assert past.get(turn, "") == words, f"turn {turn} was heard as {past.get(turn)!r}"


async def _do(here: World, verb: str, argument: Any) -> None:
    match verb:
        case "say":
            await here.say(argument)
        case "mumble":
            await here.say(argument, trusted=False)
        case "cough":
            await here.cough(argument)
        case "type":
            here.type(argument)
        case "type-aloud":
            here.type(argument, speak=True)
        case "wait":
            await here.pass_by(argument)
        case "hear":
            await here.hear(argument)
        case "until":
            await _until(here, argument)
        case "inject":
            ((kind, fields),) = argument.items()
            here.bench.publish(REGISTRY.latest(kind), **fields)
        case "alarm":
            here.ring(argument)
        case "wake":
            here.wake(argument)
        case "break":
            await here.breaks(argument)
        case "give-up":
            here.give_up(argument)
        case "microphone":
            here.microphone = argument
        case _:
            raise ValueError(f"no step is called {verb}")


async def _until(here: World, pattern: Pattern) -> None:
    while True:
        if _fits(pattern, await here.bench.next(Event, timeout=120)):
            return


async def _settle(here: World, events: list[Event]) -> None:
    # Everything that was begun must end by itself: two virtual minutes are longer than any watchdog.
    for _ in range(120):
        await here.pass_by(1)
        if _open(events) == set():
            return
    raise AssertionError(f"turns {_open(events)} never finished")


def _open(events: list[Event]) -> set[int]:
    started = {e.turn for e in events if isinstance(e, TurnStarted)}
    return started - {e.turn for e in events if isinstance(e, TurnFinished)}


def _fits(pattern: Pattern, event: Event) -> bool:
    if isinstance(pattern, str):
        return event.kind == pattern
    ((kind, fields),) = pattern.items()
    return event.kind == kind and all(_plain(getattr(event, name)) == value for name, value in fields.items())


def _plain(value: object) -> object:
    return list(value) if isinstance(value, tuple) else value


def _follow(scenario: Scenario, events: Sequence[Event]) -> None:
    rest = iter(events)
    for pattern in scenario.expect:
        assert any(_fits(pattern, event) for event in rest), f"{pattern} did not come in its place:\n{_told(events)}"
    for pattern in scenario.never:
        assert not any(_fits(pattern, event) for event in events), f"{pattern} came:\n{_told(events)}"


def judge(here: World, events: Sequence[Event]) -> None:
    """Hold a finished run against what is always true."""
    assert not here.spoken_after_fence, f"spoken after their turn was fenced: {here.spoken_after_fence}"
    open_turn = 0
    for event in events:
        if isinstance(event, TurnStarted):
            assert open_turn == 0, f"turn {event.turn} began within turn {open_turn}"
            open_turn = event.turn
        elif isinstance(event, TurnFinished):
            assert open_turn == event.turn, f"turn {event.turn} ended within turn {open_turn}"
            open_turn = 0
            if event.latency is not None:
                parts = event.latency.model_dump()
                assert min(parts.values()) >= 0
                assert parts["total"] < _DAY_NS, "a clock that differs was believed"
                assert parts.pop("total") == sum(parts.values())
    for turn, heard in here.service.history("test").items():
        if any(track.turn == turn for track in here.tracks):
            assert normal(heard) == normal(" ".join(here.played_words(turn))), f"turn {turn}"


def _told(events: Sequence[Event]) -> str:
    noise = ("audio.captured", "audio.played", "tts.audio", "tts.finished", "llm.delta")
    envelope = ("id", "at", "source", "session", "turn", "cause", "root", "trace")
    return "\n".join(
        f"{(e.at - 1_790_000_000_000_000_000) / 1e9:7.2f} {e.turn} {e.kind} "
        + str({k: v for k, v in e.model_dump().items() if k not in envelope and k != "messages"})
        for e in events
        if e.kind not in noise
    )
