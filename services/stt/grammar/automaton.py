"""A finite automaton over words: built from pieces with spaces and empty arcs, then made deterministic and minimal.

Arcs carry a piece of text, `SPACE` (a word ends here) or `EMPTY`. Templates glue pieces into words ("light[s]"), so
words exist only after `words()` has walked from one space to the next.
"""

from __future__ import annotations

import math
from collections import defaultdict, deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

__all__ = ["EMPTY", "RARE", "SPACE", "GrammarTooLarge", "Pieces", "WordGraph"]

from shared.errors import SottoError

EMPTY = ""
SPACE = " "
RARE = "~"
"""Ends a word that is seldom said at this place."""


class GrammarTooLarge(SottoError):
    """The sentences make a grammar that is larger than recognition can search in real time."""


@dataclass(slots=True)
class WordGraph:
    """A deterministic automaton: `arcs[state][word]` is the next state; 0 is the start."""

    arcs: list[dict[str, int]]
    finals: frozenset[int]

    @property
    def vocabulary(self) -> frozenset[str]:
        """Every word on an arc, without its mark."""
        return frozenset(word.removesuffix(RARE) for arcs in self.arcs for word in arcs)

    @property
    def size(self) -> int:
        """Number of arcs."""
        return sum(len(arcs) for arcs in self.arcs)

    def accepts(self, words: list[str]) -> bool:
        """True when the words are one of the sentences."""
        state: int | None = 0
        for word in words:
            if state is None:
                return False
            state = self.arcs[state].get(word, self.arcs[state].get(word + RARE))
        return state in self.finals

    def surprise(self, words: Sequence[str]) -> float:
        """Return the nats by which the words surprise who knows the graph and holds every way on for equally likely.

        Infinite for what is no sentence.
        """
        state, nats = 0, 0.0
        for word in words:
            ways = self.arcs[state]
            if word not in ways:
                return math.inf
            nats += math.log(len(ways) + (state in self.finals))
            state = ways[word]
        return nats + math.log(len(self.arcs[state]) + 1) if state in self.finals else math.inf

    def without(self, words: frozenset[str]) -> WordGraph:
        """Return the graph without any sentence that holds one of `words`."""
        arcs = [{w: to for w, to in out.items() if w.removesuffix(RARE) not in words} for out in self.arcs]
        return _minimal(_useful(WordGraph(arcs, self.finals)))


@dataclass(slots=True)
class Pieces:
    """A nondeterministic automaton under construction; 0 is the start."""

    limit: int
    """Most arcs it may have; beyond it `arc` raises GrammarTooLarge."""
    arcs: list[list[tuple[str, int]]] = field(default_factory=lambda: [[]])
    finals: set[int] = field(default_factory=set)
    count: int = 0

    def state(self) -> int:
        """Return a new state."""
        self.arcs.append([])
        return len(self.arcs) - 1

    def arc(self, source: int, label: str, target: int) -> None:
        """Add an arc."""
        self.count += 1
        if self.count > self.limit:
            raise GrammarTooLarge(f"The skills' sentences make more than {self.limit} arcs.")
        self.arcs[source].append((label, target))

    def text(self, source: int, text: str) -> int:
        """Add a path for `text`, whose spaces separate words; return its last state."""
        for index, piece in enumerate(text.split(SPACE)):
            if index:
                source = self._step(source, SPACE)
            if piece:
                source = self._step(source, piece)
        return source

    def graph(self, source: int, graph: WordGraph, target: int) -> None:
        """Add the paths of a graph without cycles, from `source` to `target`."""
        before = {0: source}
        behind: dict[int, int] = {}
        for state in _ahead(graph):
            for word, to in graph.arcs[state].items():
                if to not in behind:
                    behind[to] = self.state()
                    if graph.arcs[to]:
                        before[to] = self._step(behind[to], SPACE)
                    if to in graph.finals:
                        self.arc(behind[to], EMPTY, target)
                self.arc(before[state], word, behind[to])

    def words(self) -> WordGraph:
        """Return the minimal deterministic graph of whole words. The automaton must hold no cycle of empty arcs."""
        by_word: list[dict[str, set[int]]] = []
        finals: set[int] = set()
        subsets: dict[frozenset[int], int] = {frozenset((0,)): 0}
        queue = deque(subsets)
        while queue:
            subset = queue.popleft()
            out, final = self._leaving(subset)
            if final:
                finals.add(subsets[subset])
            by_word.append(out)
            for targets in out.values():
                if (key := frozenset(targets)) not in subsets:
                    subsets[key] = len(subsets)
                    queue.append(key)
            if len(subsets) > self.limit:
                raise GrammarTooLarge(f"The skills' sentences make more than {self.limit} states.")
        arcs = [{word: subsets[frozenset(to)] for word, to in out.items()} for out in by_word]
        return _minimal(_useful(WordGraph(arcs, frozenset(finals))))

    def _leaving(self, subset: frozenset[int]) -> tuple[dict[str, set[int]], bool]:
        """Words that lead from the states of `subset` to states behind a space, and whether a sentence may end."""
        out: dict[str, set[int]] = defaultdict(set)
        final = False
        for state in subset:
            for word, target in self._walk(state):
                if target is None and not word:
                    final = True
                elif target is None:
                    out[word].add(self._end)
                else:
                    out[word].add(target)
        return out, final or self._end in subset

    _end = -1
    """A state behind the last word of a sentence."""

    def _walk(self, start: int) -> Iterator[tuple[str, int | None]]:
        if start == self._end:
            return
        seen = {(start, "")}
        stack = [(start, "")]
        while stack:
            state, word = stack.pop()
            if state in self.finals:
                yield word, None
            for label, target in self.arcs[state]:
                if label == SPACE and word:
                    yield word, target
                    continue
                step = (target, word if label == SPACE else word + label)
                if step not in seen:
                    seen.add(step)
                    stack.append(step)

    def _step(self, source: int, label: str) -> int:
        target = self.state()
        self.arc(source, label, target)
        return target


def _ahead(graph: WordGraph) -> Iterator[int]:
    """The states from the start on, each after one that leads to it."""
    seen, queue = {0}, deque((0,))
    while queue:
        yield (state := queue.popleft())
        for to in graph.arcs[state].values():
            if to not in seen:
                seen.add(to)
                queue.append(to)


def _useful(graph: WordGraph) -> WordGraph:
    """Keep the states that lie on a way from the start to an end (the start always stays)."""
    into: dict[int, set[int]] = defaultdict(set)
    for source, out in enumerate(graph.arcs):
        for target in out.values():
            into[target].add(source)
    useful = _reach(set(graph.finals), into) & _reach({0}, {s: set(o.values()) for s, o in enumerate(graph.arcs)})
    order = [0, *sorted(useful - {0})]
    number = {state: i for i, state in enumerate(order)}
    arcs = [{w: number[t] for w, t in graph.arcs[s].items() if t in useful} for s in order]
    return WordGraph(arcs, frozenset(number[s] for s in graph.finals if s in number))


def _reach(found: set[int], edges: dict[int, set[int]]) -> set[int]:
    queue = deque(found)
    while queue:
        for target in edges.get(queue.popleft(), ()):
            if target not in found:
                found.add(target)
                queue.append(target)
    return found


def _minimal(graph: WordGraph) -> WordGraph:
    """Merge states that no word sequence tells apart (Moore's refinement)."""
    blocks = [int(state in graph.finals) for state in range(len(graph.arcs))]
    while True:
        keys: dict[tuple[int, frozenset[tuple[str, int]]], int] = {}
        refined = [
            keys.setdefault((blocks[s], frozenset((w, blocks[t]) for w, t in out.items())), len(keys))
            for s, out in enumerate(graph.arcs)
        ]
        if len(keys) == len(set(blocks)):
            break
        blocks = refined
    blocks = refined
    arcs: list[dict[str, int]] = [{} for _ in range(max(blocks) + 1)]
    for state, out in enumerate(graph.arcs):
        arcs[blocks[state]] = {w: blocks[t] for w, t in out.items()}
    return WordGraph(arcs, frozenset(blocks[s] for s in graph.finals))
