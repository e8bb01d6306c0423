"""How well and how fast Sotto hears: recognition, commands against noise, wake words and voice activity.

Commands to skills are spoken by espeak-ng in four voices. The rest reads a folder of recordings with a `manifest.tsv`
(columns file, set, seconds, text, label). Word errors follow the usual rule: substitutions, insertions and deletions
over the words of the reference, after lower case, digits as words, no punctuation, and American spelling where the
folder has a list. Times are CPU-bound wall times on one engine thread; beside them stands the same sound's time through
voice activity alone.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path

import jiwer
from pydantic import JsonValue

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from scripts.figures import Figure, at_least, at_most, parser, percentile, plain, report
from scripts.spoken_commands import VOICES, Understanding, sayable, spoken
from scripts.stt_detection import speech, voice_activity, wake_words
from scripts.stt_recordings import Folder, Normaliser, Recording
from services.skills.sentences import load
from services.stt import Engine, EngineUnusable, SttSettings, Transcript
from services.stt.engines import ENGINES
from services.stt.transcribe import transcribe
from shared.installed import InstalledModel
from shared.pcm import CAPTURE_RATE, Floats

DIGITS: list[JsonValue] = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]
_ALIKE = (
    *("thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"),
    *("thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"),
)
SENTENCES = json.loads(Path(__file__).with_suffix(".json").read_text(encoding="utf-8"))
COFFEE = SENTENCES["coffee"]
"""A grammar of coffee orders."""


def recognition(engine: Engine, folder: Folder, normal: Normaliser) -> Iterator[Figure]:
    """Word errors and speed on read sentences and on digits (the latter with a grammar of digits)."""
    engine.learn({})
    yield from _errors(engine, "dictation", list(folder.recordings("dictation")), normal)
    engine.learn({"en": {"intents": {"digit": {"data": [{"sentences": DIGITS}]}}}})
    yield from _errors(engine, "digits", list(folder.recordings("digits")), normal, whole=True)


def _errors(
    engine: Engine, name: str, recordings: Sequence[Recording], normal: Normaliser, *, whole: bool = False
) -> Iterator[Figure]:
    began = time.perf_counter()
    heard = [utterance(engine, r.sound) if whole else transcribe(engine, r.sound, "en") for r in recordings]
    took = time.perf_counter() - began
    errors = jiwer.wer([normal(r.text) for r in recordings], [normal(t.text) for t in heard])
    seconds = sum(r.seconds for r in recordings)
    yield plain(f"{engine.name} {name}: word error rate", 100 * errors, "%")
    yield plain(f"{engine.name} {name}: real-time factor", took / seconds, "x")


def partials(engine: Engine, folder: Folder) -> Iterator[Figure]:
    """What a partial text costs while somebody speaks, early and late in an utterance, and how often one can come."""
    settings = SttSettings()
    step = settings.partial_ms * CAPTURE_RATE // 1000
    engine.learn({"en": load("en").published})
    costs: list[tuple[float, float]] = []
    for recording in islice((r for r in folder.recordings("dictation") if r.seconds > 8), 4):
        listener = engine.listen("en")
        for first in range(0, len(recording.sound) - step, step):
            began = time.perf_counter()
            listener.hear(recording.sound[first : first + step])
            listener.guess()
            costs.append((first / CAPTURE_RATE, 1000 * (time.perf_counter() - began)))
        listener.settle()
    early, late = (
        percentile([ms for at, ms in costs if since <= at < until], 50) for since, until in ((1, 3), (6, 15))
    )
    every = max(settings.partial_ms, percentile([ms for _, ms in costs], 50) / settings.load)
    yield plain(f"{engine.name} partial: decoding {settings.partial_ms} ms more, p50", early, "ms in the first 3 s")
    yield at_most(f"{engine.name} partial: the same after 6 s", late / early, "x", 2)
    yield plain(f"{engine.name} partial: one comes every", every, "ms")


def utterance(engine: Engine, sound: Floats) -> Transcript:
    """What the service does with one utterance: from a little before the voice to a little after it."""
    spans = list(speech(sound))
    margin = CAPTURE_RATE // 4
    first, until = (max(0, spans[0][0] - margin), spans[-1][1] + margin) if spans else (0, len(sound))
    listener = engine.listen("en")
    listener.hear(sound[first:until])
    return listener.settle()


def coffee(engine: Engine, folder: Folder) -> Iterator[Figure]:
    """Slots of spoken orders, with a grammar of orders written beforehand."""
    from hassil import recognize
    from hassil.intents import Intents

    intents = Intents.from_dict({"language": "en", **COFFEE})
    engine.learn({"en": COFFEE})
    wanted = found = right = exact = trusted = count = 0
    for recording in folder.recordings("commands_coffee"):
        truth = {k: v.strip() for k, v in json.loads(recording.label.replace('""', '"'))["slots"].items()}
        heard = utterance(engine, recording.sound)
        match = recognize(heard.text, intents) if heard.trusted else None
        slots = {e.name: e.text_clean.strip() for e in match.entities_list} if match else {}
        same = {name for name, value in slots.items() if truth.get(name) == value}
        wanted, found, right = wanted + len(truth), found + len(slots), right + len(same)
        exact += slots == truth
        trusted += heard.trusted
        count += 1
    yield plain(f"{engine.name} coffee: orders understood (trusted)", 100 * trusted / count, "%")
    yield plain(f"{engine.name} coffee: orders with every slot right", 100 * exact / count, "%")
    yield plain(f"{engine.name} coffee: slots right", 100 * right / wanted, "% of those said")
    yield plain(f"{engine.name} coffee: slots wrong", 100 * (found - right) / max(1, found), "% of those heard")


def skills(engine: Engine, *, full: bool) -> Iterator[Figure]:
    """What is said to skills, with the grammar that skills publish: understood, or mistaken for something else.

    Right is the same skill with the same arguments. A text that no skill knows is asked again or left to the language
    model: it counts as not right, and not as wrong.
    """
    began = time.perf_counter()
    engine.learn({"en": load("en").published})
    yield plain(f"{engine.name} skills: sentences learned", 1000 * (time.perf_counter() - began), "ms")
    began = time.perf_counter()
    engine.learn({"en": load("en").published})
    yield at_most(f"{engine.name} skills: sentences learned again", 1000 * (time.perf_counter() - began), "ms", 300)
    said = [(text, voice) for text in sayable() for voice in VOICES][:: 1 if full else 3]
    right = wrong = 0
    settling: list[float] = []
    with Understanding() as meaning:
        for text, voice in said:
            listener = engine.listen("en")
            listener.hear(spoken(text, voice))
            began = time.perf_counter()
            heard = listener.settle()
            settling.append(1000 * (time.perf_counter() - began))
            meant = meaning(heard.text) if heard.trusted else None
            right += meant is not None and meant == meaning(text)
            wrong += meant is not None and meant != meaning(text)
    yield at_least(f"{engine.name} skills: commands right ({right} of {len(said)})", 100 * right / len(said), "%", 85)
    yield at_most(f"{engine.name} skills: commands wrong ({wrong} of {len(said)})", 100 * wrong / len(said), "%", 3)
    yield plain(f"{engine.name} skills: text after the end of a command, p95", percentile(settling, 95), "ms")


def numbers(engine: Engine, *, full: bool) -> Iterator[Figure]:
    """Teens and tens, which sound alike: right, asked for again, or wrong."""
    engine.learn({"en": load("en").published})
    frames = ("set a timer for {} minutes", "what is seven times {}", "wake me in {} minutes")
    said = [(frame.format(number), voice) for number in _ALIKE for frame in frames for voice in VOICES]
    right = asked = wrong = 0
    for text, voice in said[:: 1 if full else 5]:
        heard = utterance(engine, spoken(text, voice))
        right += heard.trusted and heard.text == text
        wrong += heard.trusted and heard.text != text
        asked += not heard.trusted
    count = right + asked + wrong
    yield plain(f"{engine.name} numbers that sound alike: right ({right} of {count})", 100 * right / count, "%")
    yield plain(f"{engine.name} numbers that sound alike: asked for again ({asked})", 100 * asked / count, "%")
    yield plain(f"{engine.name} numbers that sound alike: wrong ({wrong})", 100 * wrong / count, "%")


def false_accepts(engine: Engine, folder: Folder) -> Iterator[Figure]:
    """Recordings of other speech and noise that are taken for commands, with the grammar that skills publish."""
    engine.learn({"en": load("en").published})
    taken, count = _taken(engine, (r.sound for r in folder.recordings("dictation", "negatives")))
    share = 100 * taken / count
    yield at_most(f"{engine.name} commands: recordings taken for one ({taken} of {count})", share, "%", 2)
    taken, count = _taken(engine, _pieces(folder.recordings("dictation", "negatives", "longform")))
    yield plain(
        f"{engine.name} commands: pieces between pauses taken for one ({taken} of {count})", 100 * taken / count, "%"
    )
    noises = (
        r.sound[i : i + 3 * CAPTURE_RATE]
        for r in folder.recordings("noise")
        for i in range(0, len(r.sound), 5 * CAPTURE_RATE)
    )
    taken, count = _taken(engine, noises)
    yield plain(
        f"{engine.name} commands: 3 s pieces of noise taken for one ({taken} of {count})", 100 * taken / count, "%"
    )


def _taken(engine: Engine, sounds: Iterable[Floats]) -> tuple[int, int]:
    taken = count = 0
    for sound in sounds:
        listener = engine.listen("en")
        listener.hear(sound)
        heard = listener.settle()
        taken += heard.mode == "grammar" and heard.trusted
        count += 1
    return taken, max(1, count)


def _pieces(recordings: Iterable[Recording]) -> Iterator[Floats]:
    margin = CAPTURE_RATE // 4
    for recording in recordings:
        for first, until in speech(recording.sound):
            yield recording.sound[max(0, first - margin) : until + margin]


def engines(model: Path | None) -> Iterator[Engine]:
    """The built-in engine, and faster-whisper where a folder with a model is given."""
    yield ENGINES["pocketsphinx"](SttSettings(), None)
    if model is None:
        print("faster-whisper has no model here and is left out: name one with --model FOLDER.", file=sys.stderr)
    else:
        files = tuple(model.iterdir())
        installed = InstalledModel("stt", model.name, "faster-whisper", model, files, ())
        yield ENGINES["faster-whisper"](SttSettings(), installed)


def main() -> int:
    """Print every figure; 1 when one misses its goal."""
    options = parser(__doc__)
    options.add_argument("--data", type=Path, help="folder with manifest.tsv; without it, spoken commands alone")
    options.add_argument(
        "--model", type=Path, help="folder of a CTranslate2 Whisper model, for faster-whisper's figures"
    )
    args = options.parse_args()
    try:
        return report(_figures(args.data, args.model, full=args.full), as_json=args.json)
    except EngineUnusable as error:
        print(error, file=sys.stderr)
        return 2


def _figures(data: Path | None, model: Path | None, *, full: bool) -> Iterator[Figure]:
    if data is None:
        for engine in engines(model):
            yield from skills(engine, full=full)
            yield from numbers(engine, full=full)
        return
    folder, normal = Folder(data, full=full), Normaliser(data)
    yield from voice_activity(folder)
    yield from wake_words(folder)
    for engine in engines(model):
        yield from skills(engine, full=full)
        yield from numbers(engine, full=full)
        yield from false_accepts(engine, folder)
        yield from coffee(engine, folder)
        yield from partials(engine, folder)
        yield from recognition(engine, folder, normal)


if __name__ == "__main__":
    sys.exit(main())
