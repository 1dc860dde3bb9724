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

BACKGROUND_TITLE = "Background of the Iran–Russia treaty"
BACKGROUND: Text = [
    ("title", BACKGROUND_TITLE),
    (
        "note",
        "As of the Thursday before the presidents meet in Moscow. “The news report” is the "
        "press account from which these facts are taken.",
    ),
    ("heading", "The older agreement"),
    (
        "text",
        "The cooperation agreement now in force between Iran and Russia is 24 years old. The "
        "official name of this older agreement is the Treaty of the Foundation of Mutual Relations "
        "and the Principles of Cooperation. When the older agreement was concluded, it was meant "
        "to run for ten years. Iran and Russia have extended the older agreement several times "
        "since. After the last extension, the older agreement expires in 2026.",
    ),
    (
        "text",
        "A new document, the Comprehensive Strategic Partnership Treaty, is to take the place of "
        "the older agreement. The news report sees in this an official upgrade of the ties "
        "between the two states. The term of the new treaty is longer than the one first set for "
        "its predecessor.",
    ),
    ("heading", "Diplomatic relations"),
    (
        "text",
        "Iran and Russia have kept up diplomatic relations for a long time, and according to the "
        "news report each has backed the aims of the other on the international stage. In the "
        "days before the meeting in Moscow both capitals spoke of relations that were close even "
        "before the treaty. The Kremlin said on Thursday that these relations were growing "
        "quickly.",
    ),
    ("heading", "Syria and Assad"),
    (
        "text",
        "In Syria the two states stood on the same side for years. According to the news report, "
        "Russia and Iran were the most important allies of Bashar Assad and the reason why he "
        "could hold on to power through more than a decade of civil war. In December Hayat "
        "Tahrir al-Sham, known by the initials HTS, brought down the Syrian government of Bashar "
        "Assad. The news report describes HTS as a jihadist militia.",
    ),
    (
        "text",
        "The loss of this common partner has not been passed over in silence. The Kremlin press "
        "service put the end of the Assad government on the agenda for Putin and Pezeshkian, next "
        "to the war in Gaza and other events in the region. Assad’s government fell in December, "
        "and the presidents of its two allies meet soon afterwards; the news report names no "
        "other link between the fall of Assad and the new treaty.",
    ),
    ("heading", "BRICS"),
    (
        "text",
        "Iran and Russia both belong to BRICS, a group that the news report characterises as "
        "opposed to the United States. Iran entered BRICS a year before the remarks that "
        "Ambassador Kazem Jalali made on Thursday. President Masoud Pezeshkian declared, in the "
        "words of the news report, that BRICS hoped to neutralise American interests.",
    ),
    (
        "text",
        "Ambassador Jalali told reporters on Thursday that his country did not wish to become "
        "part of any bloc. The news report places Jalali’s words next to the fact that Iran is a "
        "member of BRICS.",
    ),
    ("heading", "North Korea"),
    (
        "text",
        "Much of the interest in the treaty with Iran is due to an earlier one. In June Vladimir "
        "Putin travelled to Pyongyang, and during that visit Russia and North Korea signed an "
        "agreement on mutual defence. Foreign Minister Sergey Lavrov calls it the Treaty on "
        "Comprehensive Strategic Partnership with the Democratic People’s Republic of Korea, a "
        "name close to that of the treaty with Iran. Russia has concluded several agreements of "
        "the kind in recent memory, and the news report counts the North Korean one as the most "
        "prominent.",
    ),
    (
        "text",
        "After Putin’s visit to Pyongyang, Ukraine reported that thousands of North Korean "
        "soldiers had appeared on its borders and were fighting beside Russian troops in the "
        "invasion of the country. In the week before Pezeshkian’s visit the Ukrainian president, "
        "Volodymyr Zelensky, announced that his forces had taken at least two North Korean "
        "soldiers prisoner, both of them alive.",
    ),
    (
        "text",
        "International observers had therefore expressed concern that Moscow and Tehran might "
        "agree on a defence provision of the same sort. Ambassador Jalali denied this on "
        "Thursday. The two treaties differ on exactly this point: the treaty with North Korea "
        "provides for mutual defence, the treaty with Iran, according to Jalali, does not.",
    ),
    ("heading", "Ukraine and borders"),
    (
        "text",
        "The treaty will contain a note about the territorial integrity of Iran and Russia, as "
        "Jalali made known on Thursday. Russia claims territory that belongs to Ukraine, and the "
        "news report calls these claims false. In the reading of the news report, a promise to "
        "respect Russia’s territorial integrity would amount to Iranian acceptance of those "
        "claims. Such an acceptance is an inference by the report; it is not something that an "
        "Iranian official is quoted as saying.",
    ),
    ("heading", "The economic motive"),
    (
        "text",
        "Both economies are in difficulty, in the judgement of the news report, and trade is seen "
        "as a means to support them. Russia has been banned from the SWIFT payment system because "
        "of the invasion of Ukraine, so that ways of paying have become a subject of their own "
        "between Moscow and Tehran.",
    ),
    (
        "text",
        "The first accounts of the treaty in the week of the visit were about the economy. PressTV "
        "and Esmaeil Baghaei, the spokesman of the Iranian Foreign Ministry, gave them on Monday, "
        "four days before the signing. According to Baghaei, the treaty reaches from the "
        "economy, transportation and energy to healthcare and agriculture.",
    ),
    ("heading", "Who decides in Tehran"),
    (
        "text",
        "Iran is represented in Moscow by its president, Masoud Pezeshkian. Pezeshkian is not the "
        "highest authority of Iran: he is subordinate to Ayatollah Ali Khamenei, who holds "
        "the office of supreme leader. On the Russian side the treaty is to be signed by Vladimir "
        "Putin himself.",
    ),
]

STATEMENTS_TITLE = "Russian statements on the treaty"
STATEMENTS: Text = [
    ("title", STATEMENTS_TITLE),
    (
        "note",
        "Statements made on the Wednesday and the Thursday before the signing, rendered in "
        "indirect speech.",
    ),
    ("heading", "Dmitry Peskov, Wednesday"),
    (
        "text",
        "Dmitry Peskov, the chief spokesman of Vladimir Putin, talked on Wednesday to the Islamic "
        "Republic News Agency (IRNA), which is run by the Iranian state. Peskov is reported to "
        "have named eight fields in which Russia and Iran will cooperate: military affairs, "
        "politics, trade, the economy, science, education, culture and humanitarian work.",
    ),
    (
        "text",
        "Military cooperation stands first on Peskov’s list, but Peskov did not go into specifics "
        "about it. A day later the Iranian ambassador, Kazem Jalali, gave a narrower account of "
        "what the treaty holds.",
    ),
    ("heading", "Sergey Lavrov, Wednesday"),
    (
        "text",
        "Foreign Minister Sergey Lavrov spoke to reporters on Wednesday. Lavrov answered the "
        "suspicion that the treaty and the visit are a move against the United States: both, he "
        "said, are for the good of Russia and Iran. According to Lavrov, the treaty is aimed at no "
        "third country, and in this respect it resembles the one that Russia has with North "
        "Korea.",
    ),
    (
        "text",
        "Lavrov called the treaty constructive. As Lavrov described its purpose, Russia and Iran, "
        "and their friends elsewhere in the world, should become better able to do three things: "
        "develop their economies, deal with social problems and secure a dependable capacity for "
        "defence.",
    ),
    ("heading", "Kremlin press service, Thursday"),
    (
        "text",
        "The press service of the Kremlin published a statement about the meeting on Thursday, "
        "from which the news service Interfax quoted. Relations between Russia and Iran, the "
        "Kremlin said, are on the rise and are developing intensively. As the principles on which "
        "these relations rest the Kremlin named mutual respect and regard for the interests of "
        "either side.",
    ),
    (
        "text",
        "The statement also said what Putin and Pezeshkian would discuss besides signing the "
        "treaty: the war in Gaza, the end of the Assad government in Syria, and the Middle East in "
        "general. The press service did not mention payments, which the Iranian ambassador "
        "brought up independently on the same day.",
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
    (
        "Kremlin press service",
        "Thursday",
        "Interfax",
        "Relations with Iran on the rise; subjects of the presidents’ talks",
    ),
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
            "Announced the capture of at least two North Korean soldiers",
            "The week before the visit",
            "",
        ),
        (
            "Bashar Assad",
            "Syria",
            "Former ruler",
            "Fell in December to Hayat Tahrir al-Sham (HTS)",
            "December",
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
        ("PressTV", "Iranian state outlet", "Iran", "Economic content of the treaty", "Monday"),
        (
            "IRNA",
            "State-run news agency (Islamic Republic News Agency)",
            "Iran",
            "Peskov’s list of fields",
            "Wednesday",
        ),
        (
            "Tass",
            "Russian news agency",
            "Russia",
            "Jalali’s denial of a defence clause",
            "Thursday",
        ),
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
