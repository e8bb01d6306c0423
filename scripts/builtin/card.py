"""The card: what the model is, how it was made, what it can and cannot do, in figures that the evaluation measured."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

from scripts.builtin.evaluation import Judged

__all__ = ["write"]

_TEXT = """# sotto-builtin

A model made from nothing: with `llm.builtin = true` Sotto talks with it
while no larger one is installed. `sotto models pull` gets one.

| | |
|---|---|
| file | `{name}`, {megabytes:.1f} MB, SHA-256 `{digest}` |
| architecture | llama, {layers} layers, {width} wide, {heads} heads, {vocabulary} tokens, 16 bits a weight |
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
seed 0), on {count} prompts written by hand (`scripts/builtin/held_out.toml`), checked by rules. No phrase of the training
can say what is judged, the last thing said in each; plain statements before it ("My name is …") may be alike.

| category | right | of |
|---|---:|---:|
{rows}
| **all** | **{right}** | **{count}** |

{broken} of {inputs} random conversations (letters, bytes, words in no order, marks of the template) had an empty or broken
answer.
"""


def write(model: Path, results: Sequence[Judged], inputs: int, broken: int) -> Path:
    """Write the card beside the model."""
    from gguf import GGUFReader

    fields = GGUFReader(model).fields
    categories = dict.fromkeys(result.prompt.category for result in results)
    rows = "\n".join(
        f"| {name} | {sum(r.right for r in results if r.prompt.category == name)} "
        f"| {sum(r.prompt.category == name for r in results)} |"
        for name in categories
    )
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
            rows=rows,
            right=sum(result.right for result in results),
            count=len(results),
            inputs=inputs,
            broken=broken,
        ),
        "utf-8",
    )
    return path
