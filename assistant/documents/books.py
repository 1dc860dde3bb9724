"""EPUB books: a zip of web pages in an order."""

import io
import posixpath
import re
import zipfile
from typing import TYPE_CHECKING
from urllib.parse import unquote

from assistant.documents.builder import Builder
from assistant.documents.days import day_of
from assistant.documents.encodings import declared_encoding, decode
from assistant.documents.web import add_html

if TYPE_CHECKING:
    from selectolax.lexbor import LexborHTMLParser

_PAGES = frozenset({"application/xhtml+xml", "text/html", "application/xml", "text/xml"})


def read_epub(data: bytes, builder: Builder) -> None:
    """Read a book: its chapters in the order of its spine."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        names = frozenset(archive.namelist())
        if "META-INF/encryption.xml" in names:
            protected = decode(archive.read("META-INF/encryption.xml"))
            if re.search(r"URI=[\"'][^\"']+\.x?html?[\"']", protected):
                raise builder.failure("encrypted", "it is protected by digital rights management")
        container = _tree(archive.read("META-INF/container.xml"))
        rootfile = container.css_first("rootfile[full-path]")
        if rootfile is None:
            raise builder.failure("corrupt", "its container names no package")
        package_path = unquote(rootfile.attributes.get("full-path") or "")
        package = _tree(archive.read(package_path))
        _read_metadata(package, builder)
        folder = posixpath.dirname(package_path)
        read: set[str] = set()
        missing = 0
        for href in _spine(package):
            name = posixpath.normpath(posixpath.join(folder, unquote(href.partition("#")[0])))
            if name in read:
                continue
            read.add(name)
            if name not in names:
                missing += 1
                continue
            page = archive.read(name)
            builder.under()
            add_html(decode(page, declared=declared_encoding(page)), builder)
        if missing and missing == len(read):
            raise builder.failure("corrupt", "none of its chapters is in the file")


def _tree(data: bytes) -> "LexborHTMLParser":
    # Read as HTML, for which there are no entities to expand and nothing to fetch.
    from selectolax.lexbor import LexborHTMLParser

    text = decode(data, declared=declared_encoding(data))
    return LexborHTMLParser(re.sub("[\x00\ud800-\udfff]", "\ufffd", text))


def _read_metadata(package: "LexborHTMLParser", builder: Builder) -> None:
    if package.root is None:
        return
    for node in package.root.traverse():
        if node.tag == "dc:title":
            builder.call_it(node.text(deep=False))
        elif node.tag == "dc:date" and builder.date is None:
            builder.date = day_of(node.text(deep=False))


def _spine(package: "LexborHTMLParser") -> list[str]:
    manifest = {}
    for item in package.css("item[id]"):
        attributes = item.attributes
        if attributes.get("media-type") in _PAGES and "nav" not in (
            attributes.get("properties") or ""
        ):
            manifest[attributes.get("id")] = attributes.get("href") or ""
    order = [reference.attributes.get("idref") for reference in package.css("itemref[idref]")]
    return [manifest[name] for name in order if manifest.get(name)]
