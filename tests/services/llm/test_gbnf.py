"""Grammars in which too much may be left out are told from those that llama.cpp gets through."""

from __future__ import annotations

import pytest

from services.llm.gbnf import refuse_ways
from services.llm.port import StructureImpossible


@pytest.mark.parametrize(
    "grammar",
    [
        'root ::= (("a"?){20}){20}',
        'root ::= (("a"?){ 0000000000020, }){19,20}',
        'root ::= x{20}\nx ::= y{20} # and so on\ny ::= "a"*',
        'root ::= x1 x1\nx1 ::= x2 "a" | x2 "b"\n'
        + "".join(f'x{i} ::= x{i + 1} "a" | x{i + 1} "b"\n' for i in range(2, 20)),
        'root ::= "x" ([a-z]{0,40} | "" | "(" ")"){0,9} "y"',
        "root ::= "
        + "x " * 7
        + '\nx ::= [^)"] y y y y y\ny ::= z z z z z\nz ::= "a"? "b"? "c"? "d"? "e"? "f"? "g"? "h"? "i"?',
        "root ::= " + '"a"? ' * 201,
    ],
    ids=range(7),
)
def test_too_many_things_that_may_be_left_out(grammar: str) -> None:
    with pytest.raises(StructureImpossible, match="more than"):
        refuse_ways(grammar)


@pytest.mark.parametrize(
    "grammar",
    [
        'root ::= (("a"?){10}){20}',
        'root ::= "[" ([a-z]{1,64} ","){0,50} "]"',
        'root ::= line{2000}\nline ::= "(" [^\\]"]* ")" "\\n"',
        'root ::= "{{{{" root "?"? | "" | [{(]{500}',
        "root ::= word? word\nword ::= " + " | ".join(f'"{i}"' for i in range(1000)),
        "no grammar at all {9} ??? ((",
        'root ::= "' + '\\"' * 100_000,
        "root ::= " + "[" * 250_000,
        "root ::= x{" + " " * 250_000,
        "root ::= x{" + "1" * 250_000,
        "",
    ],
    ids=range(11),
)
def test_what_is_followed(grammar: str) -> None:
    """Repeated as often as one likes, as long as it is something."""
    refuse_ways(grammar)
