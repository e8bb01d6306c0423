"""Documents: a file becomes passages, cut where its author cut it, each with its place in the file.

Text is cut at paragraphs, Markdown and HTML at headings first, a PDF at pages first. A passage has about a page's
paragraph (900 letters), so that it answers one question and fits beside others.
"""

from __future__ import annotations

import contextlib
import hashlib
import html.parser
import os
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from services.memory.errors import UnreadableDocument
from services.memory.item import Item
from services.memory.store import Document, Store
from services.memory.words import safe

if TYPE_CHECKING:
    from pypdf import PdfReader

__all__ = ["KNOWN", "File", "add", "keep", "opened", "passages", "read"]

_LONG = 900
"""Letters of a passage."""
_MOST_BYTES = 50_000_000
_MOST_PAGES = 5000

Section = tuple[str, str]
"""A place in the file, and its text."""


@dataclass(frozen=True, slots=True)
class File:
    """A file as it was read."""

    path: Path
    """Without links."""
    modified: int
    """Unix ns, from before it was read."""
    data: bytes
    sha256: str


def add(store: Store, path: Path) -> int:
    """Keep a file's passages in the place of those that were kept of it; returns how many are new.

    A file that did not change is not read again (-1); one that was forgotten is. Raises UnreadableDocument, and then
    nothing changes, but that what was kept of a file that holds no text any more is gone.
    """
    return keep(store, opened(path))


def opened(path: Path) -> File:
    """Read a file; raises UnreadableDocument for one that cannot be, or is too large."""
    path = Path(os.path.realpath(path.expanduser()))
    modified = _modified(path)
    data = _bytes(path)
    return File(path, modified, data, hashlib.sha256(data).hexdigest())


def keep(store: Store, file: File, *, linked_in: str = "") -> int:
    """Keep a file that was read, as `add` does; `linked_in` is the watched folder whose link led to it."""
    path = str(file.path)
    if any(kept.path == path and kept.sha256 == file.sha256 for kept in store.documents()):
        store.touch_document(path, file.modified, linked_in)
        return -1
    sections = _sections(file.path, file.data)
    if not sections:
        raise _without_text(file.path, gone=store.delete_document(path) > 0)
    items = list(_items(file, sections))
    return store.keep_document(Document(path, file.sha256, file.modified, len(items), linked_in), items)


def read(path: Path, data: bytes) -> list[Section]:
    """Return a file's sections; raises UnreadableDocument for one without text."""
    sections = _sections(path, data)
    if not sections:
        raise _without_text(path, gone=False)
    return sections


def _sections(path: Path, data: bytes) -> list[Section]:
    reader = KNOWN.get(path.suffix.lower())
    if reader is None:
        raise UnreadableDocument(f"{path} is of no known kind.", remedy=f"Known are: {', '.join(sorted(KNOWN))}.")
    return [(place, text) for place, part in reader(path, data) if (text := safe(part))]


def _without_text(path: Path, *, gone: bool) -> UnreadableDocument:
    now = "holds no text any more; what was kept of it is gone" if gone else "holds no text"
    return UnreadableDocument(f"{path} {now}.", remedy="A scanned PDF needs its text recognised first.")


def passages(text: str, long: int = _LONG) -> Iterator[str]:
    """Cut a text at paragraphs, those that are too long at sentences, those at spaces."""
    held = ""
    for piece in _pieces(text, long):
        if held and len(held) + len(piece) + 2 > long:
            yield held
            held = ""
        held = f"{held}\n\n{piece}" if held else piece
    if held:
        yield held


def _pieces(text: str, long: int) -> Iterator[str]:
    for paragraph in re.split(r"\n\s*\n", text):
        rest, start = paragraph.strip(), 0
        while len(rest) - start > long:
            here = rest[start : start + long]
            end = max(here.rfind(mark) for mark in (". ", "! ", "? ", "\n"))
            cut = end + 1 if end > long // 3 else (here.rfind(" ") + 1 or long)
            yield here[:cut].strip()
            start += cut
            while rest[start].isspace():
                start += 1
        if rest:
            yield rest[start:]


def _items(file: File, sections: Iterable[Section]) -> Iterator[Item]:
    seen: set[str] = set()
    for place, section in sections:
        for text in passages(section):
            id_ = "d-" + hashlib.sha256(f"{file.path}\0{place}\0{text}".encode()).hexdigest()[:32]
            if id_ not in seen:
                seen.add(id_)
                yield Item(id=id_, what="document", text=text, at=file.modified, source=str(file.path), place=place)


def _modified(path: Path) -> int:
    with _readable(path):
        return path.stat().st_mtime_ns


def _bytes(path: Path) -> bytes:
    with _readable(path):
        if path.stat().st_size > _MOST_BYTES:
            raise UnreadableDocument(f"{path} is larger than 50 MB.", remedy="Split it.")
        return path.read_bytes()


@contextlib.contextmanager
def _readable(path: Path) -> Iterator[None]:
    try:
        str(path).encode()
        yield
    except UnicodeEncodeError as error:
        shown = os.fsencode(path).decode(errors="replace")
        raise UnreadableDocument(f"The name of {shown} is no text.", remedy="Rename it.") from error
    except OSError as error:
        raise UnreadableDocument(f"{path} cannot be read: {error.strerror or error}.") from error


def _text(data: bytes) -> str:
    if b"\0" in data[:4096] and not data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return ""
    encoding = "utf-16" if data.startswith((b"\xff\xfe", b"\xfe\xff")) else "utf-8-sig"
    return data.decode(encoding, "replace").replace("\r\n", "\n")


def _plain(path: Path, data: bytes) -> Iterator[Section]:
    """Places are lines: "line 12"."""
    line = 1
    for part in re.split(r"(\n\s*\n)", _text(data)):
        if part.strip():
            yield f"line {line + len(part) - len(part.lstrip(chr(10)))}", part
        line += part.count("\n")


def _merged(sections: Iterator[Section]) -> Iterator[Section]:
    """Short neighbours together, at the place of the first."""
    held: Section | None = None
    for place, text in sections:
        if held is not None and len(held[1]) + len(text) < _LONG:
            held = (held[0], f"{held[1]}\n\n{text.strip()}")
            continue
        if held is not None:
            yield held
        held = (place, text.strip())
    if held is not None:
        yield held


def _lines(path: Path, data: bytes) -> Iterator[Section]:
    return _merged(_plain(path, data))


def _markdown(path: Path, data: bytes) -> Iterator[Section]:
    return _headed(_text(data), fences=True)


def _headed(text: str, *, fences: bool) -> Iterator[Section]:
    """Places are headings, with those they stand under: "Bikes > Locks". Within `fences` there are none."""
    trail: list[str] = []
    held: list[str] = []
    fence = ""
    for line in text.split("\n"):
        fence = _fence_after(line, fence) if fences else ""
        heading = None if fence else re.match(r"(#{1,6}) +(.*?)#* *$", line + " ")
        if heading is None:
            held.append(line)
            continue
        yield _place(trail), "\n".join(held)
        held = []
        level = len(heading[1])
        trail = [*trail[: level - 1], *[""] * (level - 1 - len(trail)), heading[2].strip()]
    yield _place(trail), "\n".join(held)


def _place(trail: list[str]) -> str:
    return " > ".join(part for part in trail if part) or "beginning"


def _fence_after(line: str, fence: str) -> str:
    """The fence that stands open after a line; it ends with one of its own kind that is not shorter."""
    mark = re.match(r" {0,3}(`{3,}|~{3,})([^`]*)$", line)
    if mark is None:
        return fence
    if not fence:
        return mark[1]
    return "" if mark[1].startswith(fence) and not mark[2].strip() else fence


class _Html(html.parser.HTMLParser):
    """Turns HTML into Markdown as far as headings and paragraphs go."""

    _BLOCKS = frozenset(
        ["p", "div", "section", "article", "li", "tr", "br", "ul", "ol", "table", "blockquote", "pre", "dd", "dt"]
    )
    _SILENT = frozenset(["script", "style", "template", "noscript"])

    def __init__(self) -> None:
        super().__init__()
        self.parts: list[str] = []
        self._silent = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._silent += tag in self._SILENT
        if re.fullmatch("h[1-6]", tag):
            self.parts.append(f"\n\n{'#' * int(tag[1])} ")
        elif tag in self._BLOCKS:
            self.parts.append("\n\n")

    def handle_endtag(self, tag: str) -> None:
        self._silent = max(0, self._silent - (tag in self._SILENT))
        if re.fullmatch("h[1-6]", tag):
            self.parts.append("\n\n")

    def handle_data(self, data: str) -> None:
        if not self._silent:
            self.parts.append(re.sub(r"\s+", " ", data))


def _hypertext(path: Path, data: bytes) -> Iterator[Section]:
    page = _Html()
    page.feed(_text(data))
    page.close()
    return _headed("".join(page.parts), fences=False)


def _pdf(path: Path, data: bytes) -> Iterator[Section]:
    """Places are pages: "page 3"."""
    try:
        import pypdf
        from pypdf.errors import DependencyError
    except ImportError as error:
        raise UnreadableDocument(
            f"{path} is a PDF: pypdf is not installed.", remedy="Run: scripts/setup memory"
        ) from error
    import io

    try:
        yield from _pages(path, pypdf.PdfReader(io.BytesIO(data)))
    except UnreadableDocument:
        raise
    except DependencyError as error:  # it has no cipher but the oldest
        raise _encrypted(path) from error
    except Exception as error:  # a broken file lets it fail anywhere, by any exception: assertions among them
        reason = str(error) or type(error).__name__
        raise UnreadableDocument(f"{path} is no readable PDF: {reason}.", remedy="Print it to a PDF again.") from error


def _pages(path: Path, document: PdfReader) -> Iterator[Section]:
    if document.is_encrypted and not document.decrypt(""):
        raise _encrypted(path)
    if len(document.pages) > _MOST_PAGES:
        raise UnreadableDocument(f"{path} has more than {_MOST_PAGES} pages.", remedy="Split it.")
    for number, page in enumerate(document.pages, 1):
        yield f"page {number}", page.extract_text()


def _encrypted(path: Path) -> UnreadableDocument:
    return UnreadableDocument(f"{path} is encrypted.", remedy="Save it without a password first.")


KNOWN: dict[str, Callable[[Path, bytes], Iterator[Section]]] = {
    ".txt": _lines,
    ".text": _lines,
    ".md": _markdown,
    ".markdown": _markdown,
    ".html": _hypertext,
    ".htm": _hypertext,
    ".pdf": _pdf,
}
"""By the ending of a file's name."""
