"""Make the model that is always there: vocabulary, training, file, evaluation and card, from nothing but this folder.

    python -m venv T && T/bin/pip install -r requirements/training.txt
    T/bin/python scripts/train_builtin.py train FOLDER      an hour on two cores; begun again, it goes on where it was
    T/bin/python scripts/train_builtin.py convert FOLDER    writes the file into services/llm/builtin
    .venv/bin/python scripts/train_builtin.py evaluate      asks the test sets through the engine, and writes the card

The evaluation needs no torch: it runs where Sotto does.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from scripts import figures
from services.llm.builtin import FILE
from shared.logs import configure

_ABOUT = {
    "name": "sotto-builtin",
    "description": "A small model of conversation, trained on generated dialogues by scripts/train_builtin.py",
    "license": "Apache-2.0",
    "author": "The Sotto authors",
}


def train(folder: Path, minutes: float, threads: int) -> None:
    """Learn the vocabulary where there is none yet, then the weights until the time is over."""
    import torch

    from scripts.builtin import vocabulary
    from scripts.builtin.network import Shape
    from scripts.builtin.training import Plan
    from scripts.builtin.training import train as learn

    torch.set_num_threads(1)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "vocabulary.json"
    if not path.exists():
        vocabulary.learned(2560, 12_000).save(str(path))
    tokenizer = vocabulary.opened(path)
    print(learn(folder, tokenizer, Shape(tokenizer.get_vocab_size()), Plan(minutes, threads)))


def convert(folders: Sequence[Path]) -> None:
    """Write the file of the last checkpoint, or of the mean of several, to where Sotto takes it from."""
    from scripts.builtin.conversion import write
    from scripts.builtin.training import averaged

    network, steps = averaged([folder / "checkpoint.pt" for folder in folders])
    path = write(FILE, network, folders[0] / "vocabulary.json", _ABOUT)
    print(f"{path}  {path.stat().st_size / 1e6:.1f} MB, after {steps} steps")


def evaluate(model: Path, inputs: int, *, card: bool, as_json: bool) -> int:
    """Ask the test sets and the random inputs, print what came out, and write the card; 1 when a goal was missed."""
    from scripts.builtin.card import write
    from scripts.builtin.evaluation import SETS, broken, judged, prompts, report
    from scripts.builtin.sharing import shared

    configure("error")
    if not model.is_file():
        print(f"There is no model at {model}: train and convert one first, or name it with --model.", file=sys.stderr)
        return 2
    results, measured = {}, []
    for name in SETS:
        asked = prompts(name)
        alike = shared([prompt.turns[-1] for prompt in asked])
        results[name] = asyncio.run(judged(model, asked))
        if not as_json:
            print(f"{name}.toml")
            for prompt, phrase in alike:
                print(f"shared: {prompt!r} is said by {phrase!r}")
            print(report(results[name]))
        right = 100 * sum(result.right for result in results[name]) / len(asked)
        measured += [
            figures.at_least(f"{name}.toml: prompts written by hand", len(asked), "", 150),
            figures.at_most(f"{name}.toml: sharing a template with the training", len(alike), "", 0),
            figures.at_least(f"{name}.toml: answered rightly", right, "%", 90),
        ]
    failed = asyncio.run(broken(model, inputs))
    if not as_json:
        for turns, answer in failed[:10]:
            print(f"broken: {turns!r} -> {answer!r}")
    if card:
        write(model, results, inputs, len(failed))
    return figures.report(
        (
            *measured,
            figures.plain("random conversations", inputs, ""),
            figures.at_most("of them with an empty or broken answer", len(failed), "", 0),
            figures.at_most("size", model.stat().st_size / 1e6, "MB", 12),
        ),
        as_json=as_json,
    )


def main() -> int:
    """Do what the first word says."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    what = options.add_subparsers(dest="what", required=True)
    one = what.add_parser("train", help="learn, or go on learning")
    one.add_argument("folder", type=Path)
    one.add_argument("--minutes", type=float, default=60, help="of learning in all, interruptions left out")
    one.add_argument("--threads", type=int, default=2)
    one = what.add_parser("convert", help="write the file from the last checkpoint")
    one.add_argument("folder", type=Path, nargs="+", help="of several, copied along the way, the mean is written")
    one = what.add_parser("evaluate", help="ask the test sets and write the card")
    one.add_argument("--model", type=Path, default=FILE)
    one.add_argument("--inputs", type=int, default=1000, help="random conversations")
    one.add_argument("--no-card", action="store_true")
    one.add_argument("--json", action="store_true", help="one object a line: name, value, unit, goal, ok")
    given = options.parse_args()
    if given.what == "train":
        train(given.folder, given.minutes, given.threads)
    elif given.what == "convert":
        convert(given.folder)
    else:
        return evaluate(given.model, given.inputs, card=not given.no_card, as_json=given.json)
    return 0


if __name__ == "__main__":
    sys.exit(main())
