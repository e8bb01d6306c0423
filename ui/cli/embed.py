"""`sotto embed`, `similarity`, `rerank` and `vector`: texts as vectors, and what one can do with them."""

from __future__ import annotations

import json as jsonlib
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from shared.errors import SottoError
from ui.cli.options import Json
from ui.cli.session import Session, console, errors

if TYPE_CHECKING:
    from services.embedding.direct import Direct
    from services.embedding.port import Info
    from shared.pcm import Floats

__all__ = ["VectorUnusable", "app", "convert_model"]

app = typer.Typer(rich_markup_mode=None)
vector = typer.Typer(
    help="Distance, average, arithmetic and search; a vector is a text, or JSON numbers in brackets.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
app.add_typer(vector, name="vector")

Model = Annotated[str, typer.Option(help="An installed model, its folder, or lexical; else the best that is here.")]
Top = Annotated[int, typer.Option(min=1, help="How many to show.")]
Form = Literal["float", "base64", "fp16", "int8", "binary"]

_MEANT = re.compile(r"\s*\[(?:[-+.,eE0-9\s]++|NaN|Infinity)*+\]?\s*")
"""What is meant for a vector, whole or broken: numbers in brackets and nothing else. The rest is text."""


class VectorUnusable(SottoError):
    """What was given in brackets is no vector, or not one of the same length."""


@app.command()
def embed(
    context: typer.Context,
    texts: Annotated[list[str] | None, typer.Argument(help="Texts; without any, the lines of standard input.")] = None,
    model: Model = "",
    purpose: Annotated[
        Literal["", "query", "passage"], typer.Option(help="query or passage, for models that ask.")
    ] = "",
    dimensions: Annotated[int, typer.Option(min=0, help="Keep the first so many, made whole again.")] = 0,
    form: Annotated[Form, typer.Option(help="float, base64, fp16, int8 or binary.")] = "float",
    json: Json = False,
) -> None:
    """Print a vector for each text, one on a line."""
    from services.embedding.vectors import written
    from ui.cli.session import print_json

    texts = texts or _lines()
    with _embedding(context, model) as encoder:
        rows, passages = encoder.embed_told(texts, purpose, dimensions)
        for text, row, passage in zip(texts, rows, passages, strict=True):
            value = written(row, form)
            if json:
                told = {"model": encoder.info.model, "engine": encoder.info.engine, "dimensions": len(row)}
                told |= {"fingerprint": encoder.info.fingerprint, "tokens": len(passage.ids)}
                print_json({"text": text, **told, "truncated": passage.truncated, "vector": value})
            else:
                sys.stdout.write((value if isinstance(value, str) else jsonlib.dumps(value)) + "\n")


@app.command()
def similarity(
    context: typer.Context,
    text: str,
    others: Annotated[list[str], typer.Argument(help="What to compare it with.")],
    model: Model = "",
    json: Json = False,
) -> None:
    """Print how near each text is to the first one: 1 for the same, 0 for nothing in common."""
    with _embedding(context, model) as encoder:
        _print(_scored(encoder, text, others), json=json)


@app.command()
def rerank(
    context: typer.Context,
    query: str,
    texts: Annotated[list[str] | None, typer.Argument(help="Texts; without any, the lines of standard input.")] = None,
    top: Top = 10,
    model: Model = "",
    json: Json = False,
) -> None:
    """Print the texts that answer a query best, the best first."""
    from services.app import reranker

    session: Session = context.obj
    texts = texts or _lines()
    with reranker(session.settings, model) as opened:
        _say_meaning(opened.info, model)
        found = opened.rerank(query, texts)
    scored = sorted(zip(found.scores, texts, strict=True), key=lambda one: -one[0])[:top]
    _print(scored, json=json, model=found.model, method=found.method)


@vector.command()
def distance(context: typer.Context, first: str, second: str, model: Model = "", json: Json = False) -> None:
    """Print the cosine of two vectors, and how far they are from each other (Euclid)."""
    import numpy as np

    from services.embedding.vectors import cosine
    from ui.cli.session import print_json

    one, two = _vectors(context, model, [first, second])
    facts = {"cosine": float(cosine(one[None], two[None])[0, 0]), "euclidean": float(np.linalg.norm(one - two))}
    if json:
        print_json(facts)
    else:
        console().print(f"cosine {facts['cosine']:.4f}, distance {facts['euclidean']:.4f}")


@vector.command()
def average(context: typer.Context, vectors: list[str], model: Model = "") -> None:
    """Print the vector in the middle of all, of length 1."""
    _print_sum(_vectors(context, model, vectors))


@vector.command()
def arithmetic(
    context: typer.Context,
    vectors: Annotated[list[str], typer.Argument(help="Vectors to add.")],
    minus: Annotated[list[str] | None, typer.Option(help="Vector to take away; may be repeated.")] = None,
    model: Model = "",
) -> None:
    """Print the sum of vectors less others, of length 1."""
    rows = _vectors(context, model, [*vectors, *(minus or [])])
    rows[len(vectors) :] *= -1
    _print_sum(rows)


@vector.command()
def search(
    context: typer.Context,
    query: Annotated[str, typer.Argument(help="A text, or a vector.")],
    file: Annotated[Path, typer.Argument(help="A text or a vector on each line.", exists=True, dir_okay=False)],
    top: Top = 10,
    model: Model = "",
    json: Json = False,
) -> None:
    """Print the lines of a file that are nearest to a query."""
    from services.embedding.vectors import nearest

    lines = [line for line in file.read_text(encoding="utf-8", errors="replace").splitlines() if line.strip()]
    rows = _vectors(context, model, [query, *lines])
    _print([(score, lines[place]) for place, score in nearest(rows[0], rows[1:], top)], json=json)


def convert_model(
    context: typer.Context,
    model: Annotated[
        str, typer.Argument(help="An installed embedding model, a folder in the form of the hub, or an archive.")
    ],
    to: Annotated[Path | None, typer.Option(help="Folder to write; by default beside the model.")] = None,
    precision: Annotated[
        Literal["bf16", "fp16", "fp32", "int8"],
        typer.Option(help="bf16 is nearly exact; int8 is smaller, faster and less so."),
    ] = "bf16",
    archive: Annotated[
        Path | None, typer.Option(help="Also write the result to this Parquet file, compressed, for keeping.")
    ] = None,
    json: Json = False,
) -> None:
    """Convert an embedding model to one Arrow file that is used where it lies, and check what it computes."""
    from services.app import shelf
    from services.embedding.archive import ENDING, archived, unpack
    from services.embedding.checking import converted_and_checked
    from services.embedding.models import folder_of
    from ui.cli.session import print_json

    if model.endswith(ENDING):
        folder = to or Path(model).with_suffix("")
        unpack(Path(model), folder)
        console().print(f"Unpacked to {folder}: name it to `--model`.", soft_wrap=True)
        return
    found = converted_and_checked(folder_of(shelf(context.obj.settings), model), to, precision)
    size = archived(Path(found["folder"]), archive) if archive is not None else 0
    if json:
        print_json({**found, "archive_bytes": size})
        return
    console().print(
        f"Written to {found['folder']}: {found['bytes'] / 1e6:.1f} MB, {found['saved']:.0%} saved.", soft_wrap=True
    )
    console().print(
        f"Cosine to the exact weights at least {found['cosine']:.6f} over {found['texts']} texts. "
        f"{found['engine']} ({found['detail']}): {found['ms']:.2f} ms a text, {found['reference_ms']:.2f} by numpy.",
        soft_wrap=True,
    )
    if archive is not None:
        console().print(f"Archived in {archive}: {size / 1e6:.1f} MB.", soft_wrap=True)


def _embedding(context: typer.Context, model: str) -> Direct:
    """What embeds; says on standard error when it knows no meaning, unless that was asked for."""
    from services.app import embedding

    session: Session = context.obj
    encoder = embedding(session.settings, model)
    _say_meaning(encoder.info, model)
    return encoder


def _say_meaning(info: Info, asked: str) -> None:
    if not info.meaning and asked != info.model:
        errors().print(f"No embedding model is installed: {info.detail}.", style="yellow", soft_wrap=True)


def _scored(encoder: Direct, text: str, texts: Sequence[str]) -> list[tuple[float, str]]:
    from services.embedding.vectors import cosine

    scores = cosine(encoder.embed([text]), encoder.embed(texts))[0]
    return [(float(score), text) for score, text in zip(scores, texts, strict=True)]


def _vectors(context: typer.Context, model: str, given: Sequence[str]) -> Floats:
    """The vectors that are texts or numbers; only texts ask for a model. Raises VectorUnusable."""
    import numpy as np

    numeric = [_MEANT.fullmatch(text) is not None for text in given]
    texts = [text for text, is_numbers in zip(given, numeric, strict=True) if not is_numbers]
    rows: list[Floats] = []
    if texts:
        with _embedding(context, model) as encoder:
            rows = list(encoder.embed(texts))
    known = iter(rows)
    whole = [_numbers(text) if is_numbers else next(known) for text, is_numbers in zip(given, numeric, strict=True)]
    lengths = sorted({len(row) for row in whole})
    if len(lengths) > 1:
        raise VectorUnusable(f"Vectors of {lengths[0]} and {lengths[-1]} numbers do not compare.")
    return np.stack(whole)


def _numbers(text: str) -> Floats:
    import numpy as np

    try:
        with np.errstate(over="ignore"):
            row = np.asarray(jsonlib.loads(text), dtype=np.float32)
    except (ValueError, OverflowError) as error:
        raise VectorUnusable(f"{text[:60]} is no vector.", remedy="Write [0.1, 0.2, …].") from error
    if not len(row) or not np.isfinite(row).all():
        raise VectorUnusable(f"{text[:60]} is no vector.", remedy="Write finite numbers: [0.1, 0.2, …].")
    return row


def _print_sum(rows: Floats) -> None:
    from services.embedding.vectors import normalised

    sys.stdout.write(jsonlib.dumps([float(x) for x in normalised(rows.sum(axis=0, keepdims=True))[0]]) + "\n")


def _print(scored: Sequence[tuple[float, str]], *, json: bool, **told: str) -> None:
    from ui.cli.session import print_json

    for score, text in scored:
        if json:
            print_json({"score": score, "text": text, **told})
        else:
            console().print(f"{score:6.3f}  {text}", soft_wrap=True)


def _lines() -> list[str]:
    """Texts from standard input, a line each."""
    return [line.rstrip("\n") for line in sys.stdin if line.strip()]
