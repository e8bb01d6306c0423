"""The card: what the model is, how it was made, what it can and cannot do, in figures that the evaluation measured."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path

from scripts.builtin.evaluation import Judged

__all__ = ["write"]

_TEXT = """# sotto-builtin

A model made from nothing: Sotto talks with it, in English, while no larger one is installed. `sotto models pull` gets
one; with `llm.builtin = false` it says instead that there is none.

| | |
|---|---|
| file | `{name}`, {megabytes:.1f} MB, SHA-256 `{digest}` |
| architecture | llama, {layers} layers, {width} wide, {heads} heads, {vocabulary} tokens, 8 bits a weight (Q8_0) |
| context | {context} tokens |
| licence | Apache-2.0; made from nothing by `scripts/train_builtin.py`, no text and no weights of others |

## What it is for

A short friendly conversation in English: it says what Sotto is and can do, uses what was said earlier in the
conversation or stands in the notes of memory, calls the skills for wishes that their sentences miss, tells what they
answered, and says so when it cannot know something.

It knows nothing of the world, does not reason, speaks no other language, and errs where people speak unlike the
conversations that it was trained on. Instructions (a system prompt) and descriptions of tools are not read: it learned
Sotto's tools by heart, and cannot call others.

## How it was trained

On conversations that `scripts/builtin` draws without end from phrases and lists of words: half of them written as speech
recognition writes, some with slips of the keyboard, copied names invented so that only copying gets them right.

## What was measured

`scripts/train_builtin.py evaluate`, through Sotto's own engine with the settings of a conversation (temperature 0.7,
seed 0), on prompts written by hand, checked by rules. The failures of the first four sets in `scripts/builtin` were
looked at while phrases were added to the training; `fifth.toml` was written by somebody who had not seen the phrases, and
asked once. No phrase of the training can say what is judged, the last thing said in each; plain statements before it
("My name is …") may be alike. What people say first is in the training, so these are the odd ones.

| category |{names}
|---|{lines}
{rows}

{broken} of {inputs} random conversations (letters, bytes, words in no order, marks of the template) had an empty or broken
answer.
"""


def write(model: Path, results: Mapping[str, Sequence[Judged]], inputs: int, broken: int) -> Path:
    """Write the card beside the model, with the results of each test set."""
    from gguf import GGUFReader

    fields = GGUFReader(model).fields
    categories = dict.fromkeys(result.prompt.category for judged in results.values() for result in judged)
    data = model.read_bytes()
    path = model.with_name("CARD.md")
    path.write_text(
        _TEXT.format(
            name=model.name,
            megabytes=len(data) / 1e6,
            digest=hashlib.sha256(data).hexdigest(),
            layers=fields["llama.block_count"].contents(),
            width=fields["llama.embedding_length"].contents(),
            heads=fields["llama.attention.head_count"].contents(),
            vocabulary=fields["llama.vocab_size"].contents(),
            context=fields["llama.context_length"].contents(),
            names="".join(f" {name}.toml |" for name in results),
            lines="---:|" * len(results),
            rows="\n".join(_row(name, name, results) for name in categories) + f"\n{_row('', '**all**', results)}",
            inputs=inputs,
            broken=broken,
        ),
        "utf-8",
    )
    return path


def _row(category: str, named: str, results: Mapping[str, Sequence[Judged]]) -> str:
    """How many of a category, or of all, were right in each test set."""
    cells = [
        [result.right for result in judged if not category or result.prompt.category == category]
        for judged in results.values()
    ]
    return f"| {named} |" + "".join(f" {sum(right)} of {len(right)} |" for right in cells)
