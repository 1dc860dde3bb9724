"""PowerPoint presentations (PPTX): a slide is a page, its title a heading."""

import io
from collections.abc import Iterator
from typing import Any

from assistant.documents.builder import Builder
from assistant.documents.cleaning import one_line
from assistant.documents.days import day_of
from assistant.documents.rows import add_table

_TINY_POINTS = 2.0


def read_pptx(data: bytes, builder: Builder) -> None:
    """Read a presentation, with its notes; hidden slides and shapes are left out."""
    from pptx import Presentation

    presentation = Presentation(io.BytesIO(data))
    properties = presentation.core_properties
    builder.call_it(properties.title)
    builder.date = day_of(properties.created or properties.modified)
    for number, slide in enumerate(presentation.slides, start=1):
        if slide.element.get("show") in ("0", "false"):
            builder.hidden += sum(len(shape_text) for shape_text in _all_text(slide.element))
            continue
        title = slide.shapes.title
        builder.under()
        if title is not None and title.has_text_frame:
            builder.heading(one_line(title.text_frame.text), 1, page=number)
        for shape in _shapes(slide.shapes):
            if title is None or shape.shape_id != title.shape_id:
                _add_shape(shape, builder, page=number)
        if slide.has_notes_slide:
            notes = slide.notes_slide.notes_text_frame
            for paragraph in notes.paragraphs if notes is not None else ():
                builder.add(_paragraph(paragraph, builder), page=number)


def _shapes(shapes: Any) -> Iterator[Any]:
    """The shapes of a slide, also those within groups."""
    from pptx.enum.shapes import MSO_SHAPE_TYPE

    stack = list(reversed(list(shapes)))
    while stack:
        shape = stack.pop()
        if shape.shape_type == MSO_SHAPE_TYPE.GROUP:
            stack += reversed(list(shape.shapes))
        else:
            yield shape


def _add_shape(shape: Any, builder: Builder, *, page: int) -> None:
    hidden = shape.element.xpath("boolean(./*/p:cNvPr[@hidden='1' or @hidden='true'])")
    if hidden:
        builder.hidden += sum(len(text) for text in _all_text(shape.element))
    elif getattr(shape, "has_table", False) and shape.has_table:
        rows = [
            [" ".join(_paragraph(line, builder) for line in cell.text_frame.paragraphs)
             for cell in row.cells]
            for row in shape.table.rows
        ]  # fmt: skip
        named = bool(shape.table.first_row)
        add_table(builder, rows, header_rows=1 if named else "guess", page=page)
    elif shape.has_text_frame:
        placeholder = shape.is_placeholder and shape.placeholder_format.type
        if placeholder and placeholder.name in ("SLIDE_NUMBER", "DATE", "FOOTER", "HEADER"):
            return
        paragraphs = shape.text_frame.paragraphs
        listed = (
            bool(placeholder) and placeholder.name in ("BODY", "OBJECT") and len(paragraphs) > 1
        )
        for paragraph in paragraphs:
            text = _paragraph(paragraph, builder)
            builder.add(text, kind="list-item" if listed else "paragraph", page=page)


def _paragraph(paragraph: Any, builder: Builder) -> str:
    """The text of a paragraph without what is too small to be seen."""
    tiny = [run for run in paragraph.runs if run.font.size and run.font.size.pt < _TINY_POINTS]
    if not tiny:
        return str(paragraph.text)
    builder.hidden += sum(len(run.text.strip()) for run in tiny)
    return "".join(run.text for run in paragraph.runs if run not in tiny)


def _all_text(element: Any) -> Iterator[str]:
    for node in element.iter("{http://schemas.openxmlformats.org/drawingml/2006/main}t"):
        yield (node.text or "").strip()
