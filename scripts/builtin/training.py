"""Training: batches of conversations, steps, and checkpoints from which it goes on where it was."""

from __future__ import annotations

import copy
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import torch
from tokenizers import Tokenizer
from torch.nn import functional

from scripts.builtin.dialogues import dialogue
from scripts.builtin.network import Network, Shape
from scripts.builtin.vocabulary import encoded

__all__ = ["Batch", "Plan", "averaged", "batches", "restored", "train"]

_LENGTHS = (40, 72, 104, 136, 176, 240, 320, 448)
_HEARD = 0.15
"""What a person says counts so much: it teaches which words are of a kind, and where words come again."""
_HELD_BACK = 10_000_000
"""Conversations from this number on are learned from; the vocabulary was made of those before."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How long and how fast is learned. The rates follow the clock: on a busy machine they still end at nothing."""

    minutes: float
    threads: int = 2
    """Each learns from batches of its own, and none waits for another but at the end of a step."""
    tokens: int = 1800
    """In each batch, fillers included."""
    rate: float = 0.02
    """Of the matrices, by Muon (Jordan et al. 2024)."""
    small_rate: float = 0.004
    """Of the embedding and the norms, by Adam."""
    warm: int = 25
    """Steps until the rates are whole, also where it goes on from a checkpoint."""
    ends: float = 0.7
    """The last part of the time, in which rates fall to nothing."""
    save_s: float = 60

    def share(self, step: int, spent: float) -> float:
        """The part of the full rate at a step since the beginning, with so much of the time spent."""
        return min((step + 1) / self.warm, 1.0, max(0.0, (1.0 - spent) / self.ends))


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


def averaged(paths: Sequence[Path]) -> tuple[Network, int]:
    """The mean of the networks of checkpoints of one training, which errs less than each; and the most steps of any."""
    each = [restored(path) for path in paths]
    states = [network.state_dict() for network, _ in each]
    network = each[0][0]
    network.load_state_dict({name: torch.stack([state[name] for state in states]).mean(0) for name in states[0]})
    return network, max(int(kept["step"]) for _, kept in each)  # type: ignore[call-overload]


def train(folder: Path, tokenizer: Tokenizer, shape: Shape, plan: Plan) -> Path:
    """Learn until the plan's time is over; interrupted, the next call goes on from the last checkpoint. Returns that."""
    torch.manual_seed(0)
    path = folder / "checkpoint.pt"
    network, step, number, spent_s = Network(shape), 0, 0, 0.0
    kept: dict[str, object] = {}
    if path.exists():
        network, kept = restored(path)
        step, number, spent_s = int(kept["step"]), int(kept["number"]), float(kept.get("spent_s", 0.0))  # type: ignore[call-overload, arg-type]
    learner = _Learner(network, plan)
    if "optimisers" in kept:
        learner.restore(kept["optimisers"])  # type: ignore[arg-type]
    began = saved = time.monotonic()
    first, losses = step, []
    drawn = batches(tokenizer, plan.tokens, number)
    with ThreadPoolExecutor(plan.threads, initializer=torch.set_num_threads, initargs=(1,)) as threads:
        while (spent := (spent_s + time.monotonic() - began) / (plan.minutes * 60)) < 1:
            together = [next(drawn) for _ in range(plan.threads)]
            losses.append(learner.step(together, plan.share(step - first, spent), threads))
            step += 1
            if step % 20 == 0:
                mean = sum(losses) / len(losses)
                print(f"step {step}  loss {mean:.4f}  {spent * plan.minutes:.1f} min", flush=True)
                losses.clear()
            if time.monotonic() - saved > plan.save_s or spent >= 1:
                saved = time.monotonic()
                _save(path, network, learner.state(), step, together[-1].number, spent_s + saved - began)
    _save(path, network, learner.state(), step, together[-1].number, plan.minutes * 60)
    return path


class _Learner:
    """A network and its optimisers, with a copy for each thread that shares the weights and has gradients of its own."""

    def __init__(self, network: Network, plan: Plan) -> None:
        self.plan = plan
        self.copies = [network, *(copy.deepcopy(network) for _ in range(plan.threads - 1))]
        for other in self.copies[1:]:
            for mine, its in zip(network.parameters(), other.parameters(), strict=True):
                its.data = mine.data
        matrices = [p for layer in network.layers for p in layer.parameters() if p.ndim == 2]
        self.others = [p for p in network.parameters() if all(p is not matrix for matrix in matrices)]
        self.optimisers = (
            torch.optim.Muon(matrices, lr=plan.rate, momentum=0.95, weight_decay=0.01, adjust_lr_fn="original"),
            torch.optim.AdamW(self.others, lr=plan.small_rate, betas=(0.9, 0.95), weight_decay=0.0),
        )

    def state(self) -> list[dict[str, object]]:
        """That of the optimisers, for a checkpoint."""
        return [optimiser.state_dict() for optimiser in self.optimisers]

    def restore(self, states: list[dict[str, object]]) -> None:
        """Go on with the state of a checkpoint."""
        for optimiser, state in zip(self.optimisers, states, strict=True):
            optimiser.load_state_dict(state)

    def step(self, together: list[Batch], share: float, threads: ThreadPoolExecutor) -> float:
        """Learn from a batch for each thread. Returns the loss where the model speaks."""
        whole = float(sum((batch.counts == 1).sum() for batch in together))
        losses = list(threads.map(lambda network, batch: _learnt(network, batch, whole), self.copies, together))
        for same in zip(*(network.parameters() for network in self.copies), strict=True):
            for its in same[1:]:
                same[0].grad += its.grad
                its.grad = None
        torch.nn.utils.clip_grad_norm_(self.others, 1.0)
        for optimiser, rate in zip(self.optimisers, (self.plan.rate, self.plan.small_rate), strict=True):
            optimiser.param_groups[0]["lr"] = rate * share
            optimiser.step()
            optimiser.zero_grad()
        return sum(losses)


def _learnt(network: Network, batch: Batch, whole: float) -> float:
    """Add to the gradients; `whole` is how many places of all batches the model speaks at."""
    with torch.autocast("cpu", dtype=torch.bfloat16):
        logits = network(batch.ids, batch.at)
    each = functional.cross_entropy(logits.float(), batch.next, reduction="none")
    ((each * batch.counts).sum() / whole).backward()
    return float(each.detach()[batch.counts == 1].sum()) / whole


def _save(
    path: Path, network: Network, optimisers: list[dict[str, object]], step: int, number: int, spent_s: float
) -> None:
    """Write the checkpoint, whole or not at all."""
    part = path.with_suffix(".part")
    torch.save(
        {
            "shape": network.shape.sizes(),
            "network": network.state_dict(),
            "optimisers": optimisers,
            "step": step,
            "number": number,
            "spent_s": spent_s,
        },
        part,
    )
    part.replace(path)
