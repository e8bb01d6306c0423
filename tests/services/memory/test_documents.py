"""Documents: cut where their author cut them, each passage with its place."""

from __future__ import annotations

import os

import pytest

from services.memory.documents import add, passages, read
from services.memory.errors import UnreadableDocument
from services.memory.store import Store


@pytest.fixture
def store(tmp_path):
    store = Store(tmp_path / "memory.sqlite3")
    yield store
    store.close()


def sections(path, data):
    return [(place, " ".join(text.split())) for place, text in read(path, data)]


def test_markdown_is_cut_at_its_headings(tmp_path):
    text = b"Intro.\n\n# Bikes\nBlue ones.\n\n## Locks\nUnder the mat.\n```\n# no heading\n```\n# Cars\nNone.\n"
    assert sections(tmp_path / "a.md", text) == [
        ("beginning", "Intro."),
        ("Bikes", "Blue ones."),
        ("Bikes > Locks", "Under the mat. ``` # no heading ```"),
        ("Cars", "None."),
    ]


def test_a_fence_that_is_never_closed_loses_nothing(tmp_path):
    text = b"# A\nOne.\n# B\nTwo.\n```\n# no heading\nmore\n"
    assert sections(tmp_path / "a.md", text) == [("A", "One."), ("B", "Two. ``` # no heading more")]
    assert sections(tmp_path / "a.md", b"```\nalone") == [("beginning", "``` alone")]


def test_a_fence_ends_with_its_own_kind_alone(tmp_path):
    text = b"# A\n~~~~\n```\n~~~\n# no heading\n~~~~\n# B\nsee ``` here\n```x` is none\n# C\nend"
    assert sections(tmp_path / "a.md", text) == [
        ("A", "~~~~ ``` ~~~ # no heading ~~~~"),
        ("B", "see ``` here ```x` is none"),
        ("C", "end"),
    ]


def test_in_html_backticks_are_text(tmp_path):
    page = b"<h1>A</h1><p>```</p><h1>B</h1><p>Two.</p>"
    assert sections(tmp_path / "a.html", page) == [("A", "```"), ("B", "Two.")]


def test_html_is_its_text_at_its_headings(tmp_path):
    page = (
        b"<html><head><style>p {}</style></head><h1>Bikes</h1><p>Blue &amp; red</p><script>x()</script><h2>Locks</h2>"
    )
    assert sections(tmp_path / "a.html", page + b"<ul><li>One<li>Two</ul>") == [
        ("Bikes", "Blue & red"),
        ("Bikes > Locks", "One Two"),
    ]


def test_text_is_placed_by_its_lines(tmp_path):
    long = "a word " * 128
    data = f"First.\n\n{long}\n\n\nThird.\nStill.\n\nFourth.\n".encode()
    assert sections(tmp_path / "a.txt", data) == [
        ("line 1", "First."),
        ("line 3", long.strip()),
        ("line 6", "Third. Still. Fourth."),
    ]


def test_passages_are_short_and_nothing_is_lost():
    text = "\n\n".join(["A sentence here. " * 90, "short", "x" * 3000, "end"])
    cut = list(passages(text))
    assert all(len(part) <= 900 for part in cut)
    assert "".join("".join(cut).split()) == "".join(text.split())


def pdf(tmp_path, *, text=True, password=""):
    import io

    from pypdf import PdfWriter
    from pypdf.generic import DecodedStreamObject, DictionaryObject, NameObject

    writer = PdfWriter()
    for number in (1, 2):
        page = writer.add_blank_page(200, 200)
        font = DictionaryObject(
            {
                NameObject("/Type"): NameObject("/Font"),
                NameObject("/Subtype"): NameObject("/Type1"),
                NameObject("/BaseFont"): NameObject("/Helvetica"),
            }
        )
        page[NameObject("/Resources")] = DictionaryObject(
            {NameObject("/Font"): DictionaryObject({NameObject("/F1"): font})}
        )
        stream = DecodedStreamObject()
        stream.set_data(b"BT /F1 12 Tf 10 100 Td (Key number %d) Tj ET" % number if text else b"")
        page[NameObject("/Contents")] = stream
    if password:
        writer.encrypt(password, algorithm="RC4-128")
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


def test_ten_megabytes_of_one_character_are_cut_like_any_text():
    cut = list(passages("a" * 10_000_000))
    assert (len(cut), sum(map(len, cut)), max(map(len, cut))) == (11_112, 10_000_000, 900)


def test_a_pdf_is_cut_at_its_pages(tmp_path):
    assert sections(tmp_path / "a.pdf", pdf(tmp_path)) == [("page 1", "Key number 1"), ("page 2", "Key number 2")]


@pytest.mark.parametrize(
    ("name", "data", "said"),
    [
        ("a.pdf", b"%PDF-1.4 broken", "no readable PDF"),
        ("a.exe", b"MZ", "no known kind"),
    ],
)
def test_what_cannot_be_read_is_said_and_nothing_changes(store, tmp_path, name, data, said):
    path = tmp_path / name
    path.write_bytes(pdf(tmp_path))
    if name != "a.exe":
        add(store, path)
    before = [item.text for item in store.everything()]
    path.write_bytes(data)
    with pytest.raises(UnreadableDocument, match=said):
        add(store, path)
    assert [item.text for item in store.everything()] == before


@pytest.mark.parametrize("data", [b"", b"\n\n  \n", b"\0\1\2" * 100])
def test_what_was_kept_of_a_file_goes_when_it_holds_no_text_any_more_and_that_is_said(store, tmp_path, data):
    path = tmp_path / "a.txt"
    path.write_text("The key is 4512.", "utf-8")
    add(store, path)
    path.write_bytes(data)
    with pytest.raises(UnreadableDocument, match="holds no text any more; what was kept of it is gone"):
        add(store, path)
    assert (list(store.everything()), store.documents()) == ([], [])
    with pytest.raises(UnreadableDocument, match=r"holds no text\."):
        add(store, path)
    assert b"4512" not in (tmp_path / "memory.sqlite3").read_bytes()


def test_a_name_that_is_no_text_is_said(store, tmp_path):
    path = tmp_path / os.fsdecode(b"\xff.txt")
    path.write_text("One.", "utf-8")
    with pytest.raises(UnreadableDocument, match=r"is no text\. Rename it"):
        add(store, path)


def test_a_pdf_without_text_or_with_a_password_is_said(tmp_path):
    with pytest.raises(UnreadableDocument, match="holds no text"):
        read(tmp_path / "a.pdf", pdf(tmp_path, text=False))
    with pytest.raises(UnreadableDocument, match="is encrypted"):
        read(tmp_path / "a.pdf", pdf(tmp_path, password="secret"))


def assembled(bodies, trailer=b""):
    """A PDF of these objects; the first is its catalogue."""
    out, places = b"%PDF-1.7\n", []
    for number, body in enumerate(bodies, 1):
        places.append(len(out))
        out += b"%d 0 obj%s endobj\n" % (number, body)
    lines = b"".join(b"%010d 00000 n \n" % place for place in places)
    table = b"xref\n0 %d\n0000000000 65535 f \n%strailer<</Size %d/Root 1 0 R%s>>\n" % (
        *(len(bodies) + 1, lines, len(bodies) + 1, trailer),
    )
    return out + table + b"startxref\n%d\n%%%%EOF" % len(out)


def test_a_pdf_encrypted_by_aes_is_said(tmp_path):
    """Such a file is not even opened without a cipher."""

    def text(length):
        return b"<" + b"5a" * length + b">"

    secret = (
        b"<</Filter/Standard/V 5/R 6/Length 256/P -4/O %s/U %s/OE %s/UE %s/Perms %s/StmF/StdCF/StrF/StdCF"
        b"/CF<</StdCF<</CFM/AESV3/AuthEvent/DocOpen/Length 32>>>>>>"
    ) % (*map(text, (48, 48, 32, 32, 16)),)
    page = b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 9 9]>>"
    bodies = [b"<</Type/Catalog/Pages 2 0 R>>", b"<</Type/Pages/Count 1/Kids[3 0 R]>>", page, secret]
    data = assembled(bodies, b"/Encrypt 4 0 R/ID[%s%s]" % (text(16), text(16)))
    with pytest.raises(UnreadableDocument, match="is encrypted"):
        read(tmp_path / "a.pdf", data)


@pytest.mark.parametrize(("filtered", "words"), [(b"/Filter/None", b"(a) Tj"), (b"", b"3 0 R10 (a) Tj")])
def test_a_pdf_that_its_reader_gives_up_on_is_said(tmp_path, filtered, words):
    """It raises whatever occurs to it, NotImplementedError and AssertionError among others."""
    font = b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>"
    page = b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 9 9]/Contents 4 0 R/Resources<</Font<</F1 5 0 R>>>>>>"
    stream = b"<</Length %d%s>>stream\nBT /F1 12 Tf %s ET\nendstream" % (len(words) + 16, filtered, words)
    bodies = [b"<</Type/Catalog/Pages 2 0 R>>", b"<</Type/Pages/Count 1/Kids[3 0 R]>>", page, stream, font]
    with pytest.raises(UnreadableDocument, match="no readable PDF"):
        read(tmp_path / "a.pdf", assembled(bodies))


@pytest.mark.parametrize("name", ["missing.txt", "."])
def test_a_file_that_is_not_there_is_said(store, tmp_path, name):
    with pytest.raises(UnreadableDocument, match="cannot be read"):
        add(store, tmp_path / name)


def test_a_changed_file_is_updated_and_an_unchanged_one_left_alone(store, tmp_path):
    path = tmp_path / "notes.md"
    path.write_text("# A\nOne.\n# B\nTwo.\n", "utf-8")
    assert add(store, path) == 2
    assert add(store, path) == -1
    path.write_text("# A\nOne.\n# B\nThree.\n", "utf-8")
    assert add(store, path) == 1
    assert [(item.place, item.text) for item in store.everything()] == [("A", "One."), ("B", "Three.")]


def test_a_pdf_of_too_many_pages_is_said_before_any_is_read(tmp_path):
    page = b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 9 9]>>"
    pages = b"<</Type/Pages/Count 5001/Kids[" + b"3 0 R " * 5001 + b"]>>"
    data = assembled([b"<</Type/Catalog/Pages 2 0 R>>", pages, page])
    with pytest.raises(UnreadableDocument, match=r"more than 5000 pages\. Split it"):
        read(tmp_path / "a.pdf", data)
