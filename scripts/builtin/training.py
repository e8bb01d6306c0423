"""Training: batches of conversations, steps, and checkpoints from which it goes on where it was."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
from tokenizers import Tokenizer
from torch.nn import functional

from scripts.builtin.dialogues import dialogue
from scripts.builtin.network import Network, Shape
from scripts.builtin.vocabulary import encoded

__all__ = ["Batch", "Plan", "batches", "restored", "train"]

_LENGTHS = (72, 136, 240, 448)
_HEARD = 0.15
"""What a person says counts so much: it teaches which words are of a kind, and where words come again."""
_HELD_BACK = 10_000_000
"""Conversations from this number on are learned from; the vocabulary was made of those before."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How long and how fast is learned."""

    steps: int
    tokens: int = 3072
    """In each step, fillers included."""
    rate: float = 0.02
    """Of the matrices, by Muon (Jordan et al. 2024)."""
    small_rate: float = 0.004
    """Of the embedding and the norms, by Adam."""
    warm: int = 60
    ends: float = 0.5
    """The last part of the steps, in which rates fall to nothing."""
    save_s: float = 60

    def share(self, step: int) -> float:
        """The part of the full rate at a step."""
        return min((step + 1) / self.warm, 1.0, max(0.0, (self.steps - step) / (self.steps * self.ends)))


@dataclass(frozen=True, slots=True)
class Batch:
    """Conversations of like length, one a row. `at` are the flat places from which the next token is foretold."""

    ids: torch.Tensor
    at: torch.Tensor
    next: torch.Tensor
    counts: torch.Tensor
    """How much a place counts: 1 where the model speaks, little where a person does, 0 where it only fills up."""
    number: int
    """The first conversation that is not in any batch yet."""


def batches(tokenizer: Tokenizer, size: int, start: int) -> Iterator[Batch]:
    """Batches of `size` tokens, from a conversation on."""
    waiting: dict[int, list[tuple[list[int], list[bool]]]] = {length: [] for length in _LENGTHS}
    number = start
    while True:
        ids, learn = encoded(dialogue(_HELD_BACK + number), tokenizer)
        number += 1
        length = next((length for length in _LENGTHS if len(ids) <= length), 0)
        if not length or not any(learn):
            continue
        waiting[length].append((ids, learn))
        if len(waiting[length]) * length + length > size:
            yield _batch(waiting[length], length, number)
            waiting[length] = []


def _batch(rows: list[tuple[list[int], list[bool]]], length: int, number: int) -> Batch:
    ids = torch.zeros(len(rows), length, dtype=torch.long)
    counts = torch.zeros(len(rows), length)
    for row, (tokens, marks) in enumerate(rows):
        ids[row, : len(tokens)] = torch.tensor(tokens)
        counts[row, 1 : len(marks)] = torch.where(torch.tensor(marks[1:]), 1.0, _HEARD)
    counts = counts.flatten()
    room = len(rows) * length * 5 // 8  # always as many, so that the compiled step fits every batch of a length
    shuffled = torch.rand(len(counts), generator=torch.Generator().manual_seed(number))
    places = torch.argsort(counts + shuffled * _HEARD / 2, descending=True)[:room]
    return Batch(ids, (places - 1).clamp(min=0), ids.flatten()[places], counts[places], number)


def restored(path: Path) -> tuple[Network, dict[str, object]]:
    """The network of a checkpoint, and what else it holds."""
    kept: dict[str, object] = torch.load(path, weights_only=True)
    network = Network(Shape(**kept["shape"]))  # type: ignore[arg-type]
    network.load_state_dict(kept["network"])  # type: ignore[arg-type]
    return network, kept


def train(folder: Path, tokenizer: Tokenizer, shape: Shape, plan: Plan) -> Path:
    """Learn until the plan's end; interrupted, the next call goes on from the last checkpoint. Returns that."""
    torch.manual_seed(0)
    path = folder / "checkpoint.pt"
    network, step, number = Network(shape), 0, 0
    kept: dict[str, object] = {}
    if path.exists():
        network, kept = restored(path)
        step, number = int(kept["step"]), int(kept["number"])  # type: ignore[call-overload]
    matrices = [p for layer in network.layers for p in layer.parameters() if p.ndim == 2]
    others = [p for p in network.parameters() if all(p is not matrix for matrix in matrices)]
    optimisers = (
        torch.optim.Muon(matrices, lr=plan.rate, momentum=0.95, weight_decay=0.01, adjust_lr_fn="original"),
        torch.optim.AdamW(others, lr=plan.small_rate, betas=(0.9, 0.95), weight_decay=0.0),
    )
    if "optimisers" in kept:
        for optimiser, state in zip(optimisers, kept["optimisers"], strict=True):  # type: ignore[call-overload]
            optimiser.load_state_dict(state)
    forward = torch.compile(network, dynamic=False)
    began = saved = time.monotonic()
    losses: list[float] = []
    for batch in batches(tokenizer, plan.tokens, number):
        if step >= plan.steps:
            break
        for optimiser, rate in zip(optimisers, (plan.rate, plan.small_rate), strict=True):
            optimiser.param_groups[0]["lr"] = rate * plan.share(step)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            logits = forward(batch.ids, batch.at)
        each = functional.cross_entropy(logits.float(), batch.next, reduction="none")
        loss = (each * batch.counts).sum() / (batch.counts == 1).sum()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(others, 1.0)
        for optimiser in optimisers:
            optimiser.step()
            optimiser.zero_grad()
        step += 1
        with torch.no_grad():
            losses.append((each[batch.counts == 1]).mean().item())
        if step % 20 == 0:
            mean = sum(losses) / len(losses)
            print(f"step {step}  loss {mean:.4f}  {(time.monotonic() - began) / 60:.1f} min", flush=True)
            losses.clear()
        if time.monotonic() - saved > plan.save_s:
            _save(path, network, optimisers, step, batch.number)
            saved = time.monotonic()
    _save(path, network, optimisers, step, batch.number)
    return path


def _save(path: Path, network: Network, optimisers: tuple[torch.optim.Optimizer, ...], step: int, number: int) -> None:
    """Write the checkpoint, whole or not at all."""
    part = path.with_suffix(".part")
    torch.save(
        {
            "shape": network.shape.sizes(),
            "network": network.state_dict(),
            "optimisers": [optimiser.state_dict() for optimiser in optimisers],
            "step": step,
            "number": number,
        },
        part,
    )
    part.replace(path)
