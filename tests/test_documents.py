"""Every format, written by the real writers and read back."""

import contextlib
import csv
import datetime
import io
import json
import re
import zipfile
from email.message import EmailMessage
from pathlib import Path

import docx
import openpyxl
import pptx
import pytest
from docx.oxml import OxmlElement
from docx.shared import Pt, RGBColor
from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl.styles import Font
from pptx.util import Inches
from reportlab.lib import colors
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle, getSampleStyleSheet
from reportlab.pdfgen import canvas
from reportlab.platypus import Paragraph, SimpleDocTemplate, Table

from assistant.documents import SUPPORTED, Block, Document, parse, text_hash
from assistant.documents.cleaning import clean
from assistant.errors import DocumentError
from assistant.settings import Settings

TREATY = (
    "The treaty was signed in Moscow on 17 January 2025 and covers defence, energy and finance. "
    "It has forty-seven articles and lasts twenty years. "
)


def make_txt() -> bytes:
    return f"First paragraph\nof two lines.\n\n\n  {TREATY}\n".encode()


def make_md() -> bytes:
    return rb"""---
title: "The pact"
date: 2025-01-17
---
# Terms #

Some **bold**, _slanted_ and `co*d*e` with a [link](http://a.b/c_(d)) and snake_case, 2*3,
&amp; \*stars\*.
same line

Setext
------

- one
- two
  goes on
  1. nested

<!-- a comment

over lines -->
> quoted

| Country | Joined |
|---|:-:|
| Iran | **2024** |
| Russia | |

```python
# no heading
x = 1
```

Text <span style='display:none'>secret</span>[ref][r].

[r]: http://example.org
"""


def make_rst() -> bytes:
    return (
        b"=====\nTerms\n=====\n\n:date: 2025-01-17\n\nDuration\n--------\n\nIt lasts *twenty* "
        b"``x*y`` years, see `the text <http://a.b>`_ and :ref:`more <label>`.\n\n* one\n  goes "
        b"on\n* two\n\nExample::\n\n    literal  text\n\n.. image:: x.png\n.. a comment\n\n"
        b"=======  ======\nCountry  Joined\n=======  ======\nIran     2024\nRussia   2001\n"
        b"=======  ======\n\n+---+---+\n| A | B |\n+===+===+\n| 1 | 2 |\n+---+---+\n"
    )


def make_html() -> bytes:
    return b"""<!doctype html><html><head><title>The page</title><meta charset="utf-8">
    <meta name="date" content="2025-01-17"><style>.ghost { display: none }
    @media print { .shown { display: none } }</style></head><body>
    <nav><a href="/">Home</a></nav><h1>Terms</h1><p>Visible <b>bold</b>&nbsp;text,<br>second line
    <span style="display:none">1234</span><span hidden>5678</span>
    <i style="visibility: hidden">90</i><font color="#ffffff">ab</font>
    <span style="font-size:1px">cd</span><em class="ghost">ef</em><em class="shown">shown</em></p>
    <div style="background:#000"><p style="color:white">white on black</p></div>
    <h2>Lists</h2><ul><li>one<li>two</ul><pre>x =  1
  y</pre><table><tr><th>Country<th>Joined</tr><tr><td rowspan=2>Iran<td>2024<tr><td>2025</table>
    <script>never()</script><footer>Imprint</footer></body></html>"""


def make_pdf() -> bytes:
    styles = getSampleStyleSheet()
    body = ParagraphStyle("body", parent=styles["BodyText"], fontSize=10, leading=12)
    story = [Paragraph("Treaty overview", styles["Title"])]
    for number in range(1, 9):
        story.append(Paragraph(f"{number}. Topic {number}", styles["Heading2"]))
        story.append(Paragraph(TREATY * 6, body))
        story.append(Paragraph((TREATY * 17).replace("treaty", "pact"), body))
    rows = [["Country", "Joined"], ["Iran", "2024"], ["Russia", "2001"]]
    head = [("BACKGROUND", (0, 0), (-1, 0), colors.navy), ("TEXTCOLOR", (0, 0), (-1, 0), "white")]
    story.append(Table(rows, colWidths=120, style=head))
    story.append(
        Paragraph('Seen <font color="white">hidden</font><font size="1">tiny</font>.', body)
    )

    def edges(page: canvas.Canvas, template: SimpleDocTemplate) -> None:
        page.setFont("Helvetica", 9)
        page.drawString(60, 800, "Annual report on treaties")
        page.drawString(280, 30, f"Page {template.page}")

    file = io.BytesIO()
    template = SimpleDocTemplate(file, pagesize=A4, title="The report")
    template.build(story, onFirstPage=edges, onLaterPages=edges)
    return file.getvalue()


def make_docx() -> bytes:
    document = docx.Document()
    document.core_properties.title = "The memo"
    document.core_properties.created = datetime.datetime(2025, 1, 17)
    document.sections[0].header.paragraphs[0].text = "Running title"
    document.add_heading("Terms", 1)
    paragraph = document.add_paragraph("It lasts ")
    paragraph.add_run("twenty").bold = True
    paragraph.add_run(" years.")
    paragraph.add_run("vanished").font.hidden = True
    paragraph.add_run("white").font.color.rgb = RGBColor(255, 255, 255)
    paragraph.add_run("tiny").font.size = Pt(1)
    deletion = OxmlElement("w:del")
    run = OxmlElement("w:r")
    text = OxmlElement("w:delText")
    text.text = "deleted"
    run.append(text)
    deletion.append(run)
    paragraph._p.append(deletion)
    table = document.add_table(rows=0, cols=2)
    for values in (("Country", "Joined"), ("Iran", "2024"), ("Russia", "2001")):
        for cell, value in zip(table.add_row().cells, values, strict=True):
            cell.text = value
    document.add_heading("Points", 2)
    document.add_paragraph("one", style="List Bullet")
    document.add_paragraph("two", style="List Number")
    return saved(document)


def make_pptx() -> bytes:
    presentation = pptx.Presentation()
    presentation.core_properties.title = "The deck"
    slide = presentation.slides.add_slide(presentation.slide_layouts[1])
    slide.shapes.title.text = "Terms"
    slide.placeholders[1].text = "one\ntwo"
    slide.notes_slide.notes_text_frame.text = "Say it slowly."
    hidden = presentation.slides.add_slide(presentation.slide_layouts[5])
    hidden.shapes.title.text = "Hidden"
    hidden.element.set("show", "0")
    slide = presentation.slides.add_slide(presentation.slide_layouts[5])
    slide.shapes.title.text = "Members"
    table = slide.shapes.add_table(2, 2, *map(Inches, (1, 2, 4, 1))).table
    for row, values in enumerate((("Country", "Joined"), ("Iran", "2024"))):
        for column, value in enumerate(values):
            table.cell(row, column).text = value
    return saved(presentation)


def make_xlsx() -> bytes:
    workbook = openpyxl.Workbook()
    sheet = workbook.active
    sheet.title = "Members"
    sheet.append(["Members of the union"])
    sheet.append([])
    sheet.append(["Country", "Joined", "Share", "Founder"])
    sheet.append(["Iran", datetime.date(2024, 1, 31), 45292, False])
    sheet.append(["Russia", datetime.datetime(2001, 6, 15, 9, 30), 0.25, True])
    sheet["A4"].font = Font(bold=True)
    secret = workbook.create_sheet("Secret")
    secret.append(["abc"])
    secret.sheet_state = "hidden"
    return saved(workbook)


def make_ods() -> bytes:
    cells = "".join(
        "<table:table-row>"
        + "".join(
            f'<table:table-cell office:value-type="string"><text:p>{value}</text:p>'
            "</table:table-cell>"
            for value in row
        )
        + "</table:table-row>"
        for row in (("Country", "Joined"), ("Iran", "in 2024"), ("Russia", "in 2001"))
    )
    names = "".join(
        f' xmlns:{name}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"'
        for name in ("office", "table", "text")
    )
    content = (
        f"<office:document-content{names}><office:body><office:spreadsheet>"
        f'<table:table table:name="Members">{cells}</table:table>'
        "</office:spreadsheet></office:body></office:document-content>"
    )
    manifest = (
        '<manifest:manifest xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0"/>'
    )
    return packed(
        {
            "mimetype": "application/vnd.oasis.opendocument.spreadsheet",
            "content.xml": content,
            "META-INF/manifest.xml": manifest,
        }
    )


def make_csv() -> bytes:
    file = io.StringIO()
    writer = csv.writer(file, delimiter=";")
    writer.writerows(
        [["Country", "Joined", "Note"], ["Iran", "2024", "new;\nlate"], ["Russia", "2001", ""]]
    )
    return file.getvalue().encode("cp1251")


def make_tsv() -> bytes:
    return b"Country\tJoined\nIran\t2024\nRussia\t2001\n"


def make_json() -> bytes:
    value = {
        "title": "Members",
        "date": "2025-01-17",
        "members": [{"country": "Iran", "joined": {"year": 2024}, "tags": ["a", "b"]}, {"x": None}],
        "text": "long text " * 50,
    }
    return json.dumps(value).encode()


def make_jsonl() -> bytes:
    return b'{"country": "Iran", "joined": 2024}\n\n{"country": "Russia", "founder": true}\n'


def make_epub() -> bytes:
    chapter = (
        '<?xml version="1.0"?><html xmlns="http://www.w3.org/1999/xhtml"><head><title/></head>'
        "<body><h1>{0}</h1><p>Text of {0}.</p></body></html>"
    )
    package = """<?xml version="1.0"?><package xmlns="http://www.idpf.org/2007/opf">
        <metadata xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:title>The book</dc:title>
        <dc:date>2025-01-17</dc:date></metadata><manifest>
        <item id="b" href="b.xhtml" media-type="application/xhtml+xml"/>
        <item id="a" href="a%20a.xhtml" media-type="application/xhtml+xml"/></manifest>
        <spine><itemref idref="a"/><itemref idref="b"/></spine></package>"""
    return packed(
        {
            "mimetype": "application/epub+zip",
            "META-INF/container.xml": '<container><rootfiles><rootfile full-path="OEBPS/p.opf"/>'
            "</rootfiles></container>",
            "OEBPS/p.opf": package,
            "OEBPS/b.xhtml": chapter.format("Chapter two"),
            "OEBPS/a a.xhtml": chapter.format("Chapter one"),
        }
    )


def make_eml() -> bytes:
    message = EmailMessage()
    message["Subject"] = "Über den Vertrag"
    message["From"] = "Anna <anna@example.org>"
    message["To"] = "bob@example.org"
    message["Date"] = "Fri, 17 Jan 2025 10:00:00 +0300"
    message.set_content("Lieber Bob,\n\nder Vertrag läuft zwanzig Jahre.\n")
    message.add_alternative("<p>only in html</p>", subtype="html")
    message.add_attachment(b"%PDF-", maintype="application", subtype="pdf", filename="treaty.pdf")
    return message.as_bytes()


def saved(document: object) -> bytes:
    file = io.BytesIO()
    document.save(file)  # type: ignore[attr-defined]
    return file.getvalue()


def packed(members: dict[str, str | bytes]) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return file.getvalue()


MAKERS = {
    name.removeprefix("make_"): make for name, make in globals().items() if name.startswith("make_")
}


def read(
    folder: Path, name: str, data: bytes, *, limits: Settings | None = None, check: bool = True
) -> Document:
    path = folder / name
    path.write_bytes(data)
    document = parse(path, source=f"papers/{name}", settings=limits or Settings())
    if check:
        check_promises(document)
    return document


def check_promises(document: Document) -> None:
    """What Document and Block promise, whatever the file was."""
    end = 0
    for block in document.blocks:
        assert end <= block.start < block.end <= len(document.text)
        assert not document.text[end : block.start].strip()
        assert document.text[block.start : block.end].strip()
        assert (block.page is None) == (block.page_end is None)
        assert all(name.strip() for name in block.heading)
        if block.kind == "heading":
            assert block.heading[-1] == document.text[block.start : block.end]
        end = block.end
    assert not document.text[end:].strip()
    assert document.blocks
    assert document.title.strip()
    (document.text + document.title).encode()
    assert "\r" not in document.text
    assert "\0" not in document.text


def told(document: Document) -> list[tuple[str, str]]:
    return [(block.kind, document.text[block.start : block.end]) for block in document.blocks]


def find(document: Document, text: str) -> Block:
    return next(
        block for block in document.blocks if text in document.text[block.start : block.end]
    )


def test_every_supported_type_has_a_sample_and_all_are_read(tmp_path: Path) -> None:
    assert set(MAKERS) == set(SUPPORTED.values())
    for extension, type in SUPPORTED.items():
        document = read(tmp_path, f"sample{extension.upper()}", MAKERS[type]())
        assert document.type == type
        assert document.source == f"papers/sample{extension.upper()}"


def test_plain_text_keeps_its_lines(tmp_path: Path) -> None:
    document = read(tmp_path, "note.txt", b"\xef\xbb\xbf" + make_txt().replace(b"\n", b"\r\n"))
    first, second = told(document)
    assert first == ("paragraph", "First paragraph\nof two lines.")
    assert second == ("paragraph", TREATY.strip())
    assert document.title == "note"
    assert document.date == datetime.datetime.now(datetime.UTC).date()


def test_plain_text_headings(tmp_path: Path) -> None:
    text = (
        "NOTE ON THE FERRY: WHERE IT GOES\n\nIt goes to Port Lasse.\nEvery day.\n\n\n"
        "Timetable\n=========\nIt leaves at seven.\n\n"
        "In winter:\n----------\n\nIt leaves at nine.\n\n"
        "======\nPRICES\n======\n\n  A seat is 5 crowns.\n"
    )
    document = read(tmp_path, "a.txt", text.replace("\n", "\r\n").encode())
    check_promises(document)
    assert told(document) == [
        ("heading", "NOTE ON THE FERRY: WHERE IT GOES"),
        ("paragraph", "It goes to Port Lasse.\nEvery day."),
        ("heading", "Timetable"),
        ("paragraph", "It leaves at seven."),
        ("heading", "In winter:"),
        ("paragraph", "It leaves at nine."),
        ("heading", "PRICES"),
        ("paragraph", "A seat is 5 crowns."),
    ]
    assert document.title == "NOTE ON THE FERRY: WHERE IT GOES"
    assert find(document, "nine").heading == ("Timetable", "In winter:")
    assert find(document, "5 crowns").heading == ("PRICES",)
    assert document.text.split() == re.sub("[=-]{3,}", "", text).split()


@pytest.mark.parametrize(
    "title", ["The ferries of Lasse", "Отчёт о паромах за год", "渡し船の報告"]
)
def test_the_first_line_of_plain_text_may_be_its_title(tmp_path: Path, title: str) -> None:
    document = read(tmp_path, "a.txt", f"{title}\n\nThere are nine. The oldest is Anna.".encode())
    assert told(document)[0] == ("heading", title)
    assert document.title == title
    assert find(document, "nine").heading == (title,)


@pytest.mark.parametrize(
    "text",
    [
        "THE FERRY WILL NOT SAIL TODAY.\n\nAsk at the harbour.",  # a sentence
        "FERRY CANCELLED\n\nSTORM COMING\n\nSTAY INSIDE",  # a telegram
        "The ferry has gone.\n\nTHE END",  # nothing stands below it
        "STATUS: CANCELLED\n\nTOTAL DUE: 15 CROWNS\n\nPay at the harbour.",
        "INGREDIENTS:\n\n- salt",
        "ISBN 978-3-16-148410-0\n\nA book of ferries.",
        "PORT\tLASSE\n\nPORT   HOLM\n\nThese are columns.",
        "FIRST LINE\nSECOND LINE\n\nAn address has several lines.",
        "A " + "VERY " * 20 + "LONG LINE\n\nis none.",
        "X\n\nA letter is none.",
        "\u5317\u4eac\n\nA script without capitals.",
        "It was late.\n------------\nThe ferry had gone.",
        "Port     Hour\n-------------\nLasse    7",
        "---\ntitle: The ferry\n---\nIt has gone.",
        "a line\nand another\n=======\nof some text",
        "Ferries of the Amber River and its many arms\n---\nA rule, as it is too short.",
        "Below it is nothing\n===================\n",
        "* * *\n\n-----\n\n=====\n-----\n\nMarks.",
    ],
)
def test_plain_text_that_is_no_heading(tmp_path: Path, text: str) -> None:
    document = read(tmp_path, "a.txt", text.encode())
    assert {kind for kind, _ in told(document)} == {"paragraph"}
    assert document.text == text


def test_markdown(tmp_path: Path) -> None:
    document = read(tmp_path, "a.md", make_md())
    assert (document.title, document.date) == ("The pact", datetime.date(2025, 1, 17))
    assert told(document) == [
        ("heading", "Terms"),
        (
            "paragraph",
            "Some bold, slanted and co*d*e with a link and snake_case, 2*3, & *stars*. same line",
        ),
        ("heading", "Setext"),
        ("list-item", "one"),
        ("list-item", "two goes on"),
        ("list-item", "nested"),
        ("paragraph", "quoted"),
        ("row", "Country: Iran; Joined: 2024"),
        ("row", "Country: Russia"),
        ("code", "# no heading\nx = 1"),
        ("paragraph", "Text ref."),
    ]
    assert find(document, "nested").heading == ("Terms", "Setext")
    assert document.hidden_characters == len("secret")


def test_restructured_text(tmp_path: Path) -> None:
    document = read(tmp_path, "a.rst", make_rst())
    assert (document.title, document.date) == ("Terms", datetime.date(2025, 1, 17))
    assert told(document) == [
        ("heading", "Terms"),
        ("paragraph", "date: 2025-01-17"),
        ("heading", "Duration"),
        ("paragraph", "It lasts twenty x*y years, see the text and more."),
        ("list-item", "one goes on"),
        ("list-item", "two"),
        ("paragraph", "Example:"),
        ("code", "literal  text"),
        ("row", "Country: Iran; Joined: 2024"),
        ("row", "Country: Russia; Joined: 2001"),
        ("row", "A: 1; B: 2"),
    ]
    assert find(document, "twenty").heading == ("Terms", "Duration")


def test_html_as_a_reader_sees_it(tmp_path: Path) -> None:
    document = read(tmp_path, "a.html", make_html())
    assert (document.title, document.date) == ("The page", datetime.date(2025, 1, 17))
    assert told(document) == [
        ("heading", "Terms"),
        ("paragraph", "Visible bold\u00a0text,\nsecond line shown"),
        ("paragraph", "white on black"),
        ("heading", "Lists"),
        ("list-item", "one"),
        ("list-item", "two"),
        ("code", "x =  1\n  y"),
        ("row", "Country: Iran; Joined: 2024"),
        ("row", "Country: Iran; Joined: 2025"),
    ]
    assert document.hidden_characters == len("1234567890abcdef")


def test_a_page_that_is_all_navigation_is_still_read(tmp_path: Path) -> None:
    assert read(tmp_path, "a.html", b"<nav><a href=x>Only this</a></nav>").text == "Only this"


def test_pdf(tmp_path: Path) -> None:
    document = read(tmp_path, "a.pdf", make_pdf())
    assert document.title == "The report"
    assert "Annual report" not in document.text
    assert "Page " not in document.text
    assert document.hidden_characters == len("hiddentiny")
    headings = [text for kind, text in told(document) if kind == "heading"]
    assert headings == ["Treaty overview", *(f"{n}. Topic {n}" for n in range(1, 9))]
    assert ("row", "Country: Iran; Joined: 2024") in told(document)
    paragraphs = [text for kind, text in told(document) if kind == "paragraph"]
    assert paragraphs[:2] == [(TREATY * 6).strip(), (TREATY * 17).replace("treaty", "pact").strip()]
    assert paragraphs[-1] == "Seen ."
    pages = [(block.page, block.page_end) for block in document.blocks]
    assert pages == sorted(pages)
    assert (1, 2) in pages  # a paragraph that runs across the end of the page
    assert find(document, "3. Topic 3").heading == ("Treaty overview", "3. Topic 3")


def test_pdf_words_broken_at_the_end_of_a_line_are_mended(tmp_path: Path) -> None:
    lines = [
        "The agreement on secu-",
        "rity was signed; the long-",
        "term plan, a long-term one, is in Part-",
        "Two of the agreement of that year.",
    ]
    text = read(tmp_path, "a.pdf", drawn_pdf(lines)).text
    assert text == (
        "The agreement on security was signed; the long-term plan, a long-term one, "
        "is in Part-Two of the agreement of that year."
    )


def test_pdf_text_recognised_over_a_picture_is_kept_and_other_invisible_text_is_not(
    tmp_path: Path,
) -> None:
    assert read(tmp_path, "a.pdf", drawn_pdf(["Recognised text."], mode=3, scanned=True)).text == (
        "Recognised text."
    )
    with pytest.raises(DocumentError, match="hidden") as caught:
        read(tmp_path, "b.pdf", drawn_pdf(["Invisible text."], mode=3))
    assert caught.value.kind == "empty"


def drawn_pdf(lines: list[str], *, mode: int = 0, scanned: bool = False) -> bytes:
    from PIL import Image
    from reportlab.lib.utils import ImageReader

    file = io.BytesIO()
    page = canvas.Canvas(file, pagesize=A4)
    if scanned:
        picture = ImageReader(Image.new("RGB", (60, 80), "lightgrey"))
        page.drawImage(picture, 0, 0, *A4)
    text = page.beginText(72, 700)
    text.setFont("Helvetica", 11, leading=14)
    text.setTextRenderMode(mode)
    for line in lines:
        text.textLine(line)
    page.drawText(text)
    page.save()
    return file.getvalue()


def test_docx(tmp_path: Path) -> None:
    document = read(tmp_path, "a.docx", make_docx())
    assert (document.title, document.date) == ("The memo", datetime.date(2025, 1, 17))
    assert told(document) == [
        ("heading", "Terms"),
        ("paragraph", "It lasts twenty years."),
        ("row", "Country: Iran; Joined: 2024"),
        ("row", "Country: Russia; Joined: 2001"),
        ("heading", "Points"),
        ("list-item", "one"),
        ("list-item", "two"),
    ]
    assert document.hidden_characters == len("vanishedwhitetiny")
    assert find(document, "one").heading == ("Terms", "Points")


def test_pptx(tmp_path: Path) -> None:
    document = read(tmp_path, "a.pptx", make_pptx())
    assert document.title == "The deck"
    assert told(document) == [
        ("heading", "Terms"),
        ("list-item", "one"),
        ("list-item", "two"),
        ("paragraph", "Say it slowly."),
        ("heading", "Members"),
        ("row", "Country: Iran; Joined: 2024"),
    ]
    assert find(document, "slowly").page == 1
    assert find(document, "Iran").page == 3
    assert document.hidden_characters == len("Hidden")


def test_xlsx(tmp_path: Path) -> None:
    document = read(tmp_path, "a.xlsx", make_xlsx())
    assert told(document) == [
        ("paragraph", "Members of the union"),
        ("row", "Country: Iran; Joined: 2024-01-31; Share: 45292; Founder: no"),
        ("row", "Country: Russia; Joined: 2001-06-15 09:30; Share: 0.25; Founder: yes"),
    ]
    last = document.blocks[-1]
    assert (last.sheet, last.row, last.page) == ("Members", 5, None)
    assert document.hidden_characters == len("abc")


def test_other_tables(tmp_path: Path) -> None:
    for name in ("a.ods", "a.tsv"):
        document = read(tmp_path, name, MAKERS[name[2:]]())
        assert told(document)[0][1].startswith("Country: Iran; Joined: ")
        assert [block.row for block in document.blocks] == [2, 3]
    document = read(tmp_path, "a.csv", make_csv())
    assert told(document) == [
        ("row", "Country: Iran; Joined: 2024; Note: new; late"),
        ("row", "Country: Russia; Joined: 2001"),
    ]


def test_json(tmp_path: Path) -> None:
    document = read(tmp_path, "a.json", make_json())
    assert (document.title, document.date) == ("Members", datetime.date(2025, 1, 17))
    assert ("row", "country: Iran; joined.year: 2024; tags: a, b") in told(document)
    assert find(document, "Iran").heading == ("members",)
    assert ("paragraph", ("long text " * 50).strip()) in told(document)
    document = read(tmp_path, "a.jsonl", make_jsonl())
    assert told(document) == [
        ("row", "country: Iran; joined: 2024"),
        ("row", "country: Russia; founder: yes"),
    ]
    assert [block.row for block in document.blocks] == [1, 3]


def test_epub(tmp_path: Path) -> None:
    document = read(tmp_path, "a.epub", make_epub())
    assert (document.title, document.date) == ("The book", datetime.date(2025, 1, 17))
    assert told(document) == [
        ("heading", "Chapter one"),
        ("paragraph", "Text of Chapter one."),
        ("heading", "Chapter two"),
        ("paragraph", "Text of Chapter two."),
    ]


def test_mail_shows_what_it_quotes_as_text(tmp_path: Path) -> None:
    data = (
        b"Subject: Re: Cells\r\n\r\nAsk Hege first.\r\n\r\nTom wrote:\r\n> Hi Marta,\r\n>\r\n"
        b"> the cells are late.\r\n> > Where are they?\r\n>And 5 > 4.\r\n"
    )
    document = read(tmp_path, "a.eml", data)
    texts = [document.text[block.start : block.end] for block in document.blocks]
    assert texts[1:] == [
        "Ask Hege first.",
        "Tom wrote:",
        "Hi Marta,",
        "the cells are late.\nWhere are they?\nAnd 5 > 4.",
    ]


def test_mail(tmp_path: Path) -> None:
    document = read(tmp_path, "a.eml", make_eml())
    assert (document.title, document.date) == ("Über den Vertrag", datetime.date(2025, 1, 17))
    kinds_and_texts = told(document)
    assert kinds_and_texts[0] == ("heading", "Über den Vertrag")
    assert "From: Anna <anna@example.org>\nTo: bob@example.org\nDate: " in kinds_and_texts[1][1]
    assert kinds_and_texts[2:] == [
        ("paragraph", "Lieber Bob,"),
        ("paragraph", "der Vertrag läuft zwanzig Jahre."),
        ("paragraph", "Attachments: treaty.pdf"),
    ]


@pytest.mark.parametrize(
    ("encoding", "text"),
    [
        ("utf-8-sig", "Größe"),
        ("utf-16", "Договор and English"),
        ("utf-16-le", "Plain English text"),
        ("utf-32", "Договор"),
        ("cp1251", "Договор о всеобъемлющем стратегическом партнёрстве подписан в Москве."),
        ("koi8_r", "Договор о всеобъемлющем стратегическом партнёрстве подписан в Москве."),
        ("cp1252", "Le traité “stratégique” a été signé à Moscou – déjà célèbre."),
        ("cp1250", "Zażółć gęślą jaźń, pchnąć w tę łódź jeża."),
        ("shift_jis", "日本語の文書です。条約は二十年間続く。"),
        ("iso2022_jp", "日本語の文書です。"),
        ("gb18030", "中俄战略伙伴关系条约于本周签署。"),
        ("cp949", "한국어 문서입니다. 조약은 이십 년 동안 지속됩니다."),
        ("cp1256", "تم توقيع المعاهدة في موسكو يوم الجمعة."),
    ],
)
def test_encodings_are_told(tmp_path: Path, encoding: str, text: str) -> None:
    assert read(tmp_path, "a.txt", text.encode(encoding)).text == text
    page = f'<meta charset="{encoding}"><p>{text}'.encode(encoding)
    assert read(tmp_path, "a.html", page).text == text


def test_damaged_utf8_is_still_utf8(tmp_path: Path) -> None:
    data = ("Договор подписан. " * 5).encode() + b"\xff."
    assert read(tmp_path, "a.txt", data).text == "Договор подписан. " * 5 + "\ufffd."


def test_what_no_reader_sees_is_removed_and_counted() -> None:
    text = (
        "a\u200bb\u2060c\ufeff soft\u00adhyphen \u202eright\u202c \U000e0041\U000e0042tag\r\n"
        "nul\0bell\x07 \ud800 میـ\u200cخواهم क्\u200dष 👨\u200d👩\u200d👧 ❤\ufe0f x\u200dy"
    )
    document = Document.from_text(text, source="id")
    assert document.text == (
        "abc softhyphen right tag\n"
        "nulbell \ufffd میـ\u200cخواهم क्\u200dष 👨\u200d👩\u200d👧 ❤\ufe0f xy"
    )
    assert document.hidden_characters == 9
    assert document.content_hash == text_hash(text)


def test_from_text() -> None:
    day = datetime.date(2025, 1, 17)
    document = Document.from_text("  one\ntwo\n \n\nthree ", source="id-1", date=day)
    assert told(document) == [("paragraph", "one\ntwo"), ("paragraph", "three")]
    assert (document.title, document.type, document.date) == ("id-1", "txt", day)
    for text, source in ((" \n\u200b", "id"), ("text", "")):
        with pytest.raises(DocumentError) as caught:
            Document.from_text(text, source=source)
        assert caught.value.kind == "empty"


@given(st.text())
@settings(max_examples=300, deadline=None)
def test_promises_hold_for_any_text(text: str) -> None:
    if not clean(text)[0].strip():
        with pytest.raises(DocumentError):
            Document.from_text(text, source="id")
        return
    document = Document.from_text(text, source="id")
    check_promises(document)
    again = Document.from_text(document.text, source="id")
    assert again.text == document.text


SNIPPETS = """# @## @- @1. @> @```\n@~~~@    @---\n@===\n@***\n@*@**@_@`@[x](y)@![@](@<b>@</p>
@<!--@-->@<table><tr><td>@<td rowspan=3>@<h2>@<li>@<pre>@&amp;@\\@word @x@\n@\n\n@\r\n@.. note:: @|
@::\n\n  @``@:a: b\n@+--+\n@== ==\n@| a | b |\n|---|---|\n@\ue000@\u200b@\ud800@👨\u200d👩@é@\t
@<p style='color:#fff'>@<br/>"""
MARKUP = st.lists(st.sampled_from(SNIPPETS.split("@")), max_size=40).map("".join)


@given(text=MARKUP, type=st.sampled_from(["md", "rst", "html", "txt"]))
@settings(max_examples=400, deadline=None)
def test_promises_hold_for_any_markup(
    tmp_path_factory: pytest.TempPathFactory, text: str, type: str
) -> None:
    folder = tmp_path_factory.getbasetemp()
    # `read` checks the promises.
    with contextlib.suppress(DocumentError):
        read(folder, f"any.{type}", text.encode("utf-8", "surrogatepass"))


@given(st.text(alphabet="*_`~[](a b\\!<>", max_size=60))
@settings(max_examples=300, deadline=None)
def test_literal_code_survives_markdown(
    tmp_path_factory: pytest.TempPathFactory, text: str
) -> None:
    folder = tmp_path_factory.getbasetemp()
    document = read(folder, "code.md", f"Start\n\n```\nx{text}x\n```\n".encode())
    assert told(document)[1:] == [("code", f"x{text}x")]
