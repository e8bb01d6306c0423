"""The vocabulary: byte pairs learned from the conversations themselves, cut as llama.cpp's "qwen2" cuts, each digit alone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers

from scripts.builtin.dialogues import Line, dialogue

__all__ = ["CALL", "CALLED", "END", "ROLES", "SPECIAL", "encoded", "learned", "opened"]

ROLES = {"user": "<|user|>", "assistant": "<|assistant|>", "tool": "<|tool|>"}
END, CALL, CALLED = "<|end|>", "<tool_call>", "</tool_call>"
SPECIAL = (END, *ROLES.values(), CALL, CALLED)

_CUT = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
"""How llama.cpp's "qwen2" cuts a text (llama.cpp: src/llama-vocab.cpp)."""


def learned(size: int, dialogues: int) -> Tokenizer:
    """Learn the byte pairs of so many conversations."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(_CUT), "isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=size,
        special_tokens=list(SPECIAL),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(_texts(dialogues), trainer)
    return tokenizer


def _texts(dialogues: int) -> Iterator[str]:
    for number in range(dialogues):
        for line in dialogue(number):
            yield from (f" {line.text}".replace(CALL, "").replace(CALLED, ""),)


def opened(path: Path) -> Tokenizer:
    """The vocabulary of a file."""
    return Tokenizer.from_file(str(path))


def encoded(lines: list[Line], tokenizer: Tokenizer) -> tuple[list[int], list[bool]]:
    """The tokens of a conversation, and for each whether the model is to say it itself."""
    ids: list[int] = []
    learn: list[bool] = []
    for line in lines:
        text = line.text if line.text.startswith(CALL) else f" {line.text}"
        said = tokenizer.encode(f"{text}{END}", add_special_tokens=False).ids
        ids += [tokenizer.token_to_id(ROLES[line.role]), *said]
        learn += [False, *[line.learn] * len(said)]
    return ids, learn
