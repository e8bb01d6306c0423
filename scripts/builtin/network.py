"""The network: a small Llama as llama.cpp computes it, so that its weights are written to a GGUF as they are.

Rotary positions turn neighbouring pairs, norms are RMS norms, the feed-forward is gated by SiLU, and the embedding of
tokens is also the output's matrix.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

__all__ = ["Network", "Shape"]

_SPREAD = 0.02


@dataclass(frozen=True, slots=True)
class Shape:
    """The sizes of a network; widths are multiples of 32, the block of Q8_0."""

    vocabulary: int
    context: int = 512
    width: int = 192
    layers: int = 4
    heads: int = 6
    inner: int = 512
    rope_base: float = 100_000.0
    epsilon: float = 1e-5

    @property
    def head(self) -> int:
        """The width of one head."""
        return self.width // self.heads

    def sizes(self) -> dict[str, float]:
        """The same, to be written down."""
        return asdict(self)


class _Attention(nn.Module):
    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.heads = shape.heads
        self.q = nn.Linear(shape.width, shape.width, bias=False)
        self.k = nn.Linear(shape.width, shape.width, bias=False)
        self.v = nn.Linear(shape.width, shape.width, bias=False)
        self.o = nn.Linear(shape.width, shape.width, bias=False)

    def forward(self, x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
        rows, length, width = x.shape
        q, k, v = (
            each(x).view(rows, length, self.heads, width // self.heads).transpose(1, 2)
            for each in (self.q, self.k, self.v)
        )
        with torch.autocast("cpu", enabled=False):  # written out: heads are so narrow that the fused form is slower
            q, k = _turned(q, cos, sin).to(v.dtype), _turned(k, cos, sin).to(v.dtype)
            seen = q * q.shape[-1] ** -0.5 @ k.transpose(-1, -2)
            later = torch.full((length, length), float("-inf"), dtype=seen.dtype).triu(1)
            mixed = (seen + later).softmax(-1) @ v
        result: Tensor = self.o(mixed.transpose(1, 2).reshape(rows, length, width))
        return result


class _FeedForward(nn.Module):
    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.gate = nn.Linear(shape.width, shape.inner, bias=False)
        self.up = nn.Linear(shape.width, shape.inner, bias=False)
        self.down = nn.Linear(shape.inner, shape.width, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        result: Tensor = self.down(functional.silu(self.gate(x)) * self.up(x))
        return result


class _Layer(nn.Module):
    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.before_attention = nn.RMSNorm(shape.width, eps=shape.epsilon)
        self.attention = _Attention(shape)
        self.before_feed = nn.RMSNorm(shape.width, eps=shape.epsilon)
        self.feed = _FeedForward(shape)

    def forward(self, x: Tensor, cos: Tensor, sin: Tensor, at: Tensor | None) -> Tensor:
        x = x + self.attention(self.before_attention(x), cos, sin)
        if at is not None:
            x = x.reshape(-1, x.shape[-1])[at]
        result: Tensor = x + self.feed(self.before_feed(x))
        return result


class Network(nn.Module):
    """Gives the next token's logits at the positions that are asked for."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape
        self.tokens = nn.Embedding(shape.vocabulary, shape.width)
        self.layers = nn.ModuleList(_Layer(shape) for _ in range(shape.layers))
        self.last = nn.RMSNorm(shape.width, eps=shape.epsilon)
        turns = shape.rope_base ** (-torch.arange(0, shape.head, 2) / shape.head)
        angles = torch.outer(torch.arange(shape.context), turns)
        self.register_buffer("cos", angles.cos(), persistent=False)
        self.register_buffer("sin", angles.sin(), persistent=False)
        self.apply(_begun)
        for layer in self.layers:
            for matrix in (layer.attention.o, layer.feed.down):
                nn.init.zeros_(matrix.weight)
        self._prime()

    def forward(self, ids: Tensor, at: Tensor) -> Tensor:
        """`ids` is rows by length, `at` the flat positions whose logits are wanted."""
        x = self.tokens(ids)
        cos, sin = self.cos[: ids.shape[1]], self.sin[: ids.shape[1]]
        for index, layer in enumerate(self.layers):
            x = layer(x, cos, sin, at if index == self.shape.layers - 1 else None)
        return functional.linear(self.last(x), self.tokens.weight)

    @torch.no_grad()
    def _prime(self) -> None:
        """Begin with heads that copy: one looks at the token before, two look for what came after the same token.

        Training finds such induction heads by itself (Olsson et al. 2022), but only after most of an hour. One number
        of each embedding is constant, for what depends on the place alone.
        """
        width, head = self.shape.width, self.shape.head
        basis = torch.zeros(width, width)
        basis[1:, 1:] = torch.linalg.qr(torch.randn(width - 1, width - 1)).Q
        own, before, first, second = (basis[1 + i * head : 1 + (i + 1) * head] for i in range(4))
        embedding = self.tokens.weight
        embedding -= embedding @ before.T @ before  # room for the token before
        embedding[:, 0] = 3 * _SPREAD
        one, two = self.layers[0].attention, self.layers[1].attention
        one.q.weight[:head] = one.k.weight[:head] = 0
        for pair, turn in enumerate(self.shape.rope_base ** (-torch.arange(0, 8, 2) / head)):
            one.q.weight[2 * pair, 0] = 3 * torch.cos(turn)
            one.q.weight[2 * pair + 1, 0] = -3 * torch.sin(turn)
            one.k.weight[2 * pair, 0] = 3
        one.v.weight[:head] = own
        one.o.weight[:, :head] = _SPREAD * before.T
        slow = 12  # from here on pairs hardly turn within a conversation
        for index, value in enumerate((first, second)):
            rows = slice(index * head, (index + 1) * head)
            two.q.weight[rows] = two.k.weight[rows] = 0
            two.q.weight[index * head + slow : (index + 1) * head] = 1.8 * own[slow:]
            two.k.weight[index * head + slow : (index + 1) * head] = 1.8 * before[slow:]
            two.v.weight[rows] = value
            two.o.weight[:, rows] = 2 * _SPREAD * value.T


def _turned(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Turn neighbouring pairs by their position's angle."""
    even, odd = x[..., 0::2], x[..., 1::2]
    return torch.stack((even * cos - odd * sin, even * sin + odd * cos), dim=-1).flatten(-2)


def _begun(module: nn.Module) -> None:
    if isinstance(module, nn.Linear | nn.Embedding):
        nn.init.normal_(module.weight, std=_SPREAD)
