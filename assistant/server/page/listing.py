"""The list of documents as the page shows it: searched, filtered, one page of it at a time."""

import hashlib
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

from assistant.assistant import Status
from assistant.catalog import ListedDocument
from assistant.server.page.shown import count, day, shown, shown_name

# Rows sent to the browser at once, and folders offered to choose from.
ROWS = 50
FOLDERS = 24


@dataclass(frozen=True, slots=True)
class View:
    """What of the list a person looks at; `folder` ends in "/", or is empty."""

    query: str = ""
    type: str = ""
    folder: str = ""
    page: int = 0

    @property
    def filtered(self) -> bool:
        """Whether this may leave something out."""
        return bool(self.query.strip() or self.type or self.folder)


@dataclass(frozen=True)
class Library:
    """What is indexed, as last looked at.

    Without a status nothing is indexed yet, or `error` says why that is not known.
    """

    status: Status | None
    error: str = ""
    read_at: float = field(default=0.0, compare=False)

    @property
    def documents(self) -> Sequence[ListedDocument]:
        """All of them, by source."""
        return self.status.documents if self.status is not None else ()

    @cached_property
    def sources(self) -> dict[str, str]:
        """Each source by its key: what the page says to name it, whatever characters it has."""
        return {key(document.source): document.source for document in self.documents}

    @cached_property
    def folders(self) -> dict[str, str]:
        """Each folder by its key."""
        found = {part for document in self.documents for part in _folders(document.source)}
        return {key(folder): folder for folder in found}

    @cached_property
    def removable(self) -> frozenset[str]:
        """The sources that a program or a person added, rather than the synced folder."""
        return frozenset(item.source for item in self.documents if item.origin == "program")

    def inside(self, chosen: Sequence[str] | None) -> list[ListedDocument]:
        """The documents that these sources and folders stand for; all for None."""
        if chosen is None:
            return list(self.documents)
        names = set(chosen)
        return [document for document in self.documents if _chosen(document.source, names)]

    def existing(self, chosen: Sequence[str] | None) -> list[str] | None:
        """The chosen sources and folders that are still there; None if none is."""
        return [name for name in chosen or () if name in self._names] or None

    @cached_property
    def _names(self) -> frozenset[str]:
        return frozenset({*self.sources.values(), *self.folders.values()})


def key(source: str) -> str:
    """A short name for a source that survives every encoding; only ours are ever looked up."""
    return hashlib.sha256(source.encode("utf-8", "surrogatepass")).hexdigest()[:20]


def matching(documents: Iterable[ListedDocument], view: View) -> list[ListedDocument]:
    """The documents under the view's folder with every word of its query in title or source."""
    words = view.query.split()
    return [
        document
        for document in documents
        if document.source.startswith(view.folder) and (not words or document.has(words))
    ]


def toggled(chosen: Sequence[str] | None, source: str, library: Library) -> list[str] | None:
    """The choice with one document put in, or taken out, be it chosen by a folder."""
    before = list(chosen or ())
    if not _chosen(source, set(before)):
        return [*before, source]
    over = {source, *_folders(source)}
    rest = [name for name in before if name not in over]
    for folder in (name for name in before if name in over and name != source):
        rest += [
            item.source
            for item in library.documents
            if item.source.startswith(folder) and item.source != source
        ]
    return list(dict.fromkeys(rest)) or None


def within_label(chosen: Sequence[str] | None) -> str:
    """The choice in words, plain text: "3 documents", "the folder reports/", or nothing."""
    names = list(chosen or ())
    folders = [name for name in names if name.endswith("/")]
    parts = [count(len(names) - len(folders), "document")] if len(names) > len(folders) else []
    if len(folders) == 1:
        parts.append(f"the folder {folders[0]}")
    elif folders:
        parts.append(count(len(folders), "folder"))
    return " and ".join(parts)


def listing(library: Library, view: View, chosen: Sequence[str] | None) -> str:
    """The choice, the filters, one page of rows and the way to the others, as HTML."""
    found = matching(library.documents, view)
    types = Counter(document.type for document in found)
    if view.type:
        found = [document for document in found if document.type == view.type]
    pages = max(1, -(-len(found) // ROWS))
    view = replace(view, page=min(max(view.page, 0), pages - 1))
    rows = found[view.page * ROWS : (view.page + 1) * ROWS]
    ticked = set(chosen or ())
    body = "".join(_row(document, ticked=_chosen(document.source, ticked)) for document in rows)
    ours = any(document.origin == "program" for document in rows)
    removable = " documents-removable" if ours else ""
    # The same parts stand in the same places whatever there is to show: an update in place then
    # leaves the keyboard's focus where it was.
    return (
        f"{_choice(library, chosen)}"
        f'<div class="documents-filters">{_folder_filter(library, view)}'
        f"{_type_filter(types, view)}</div>"
        f"{_found(library, view, len(found))}"
        f'<ul class="documents-rows{removable}" aria-label="Documents">{body}</ul>'
        f"{_pager(view, len(found), pages)}"
    )


def _choice(library: Library, chosen: Sequence[str] | None) -> str:
    if not chosen:
        return '<div class="documents-choice" hidden></div>'
    names = ", ".join(shown_name(item.title, 60) for item in library.inside(chosen)[:3])
    titles = f" <span>{names}</span>" if len(library.inside(chosen)) <= 3 else ""
    return (
        '<div class="documents-choice" role="status">'
        f"<p><strong>Asking within {shown(within_label(chosen))}.</strong>{titles}</p>"
        '<button type="button" data-act="clear">Clear</button>'
        '<button type="button" data-act="remove-chosen">Remove…</button></div>'
    )


def _folder_filter(library: Library, view: View) -> str:
    depth = view.folder.count("/")
    inside = Counter(
        view.folder + document.source[len(view.folder) :].split("/", 1)[0] + "/"
        for document in library.documents
        if document.source.startswith(view.folder) and "/" in document.source[len(view.folder) :]
    )
    if not inside and not view.folder:
        return '<div class="documents-folders" hidden></div>'
    parts = view.folder.split("/")[:depth]
    trail = [_button("folder", "", "All folders", pressed=not view.folder)]
    for end in range(1, depth + 1):
        folder = "/".join(parts[:end]) + "/"
        name = shown_name(parts[end - 1], 40)
        trail.append(_button("folder", key(folder), f"{name}/", pressed=end == depth))
    names = [
        _button("folder", key(folder), f"{shown_name(folder[len(view.folder) : -1], 40)}/", number)
        for folder, number in sorted(inside.items())[:FOLDERS]
    ]
    if len(inside) > FOLDERS:
        names.append(f"<span>and {len(inside) - FOLDERS:,} more; search for their names</span>")
    return (
        '<div class="documents-folders" role="group" aria-label="Folder">'
        f"{'<i>›</i>'.join(trail)}{'<i>›</i>' if names else ''}{''.join(names)}</div>"
    )


def _type_filter(types: Counter[str], view: View) -> str:
    if len(types) < 2 and not view.type:
        return '<div class="documents-types" hidden></div>'
    every = _button("type", "", "All types", sum(types.values()), pressed=not view.type)
    each = "".join(
        _button("type", shown(kind), shown(kind).upper(), number, pressed=kind == view.type)
        for kind, number in sorted(types.items(), key=lambda pair: (-pair[1], pair[0]))
    )
    return f'<div class="documents-types" role="group" aria-label="Type">{every}{each}</div>'


def _found(library: Library, view: View, found: int) -> str:
    """How many match, and a way to ask within them; or why there is nothing to see."""
    if not library.documents:
        return '<p class="documents-found documents-none">No documents yet.</p>'
    if not found:
        query = view.query.strip()
        asked = f"“{shown_name(query, 60)}”" if query else "these filters"
        return (
            f'<p class="documents-found documents-none">No document matches {asked}. '
            '<button type="button" data-act="reset">Show all documents</button></p>'
        )
    if not view.filtered:
        return '<p class="documents-found">Tick documents to ask within them only.</p>'
    return (
        f'<p class="documents-found">{count(found, "document")} '
        f'{"match" if found != 1 else "matches"}. <button type="button" data-act="choose-found">'
        f"Ask within {'these' if found != 1 else 'this one'}</button></p>"
    )


def _row(document: ListedDocument, *, ticked: bool) -> str:
    name = key(document.source)
    hidden = (
        '<span class="documents-hidden" title="Text in the file that a reader would not see; '
        f'it is not searched">{count(document.hidden_characters, "hidden character")} left out'
        "</span>"
        if document.hidden_characters
        else ""
    )
    remove = (
        f'<button type="button" class="documents-remove" data-act="remove" data-key="{name}" '
        f'aria-label="Remove {shown_name(document.title, 80)}">Remove</button>'
        if document.origin == "program"
        else ""
    )
    # Not an <input>: that would keep its tick when the row is given another document.
    return (
        '<li class="documents-row"><button type="button" class="documents-tick" role="checkbox" '
        f'aria-checked="{str(ticked).lower()}" data-act="tick" data-key="{name}">'
        '<span class="documents-box" aria-hidden="true"></span><span class="documents-name">'
        f'<bdi class="documents-title">{shown_name(document.title, 110)}</bdi>'
        f'<bdi class="documents-source">{shown_name(document.source, 110)}</bdi></span></button>'
        f'<span class="documents-type">{shown(document.type)}</span>'
        f'<span class="documents-passages">{count(document.passages, "passage")}</span>'
        f'<span class="documents-date">{day(document.date) or "undated"}</span>'
        f"{remove}{hidden}</li>"
    )


def _pager(view: View, found: int, pages: int) -> str:
    if pages < 2:
        return '<div class="documents-pager" hidden></div>'
    first, last = view.page * ROWS + 1, min((view.page + 1) * ROWS, found)
    back = "" if view.page else " disabled"
    on = "" if view.page < pages - 1 else " disabled"
    return (
        '<div class="documents-pager" role="group" aria-label="Pages">'
        f'<button type="button" data-act="page" data-key="{view.page - 1}"{back}>Previous</button>'
        f"<span>{first:,}–{last:,} of {found:,}</span>"
        f'<button type="button" data-act="page" data-key="{view.page + 1}"{on}>Next</button></div>'
    )


def _button(
    act: str, name: str, label: str, number: int | None = None, *, pressed: bool = False
) -> str:
    """One choice of a filter; `label` is HTML."""
    amount = f" <small>{number:,}</small>" if number is not None else ""
    return (
        f'<button type="button" data-act="{act}" data-key="{name}" '
        f'aria-pressed="{str(pressed).lower()}">{label}{amount}</button>'
    )


def _folders(source: str) -> list[str]:
    """The folders above a source, outermost first."""
    parts = source.split("/")[:-1]
    return ["/".join(parts[:end]) + "/" for end in range(1, len(parts) + 1)]


def _chosen(source: str, chosen: set[str]) -> bool:
    return source in chosen or any(folder in chosen for folder in _folders(source))
