"""Inject into a running assistant: events by hand or from a file, a whole scenario, or sound for its microphone.

Values of key=value are JSON where they can be read so (speak=false, turn=3), and text otherwise. `session`, `turn` and
`version` belong to the envelope. The id of each event is printed; with --json as {"id": …}.

--audio speaks a sound file into the microphone, over what it hears: any format and rate that soundfile reads. Where the
assistant asks for a key, that and the privileged kinds (service.restart, service.crash) need the admin's.

A scenario is a YAML file (a list, as under tests/conversation/scenarios) with `scenario` (its name), `script`, and
`expect` and `never`. Steps of the script: `inject: {KIND: {FIELD: …}}`, `type: TEXT`, `type-aloud: TEXT`,
`wait: SECONDS`, `until: KIND` or `until: {KIND: {FIELD: …}}`. After the script the events under `expect` must come in
this order, others between them, and those under `never` must not. The exit status says whether it was so.
"""

from __future__ import annotations

import argparse
import io
import json
import sys
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from scripts.wire import Frame, Refused, Watch, Wire, parser, run
from shared.errors import SottoError

EXAMPLES = """\
  .venv/bin/python scripts/inject.py text.entered text="what time is it" speak=false
  .venv/bin/python scripts/inject.py '{"kind": "session.cleared", "fields": {}}'
  .venv/bin/python scripts/tail.py --json text.entered > said.jsonl
  .venv/bin/python scripts/inject.py --file said.jsonl
  echo '{"kind": "audio.stop", "fields": {"reply": ""}}' | .venv/bin/python scripts/inject.py --file -
  .venv/bin/python scripts/inject.py --scenario tests/conversation/scenarios/typed.yaml
  .venv/bin/python scripts/inject.py --audio question.wav
  arecord -d 3 -f S16_LE -r 16000 | .venv/bin/python scripts/inject.py --audio -
  .venv/bin/python scripts/inject.py service.restart service=tts --key ADMIN_KEY"""

_ENVELOPE = ("session", "turn", "version")
Pattern = str | Mapping[str, Mapping[str, Any]]


class NotAScenario(SottoError):
    """The file is no scenario that can be played here."""


def event_of(words: Sequence[str]) -> dict[str, Any]:
    """Return the event that the arguments describe. Raises Refused for what describes none."""
    first, *rest = words
    if first.startswith("{"):
        if rest:
            raise Refused(f"{rest[0]}: nothing comes after an event in JSON.")
        return _object(first, "The argument")
    event: dict[str, Any] = {"kind": first, "fields": {}}
    for word in rest:
        name, equals, value = word.partition("=")
        if not equals:
            raise Refused(f"{word} has no value.", remedy='Write it as text="what time is it", for example.')
        (event if name in _ENVELOPE else event["fields"])[name] = _value(value)
    return event


def events_in(lines: Iterable[str], name: str) -> Iterator[dict[str, Any]]:
    """Return the events of a file with one as JSON on each line; empty ones are passed over. Raises Refused."""
    for number, line in enumerate(lines, 1):
        if line.strip():
            event = _object(line, f"{name}, line {number}")
            yield event.get("event", event)


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


def _object(text: str, where: str) -> dict[str, Any]:
    try:
        event = json.loads(text)
    except ValueError as error:
        raise Refused(f"{where} is no JSON: {error}.") from None
    if not isinstance(event, dict):
        raise Refused(f"{where} is no event: an object with `kind` and `fields` is wanted.")
    return event


# ---- scenarios


def scenarios(path: Path) -> list[dict[str, Any]]:
    """Read the scenarios of a file. Raises NotAScenario."""
    import yaml

    try:
        read = yaml.safe_load(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise NotAScenario(f"{path} cannot be read: {error}.") from None
    listed = read if isinstance(read, list) else [read]
    for one in listed:
        if not isinstance(one, dict) or not isinstance(one.get("script"), list):
            raise NotAScenario(f"{path} has no `script`.", remedy="`scripts/inject.py --help` says what a scenario is.")
    return listed


class Player:
    """Plays scenarios against a running assistant, each in a session of its own."""

    def __init__(self, wire: Wire, patience: float) -> None:
        self._wire = wire
        self._patience = patience
        self._seen: list[Frame] = []

    def play(self, scenario: Mapping[str, Any]) -> list[str]:
        """Play one; returns what was not as expected, in words."""
        self._seen = []
        session = f"scenario-{time.time_ns():x}"
        with self._wire.watch(session=session) as watch:
            self._post("session.opened", {"over": "socket", "language": scenario.get("language", "en")}, session)
            faults = [fault for step in scenario["script"] if (fault := self._step(watch, step, session))]
            faults += self._follow(watch, scenario.get("expect", ()))
            self._post("session.closed", {"reason": "the scenario is over"}, session)
        seen = [event for event in self._seen if event.get("max_tokens") != 0]  # a model that reads ahead says nothing
        return faults + [f"{p} came" for p in scenario.get("never", ()) if any(fits(p, e) for e in seen)]

    def _post(self, kind: str, fields: Mapping[str, Any], session: str) -> None:
        self._wire.post([{"kind": kind, "fields": fields, "session": session}])

    def _step(self, watch: Watch, step: Mapping[str, Any], session: str) -> str:
        ((verb, argument),) = step.items()
        match verb:
            case "inject":
                ((kind, fields),) = argument.items()
                self._post(kind, fields or {}, session)
            case "type" | "type-aloud":
                self._post("text.entered", {"text": argument, "speak": verb == "type-aloud"}, session)
            case "wait":
                time.sleep(float(argument))
            case "until":
                return "" if self._come(watch, argument, len(self._seen)) is not None else f"{argument} did not come"
            case _:
                raise NotAScenario(
                    f"`{verb}` is nothing that can be done to a running assistant.",
                    remedy="inject, type, type-aloud, wait and until are.",
                )
        return ""

    def _follow(self, watch: Watch, expected: Sequence[Pattern]) -> list[str]:
        place = 0
        for pattern in expected:
            found = self._come(watch, pattern, place)
            if found is None:
                return [f"{pattern} did not come in its place"]
            place = found + 1
        return []

    def _come(self, watch: Watch, pattern: Pattern, place: int) -> int | None:
        """Where from `place` on the first event is that fits, waiting for it; None when it does not come in time."""
        until = time.monotonic() + self._patience
        while True:
            if place == len(self._seen) and not self._read(watch, until):
                return None
            if fits(pattern, self._seen[place]):
                return place
            place += 1

    def _read(self, watch: Watch, until: float) -> bool:
        while (left := until - time.monotonic()) > 0:
            try:
                frame = watch.next(left)
            except TimeoutError:
                break
            if "event" in frame:
                self._seen.append(frame["event"])
                return True
        return False


def fits(pattern: Pattern, event: Frame) -> bool:
    """True when the event is of the pattern's kind and has its fields."""
    if isinstance(pattern, str):
        return bool(event["kind"] == pattern)
    ((kind, fields),) = pattern.items()
    return event["kind"] == kind and all(event.get(name) == value for name, value in fields.items())


def play(wire: Wire, path: Path, patience: float, *, as_json: bool) -> int:
    """Play every scenario of a file; 1 when one of them did not go as expected."""
    failed = False
    for scenario in scenarios(path):
        faults = Player(wire, patience).play(scenario)
        failed = failed or bool(faults)
        name = scenario.get("scenario", path.name)
        if as_json:
            print(json.dumps({"scenario": name, "ok": not faults, "faults": faults}), flush=True)
        else:
            print(
                f"{'FAILED' if faults else 'ok'}  {name}",
                *(f"        {fault}" for fault in faults),
                sep="\n",
                flush=True,
            )
    return int(failed)


# ---- sound


def pieces_of(sound: BinaryIO | str) -> Iterator[bytes]:
    """Return a sound file as WAV files of 16 bits at 16 kHz, each short enough to be sent. Raises Refused."""
    import soundfile

    from shared.pcm import CAPTURE_RATE, resample

    try:
        samples, rate = soundfile.read(sound, dtype="float32", always_2d=True)
    except (soundfile.LibsndfileError, OSError, TypeError) as error:
        raise Refused(
            f"This is no sound file that can be read: {error}", remedy="Give it WAV, FLAC, Ogg or MP3."
        ) from None
    mixed = resample(samples.mean(axis=1), rate, CAPTURE_RATE)
    for start in range(0, len(mixed), _PIECE_S * CAPTURE_RATE):
        wav = io.BytesIO()
        piece = mixed[start : start + _PIECE_S * CAPTURE_RATE]
        soundfile.write(wav, piece, CAPTURE_RATE, format="WAV", subtype="PCM_16")
        yield wav.getvalue()


_PIECE_S = 20
"""Seconds that are sent at once."""


# ---- the command


def _options() -> argparse.ArgumentParser:
    options = parser(__doc__ or "", EXAMPLES)
    options.add_argument("event", nargs="*", help="a kind and its fields as key=value, or the event as JSON")
    options.add_argument("--file", metavar="FILE", help="events as JSON, one a line; - reads standard input")
    options.add_argument("--audio", metavar="FILE", help="speak a sound file into the microphone; - reads it")
    options.add_argument("--scenario", type=Path, metavar="YAML", help="play a scenario and judge it")
    options.add_argument(
        "--patience", type=float, default=10, help="seconds to wait for what is expected (default: 10)"
    )
    options.add_argument("--json", action="store_true", help="print JSON")
    return options


def inject(wire: Wire, arguments: argparse.Namespace) -> int:
    """Publish what the arguments name and print the ids."""
    for id in _published(wire, arguments):
        print(json.dumps({"id": id}) if arguments.json else id, flush=True)
    return 0


def _published(wire: Wire, arguments: argparse.Namespace) -> Iterator[str]:
    if arguments.audio:
        sound = io.BytesIO(sys.stdin.buffer.read()) if arguments.audio == "-" else arguments.audio
        yield from map(wire.speak, pieces_of(sound))
        return
    events: Iterable[dict[str, Any]]
    if arguments.file == "-":
        events = events_in(sys.stdin, "standard input")
    elif arguments.file:
        try:
            events = events_in(Path(arguments.file).read_text("utf-8").splitlines(), arguments.file)
        except (OSError, UnicodeDecodeError) as error:
            raise Refused(f"{arguments.file} cannot be read: {error}.") from None
    else:
        events = [event_of(arguments.event)]
    for event in events:
        yield from wire.post([event])


def main(words: Sequence[str] | None = None) -> int:
    """Do what the command line says."""
    options = _options()
    arguments = options.parse_args(words)
    if sum(map(bool, (arguments.event, arguments.file, arguments.audio, arguments.scenario))) != 1:
        options.error("name an event, a --file, an --audio or a --scenario")
    wire = Wire(arguments.url, arguments.key)
    if arguments.scenario:
        return play(wire, arguments.scenario, arguments.patience, as_json=arguments.json)
    return inject(wire, arguments)


if __name__ == "__main__":
    sys.exit(run(main))
