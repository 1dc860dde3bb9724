"""Write the seed documents that are not plain text: `python evals/make_seeds.py [FOLDER]`.

The same text and the libraries named in WRITTEN_WITH give the same bytes on every machine, so that
a test can hold the committed files to this script. To that end nothing is compressed (zlib's output
differs between builds) and no file carries a date: the documents speak in weekdays only, and a day
of our own making would mislead whoever filters by date.
"""

import io
import re
import sys
import zipfile
from collections.abc import Sequence
from pathlib import Path

SEEDS = Path(__file__).resolve().parent.parent / "seeds"

# Each text below is a list of (style, words). A style is "title", "note", "heading" or "text".
Text = Sequence[tuple[str, str]]

BACKGROUND_TITLE = "Iran and Russia before the treaty: a background paper"
BACKGROUND: Text = [
    ("title", BACKGROUND_TITLE),
    (
        "note",
        "Prepared on the Thursday before the presidents meet in Moscow. The paper draws on one "
        "news report, called “the report” below, and on the statements that it cites.",
    ),
    ("heading", "1. What this paper is for"),
    (
        "text",
        "Iran and Russia are about to raise their relations to a new formal level. This paper "
        "explains where those relations come from: the agreement that is being replaced, the "
        "years of common action in Syria, the membership of both countries in BRICS, and the "
        "recent Russian treaty with North Korea with which the new one is compared. What "
        "individual officials said during the week of the visit is recorded in separate papers "
        "and repeated here only where the background cannot be understood without it.",
    ),
    ("heading", "2. The older agreement"),
    (
        "text",
        "The document now in force is 24 years old. Its name is the Treaty of the Foundation of "
        "Mutual Relations and the Principles of Cooperation. When it was concluded it was meant "
        "to run for ten years. It has outlived that term by a wide margin, for the parties have "
        "extended it several times. The last extension carries it to 2026, when it expires.",
    ),
    (
        "text",
        "The new agreement, the Comprehensive Strategic Partnership Treaty, is to take its "
        "place. The report sees in this an official upgrade of the ties between the two "
        "states. How long the new treaty is expected to last is stated in the overview; its "
        "term is longer than the one first set for its predecessor.",
    ),
    ("heading", "3. A long diplomatic relationship"),
    (
        "text",
        "The two governments have kept up diplomatic relations for a long time, and the report "
        "says that each has backed the aims of the other on the international stage. In the days "
        "before the meeting in Moscow both capitals spoke of relations that were close even "
        "before the treaty. The Kremlin in particular described them as growing quickly; its "
        "statement is summarised in the paper on Russian statements.",
    ),
    ("heading", "4. Syria"),
    (
        "text",
        "In Syria the two stood on the same side for years. According to the report, Russia "
        "and Iran were the most important allies of Bashar Assad and the reason why he could "
        "hold on to power through more than a decade of civil war. That chapter closed in "
        "December, when his government was brought down by Hayat Tahrir al-Sham, known by the "
        "initials HTS. The report describes HTS as a jihadist militia.",
    ),
    (
        "text",
        "The loss of this common partner is recent, and it has not been passed over in silence. "
        "The end of the Assad government is among the subjects that the Kremlin press service "
        "put on the agenda for Putin and Pezeshkian, next to the war in Gaza and other events in "
        "the region. The report does not say what either side wishes to achieve in Syria from "
        "now on, and nothing in the descriptions of the treaty given by officials mentions that "
        "country by name. A reader who looks for a link between the fall of Assad and the new "
        "treaty will therefore find one of sequence only: Assad’s government fell in "
        "December, and the presidents of its two allies meet soon afterwards.",
    ),
    ("heading", "5. BRICS"),
    (
        "text",
        "Both countries belong to BRICS. Russia’s membership is mentioned by the report without "
        "a date; Iran’s began a year before the remarks that Ambassador Jalali made on the "
        "Thursday before the visit. The report characterises the group as opposed to the United "
        "States. It tells its readers that, as Pezeshkian put it, BRICS hoped to "
        "neutralise American interests.",
    ),
    (
        "text",
        "This sits beside another Iranian statement. Jalali told reporters that his country did "
        "not wish to become part of any bloc, and the report places his words next to the fact "
        "that Iran is a member of BRICS. It offers no comment by the ambassador on that point.",
    ),
    ("heading", "6. The comparison with North Korea"),
    (
        "text",
        "Much of the interest in the new treaty is due to an earlier one. In June Vladimir Putin "
        "travelled to Pyongyang, and during that visit Russia and North Korea signed an agreement "
        "on mutual defence. Foreign Minister Sergey Lavrov calls it the Treaty on Comprehensive "
        "Strategic Partnership with the Democratic People’s Republic of Korea, a name close to "
        "that of the treaty with Iran. The report counts it as the most prominent of several "
        "agreements of the kind that Russia has concluded in recent memory.",
    ),
    (
        "text",
        "What came after the visit to Pyongyang explains the concern. Ukraine reported that "
        "thousands of North Korean soldiers had appeared on its borders and were fighting "
        "beside Russian troops in the invasion of the country. In the week before the present "
        "visit the Ukrainian president, Volodymyr Zelensky, announced that his forces had taken "
        "prisoners: at least two North Korean soldiers, both alive.",
    ),
    (
        "text",
        "International observers had therefore expressed concern that Moscow and Tehran might "
        "agree on a defence provision of the same sort. Iran’s ambassador has denied it, and the "
        "two treaties differ on exactly this point: the one with North Korea provides for mutual "
        "defence, the one with Iran, according to Jalali, does not. His reasons are given in the "
        "summary of his remarks.",
    ),
    ("heading", "7. Ukraine and the question of borders"),
    (
        "text",
        "One provision of the treaty has been read in the light of the war in Ukraine. There is to "
        "be a note about the territorial integrity of the two parties, as Jalali made known. "
        "Russia claims territory that belongs to Ukraine, and the report calls these claims false. "
        "Its reading is that a promise to respect Russia’s territorial integrity would amount to "
        "Iranian acceptance of them. This is an inference by the report; it is not something "
        "that an Iranian official is quoted as saying.",
    ),
    ("heading", "8. The economic motive"),
    (
        "text",
        "Both economies are in difficulty, in the judgement of the report, and trade is seen as "
        "a means to support them. Russia has been banned from the SWIFT payment system because "
        "of the invasion of Ukraine, so that ways of paying have become a subject of their own "
        "between the two capitals; a separate note is devoted to it. Of the "
        "accounts of the treaty that the report cites, those about the economy came first: PressTV "
        "and the spokesman of the Iranian Foreign Ministry spoke on Monday, four days before "
        "the signing.",
    ),
    ("heading", "9. Who decides in Tehran"),
    (
        "text",
        "Iran is represented in Moscow by its president, Masoud Pezeshkian. He is not the "
        "highest authority of his country: he is subordinate to Ayatollah Ali Khamenei, who holds "
        "the office of supreme leader. On the Russian side the treaty is to be signed by Vladimir "
        "Putin himself.",
    ),
]

STATEMENTS_TITLE = "What Russian officials said about the treaty with Iran"
STATEMENTS: Text = [
    ("title", STATEMENTS_TITLE),
    (
        "note",
        "Statements made on the Wednesday and the Thursday before the signing, rendered in "
        "indirect speech. Some reached the public through Russian, some through Iranian media.",
    ),
    ("heading", "Dmitry Peskov, Wednesday"),
    (
        "text",
        "Dmitry Peskov, the chief spokesman of Vladimir Putin, talked to the Islamic Republic News "
        "Agency (IRNA), which belongs to the Iranian state. He is reported to have named eight "
        "fields in which the two countries will cooperate: military affairs, politics, trade, the "
        "economy, science, education, culture and humanitarian work.",
    ),
    (
        "text",
        "Military cooperation thus stands first on his list. Peskov did not go into specifics "
        "about it. A day later the Iranian ambassador gave a narrower account of what the treaty "
        "holds; it is summarised in the message about his remarks.",
    ),
    ("heading", "Sergey Lavrov, Wednesday"),
    (
        "text",
        "Foreign Minister Sergey Lavrov spoke to reporters. He answered the suspicion that the "
        "treaty and the visit are a move against the United States. The treaty, he said, is aimed "
        "at no third country, and in this respect it resembles the one that Russia has with North "
        "Korea.",
    ),
    (
        "text",
        "Lavrov called the treaty constructive. As he described its purpose, Russia and Iran, and "
        "their friends elsewhere in the world, should become better able to do three things: "
        "develop their economies, deal with social problems and secure a dependable capacity for "
        "defence. He did not say that either country would defend the other.",
    ),
    ("heading", "The Kremlin press service, Thursday"),
    (
        "text",
        "The press service of the Kremlin published a statement about the meeting, from which the "
        "news service Interfax quoted. It said that relations between Russia and Iran are on the "
        "rise and are developing intensively. As the principles on which they rest it named "
        "mutual respect and regard for the interests of either side.",
    ),
    (
        "text",
        "The statement also set out what the presidents would discuss besides signing the treaty. "
        "The three topics, all of them in the Middle East, are listed in the overview. The "
        "press service did not mention payments, which the Iranian ambassador brought up "
        "independently on the same day.",
    ),
    ("heading", "Side by side"),
]
STATEMENTS_TABLE = [
    ("Speaker", "Day", "Channel", "Main point"),
    (
        "Dmitry Peskov",
        "Wednesday",
        "IRNA",
        "Eight fields of cooperation, the military one included",
    ),
    ("Sergey Lavrov", "Wednesday", "Remarks to reporters", "Not directed at a third country"),
    ("Kremlin press service", "Thursday", "Interfax", "Relations on the rise; agenda of the talks"),
]

SHEETS: dict[str, list[tuple[str, ...]]] = {
    "People": [
        ("Name", "Country", "Office", "Part in the events", "Day", "Channel"),
        (
            "Masoud Pezeshkian",
            "Iran",
            "President",
            "Travels from Tajikistan to Moscow to sign the treaty",
            "Friday",
            "",
        ),
        (
            "Ali Khamenei",
            "Iran",
            "Supreme leader, Ayatollah",
            "The authority to whom the Iranian president is subordinate",
            "",
            "",
        ),
        (
            "Esmaeil Baghaei",
            "Iran",
            "Spokesman of the Foreign Ministry",
            "Listed areas covered by the treaty",
            "Monday",
            "",
        ),
        (
            "Kazem Jalali",
            "Iran",
            "Ambassador to Moscow",
            "Ruled out mutual defence; spoke about payments in another interview",
            "Thursday",
            "Tass, for the remarks on defence",
        ),
        ("Vladimir Putin", "Russia", "President", "Receives Pezeshkian and signs", "Friday", ""),
        (
            "Dmitry Peskov",
            "Russia",
            "Chief spokesman of Putin",
            "Listed fields of cooperation",
            "Wednesday",
            "IRNA",
        ),
        (
            "Sergey Lavrov",
            "Russia",
            "Foreign minister",
            "Denied that the treaty is aimed at a third country",
            "Wednesday",
            "Remarks to reporters",
        ),
        (
            "Volodymyr Zelensky",
            "Ukraine",
            "President",
            "Announced the capture of North Korean soldiers",
            "The week before the visit",
            "",
        ),
        (
            "Bashar Assad",
            "Syria",
            "Former ruler",
            "Lost power in December",
            "",
            "",
        ),
        (
            "Donald Trump",
            "United States",
            "President-elect",
            "To be inaugurated after the visit",
            "The following Monday",
            "",
        ),
    ],
    "Channels": [
        ("Channel", "What it is", "Country", "What it carried", "Day"),
        ("PressTV", "State outlet", "Iran", "Economic content of the treaty", "Monday"),
        (
            "IRNA",
            "State-run news agency (Islamic Republic News Agency)",
            "Iran",
            "Peskov’s list of fields",
            "Wednesday",
        ),
        ("Tass", "News agency", "Russia", "Jalali’s denial of a defence clause", "Thursday"),
        ("Interfax", "News service", "", "Statement of the Kremlin press service", "Thursday"),
    ],
}


def background_pdf() -> bytes:
    """The background paper on small pages, so that paragraphs run across their ends."""
    from reportlab.lib.enums import TA_JUSTIFY
    from reportlab.lib.pagesizes import A5
    from reportlab.lib.styles import ParagraphStyle
    from reportlab.pdfgen.canvas import Canvas
    from reportlab.platypus import CondPageBreak, Flowable, Paragraph, SimpleDocTemplate

    body = ParagraphStyle(
        "text",
        fontName="Times-Roman",
        allowWidows=0,
        allowOrphans=0,
        fontSize=11,
        leading=14.5,
        spaceAfter=7,
        alignment=TA_JUSTIFY,
    )
    styles = {
        "text": body,
        "note": ParagraphStyle("note", body, fontName="Times-Italic", spaceAfter=12),
        "title": ParagraphStyle(
            "title", body, fontName="Helvetica-Bold", fontSize=17, leading=21, alignment=0
        ),
        "heading": ParagraphStyle(
            "heading",
            body,
            fontName="Helvetica-Bold",
            fontSize=13,
            spaceBefore=8,
            alignment=0,
        ),
    }
    styles["title"].spaceAfter = 10

    def footer(canvas: Canvas, template: SimpleDocTemplate) -> None:
        canvas.setFont("Helvetica", 8)
        canvas.drawCentredString(A5[0] / 2, 28, f"Page {canvas.getPageNumber()}")

    story: list[Flowable] = []
    for style, words in BACKGROUND:
        if style == "heading":
            story.append(CondPageBreak(4.5 * body.leading))  # room for two lines of text below it
        story.append(Paragraph(words, styles[style]))

    written = io.BytesIO()
    SimpleDocTemplate(
        written,
        pagesize=A5,
        leftMargin=48,
        rightMargin=48,
        topMargin=48,
        bottomMargin=54,
        title=BACKGROUND_TITLE,
        author="Research desk",
        subject="Relations between Iran and Russia before the partnership treaty",
        invariant=1,
        pageCompression=0,
        lang="en",
    ).build(story, onFirstPage=footer, onLaterPages=footer)
    # An invariant file claims the year 2000. Blanks of the same length keep every offset right.
    return re.sub(
        rb"/(?:CreationDate|ModDate) \(D:[^)]*\)",
        lambda found: b" " * len(found[0]),
        written.getvalue(),
    )


def statements_docx() -> bytes:
    """The Russian statements, with Word's own title, heading and table styles."""
    import docx

    document = docx.Document()
    document.core_properties.title = STATEMENTS_TITLE
    document.core_properties.author = "Research desk"
    document.core_properties.subject = "The partnership treaty between Iran and Russia"
    document.core_properties.comments = ""
    names = {"title": "Title", "note": "Subtitle", "heading": "Heading 1", "text": "Normal"}
    for style, words in STATEMENTS:
        document.add_paragraph(words, style=names[style])
    table = document.add_table(rows=0, cols=len(STATEMENTS_TABLE[0]), style="Table Grid")
    for row in STATEMENTS_TABLE:
        for cell, words in zip(table.add_row().cells, row, strict=True):
            cell.text = words

    # The template brings 440 KB of styles, that again for an old Word, and a picture of itself.
    used = {*names.values(), "Table Grid", "Normal Table", "Default Paragraph Font", "No List"}
    used |= {f"{name} Char" for name in used}
    for style in list(document.styles):
        if style.name not in used:
            style.delete()
    for rels in (document.part.rels, document.part.package.rels):
        for key, rel in list(rels.items()):
            if rel.reltype.endswith(("/stylesWithEffects", "/thumbnail")):
                del rels[key]
    written = io.BytesIO()
    document.save(written)
    return _plain_zip(written.getvalue())


def people_xlsx() -> bytes:
    """Who is who, and which channel carried what: one sheet each."""
    from openpyxl import Workbook
    from openpyxl.styles import Font

    book = Workbook()
    book.remove(book.worksheets[0])
    book.properties.title = "People and news channels"
    book.properties.creator = "Research desk"
    for name, rows in SHEETS.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append([words or None for words in row])
        for cell in sheet[1]:
            cell.font = Font(bold=True)
        for column in sheet.columns:
            widest = max(len(str(cell.value or "")) for cell in column)
            sheet.column_dimensions[column[0].column_letter].width = min(widest + 2, 50)
        sheet.freeze_panes = "A2"
    written = io.BytesIO()
    book.save(written)
    return _plain_zip(written.getvalue())


def _plain_zip(archive: bytes) -> bytes:
    """The same members in the same order: uncompressed, and without any date."""
    written = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(archive)) as old, zipfile.ZipFile(written, "w") as new:
        for name in old.namelist():
            content = old.read(name)
            if name == "docProps/core.xml":
                content = re.sub(rb"\s*<dcterms:(\w+)[^>]*>[^<]*</dcterms:\1>", b"", content)
            member = zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0))
            member.create_system = 3  # as on Unix, whichever system this runs on
            new.writestr(member, content)
    return written.getvalue()


WRITERS = {
    "background.pdf": background_pdf,
    "russian-statements.docx": statements_docx,
    "people-and-channels.xlsx": people_xlsx,
}

# Other releases give the same text in other bytes: a PDF's first line, the order in a zip file.
WRITTEN_WITH = {
    "background.pdf": ("reportlab", "5.1.0"),
    "russian-statements.docx": ("python-docx", "1.2.0"),
    "people-and-channels.xlsx": ("openpyxl", "3.1.5"),
}


def main(folder: Path = SEEDS) -> None:
    """Write every binary seed document into `folder`."""
    for name, write in WRITERS.items():
        content = write()
        (folder / name).write_bytes(content)
        print(f"{folder / name}: {len(content):,} bytes")


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:2]))
