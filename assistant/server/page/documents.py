"""The page's Documents part: what is indexed, adding and removing, and what to ask within."""

import time
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import gradio as gr
from gradio.data_classes import FileData, ListFiles

from assistant.assistant import Assistant
from assistant.errors import AssistantError, CorpusError, IndexMissingError
from assistant.server.page import notices
from assistant.server.page.listing import (
    Library,
    View,
    key,
    listing,
    matching,
    toggled,
    within_label,
)
from assistant.server.working import working
from assistant.sync import Progress, Step, SyncReport

__all__ = ["DocumentsTab", "documents_tab", "kept", "within_label"]

# For so long the list is not read again, unless it is opened or something is done to it here.
FRESH_SECONDS = 10.0
# More of what is searched for is not looked at.
LONGEST_QUERY = 1000

# Everything in the HTML that can be pressed has `data-act`, and `data-key` for what it is about.
# The server decides what there is to see; a tick is shown at once and set right by the answer.
_PRESSED = """
element.addEventListener('click', (event) => {
  const button = event.target.closest('[data-act]');
  if (!button || button.disabled) return;
  const {act, key} = button.dataset;
  if (button.getAttribute('role') === 'checkbox') {
    button.setAttribute('aria-checked', button.getAttribute('aria-checked') !== 'true');
  }
  if (act === 'reset') document.querySelector('.documents-search input').value = '';
  trigger(act === 'go' ? 'submit' : 'select', {act, key: key || ''});
});
"""
# A question to the reader takes the focus, and gives it back when it has been answered.
_NOTICED = (
    _PRESSED
    + """
let before = null, asked = false;
watch('value', () => {
  const panel = element.querySelector('.documents-panel');
  const asks = Boolean(panel && panel.querySelector('[data-act="go"]'));
  if (asks && !asked) {
    before = document.activeElement;
    panel.focus({preventScroll: true});
    panel.scrollIntoView({block: 'nearest', behavior: 'smooth'});
  } else if (panel && before && document.activeElement === document.body) {
    panel.focus({preventScroll: true});
  } else if (!panel && before) {
    if (before.isConnected) before.focus();
    before = null;
  }
  asked = asks;
});
"""
)

# Not gr.Textbox: the first of its input events gets lost.
_SEARCH = (
    '<input type="search" placeholder="Search by title or file name" '
    'aria-label="Search documents by title or file name" autocomplete="off" spellcheck="false">'
)
_SEARCHED = """
element.querySelector('input').addEventListener('input', (event) => {
  trigger('input', {query: event.target.value});
});
"""


@dataclass(frozen=True, slots=True)
class Pending:
    """What waits to be confirmed."""

    what: Literal["sync", "remove"]
    sources: tuple[str, ...] = ()
    empties: bool = False
    allowed: bool = False


class DocumentsTab:
    """The components of the Documents part, and what the rest of the page needs of them.

    Attributes:
        chosen: A gr.State with the sources and folders to ask within (`list[str]`), or None for
            all; its `change` event tells of a new choice, `within_label` says it in words.
        changed: A gr.State that is another number after each sync, upload or removal.
    """

    def __init__(self, assistant: Assistant) -> None:
        """Build the components inside the layout that is open."""
        self._assistant = assistant
        self._library = Library(None)
        self.chosen = gr.State(None)
        self.changed = gr.State(0)
        self._view = gr.State(View())
        self._pending = gr.State(None)
        with gr.Column(elem_classes="documents"):
            self._summary = _html("documents-summary")
            self._notice = _html("documents-notice", _NOTICED)
            self._files = gr.File(
                label="Add documents",
                file_count="multiple",
                height=72,
                elem_classes="documents-drop",
            )
            self._files.preprocess = _named  # type: ignore[assignment, method-assign]
            _refuse_addresses(self._files)
            self._uploaded = _html("documents-notice")
            self._query = _html("documents-search", _SEARCHED, template=_SEARCH)
            self._list = _html("documents-list")
        self._wire()

    def choose(self, keys: object) -> list[str] | None:
        """What a browser kept of a choice, as far as it is still there; see `kept`."""
        library = self._read(fresh=True)
        known = {**library.sources, **library.folders}
        wanted = keys if isinstance(keys, list) else []
        return [known[one] for one in wanted if isinstance(one, str) and one in known] or None

    def refresh_on(self, *listeners: Callable[..., Any]) -> None:
        """Show the state of things at these events: `refresh_on(demo.load, tab.select)`."""
        for listener in listeners:
            self._quick(listener, self._refresh)

    def _wire(self) -> None:
        self._quick(self._list.select, self._press)
        self._quick(self._summary.select, self._press)
        self._quick(self._notice.select, self._press)
        self._quick(self._query.input, self._search, latest=True)
        self._uploaded.select(
            lambda: "",
            outputs=self._uploaded,
            queue=False,
            show_progress="hidden",
            api_visibility="private",
        )
        slow: Any = {
            "show_progress": "hidden",
            "concurrency_limit": None,
            "api_visibility": "private",
        }
        shown = [self._summary, self._list, self.chosen, self.changed]
        self._notice.submit(
            self._confirmed,
            [self._pending, self._view, self.chosen, self.changed],
            [self._notice, self._pending, *shown],
            **slow,
        )
        self._files.upload(
            self._upload,
            [self._files, self._view, self.chosen, self.changed],
            [self._uploaded, self._files, *shown],
            **slow,
        )

    def _quick(
        self, listener: Callable[..., Any], function: Callable[..., Any], *, latest: bool = False
    ) -> None:
        """Join an event to a function of (view, chosen, pending) that shows all anew.

        With `latest`, events that come while one is at work are dropped but for the last.
        """
        listener(
            function,
            [self._view, self.chosen, self._pending],
            [self._view, self.chosen, self._pending, self._notice, self._summary, self._list],
            queue=False,
            show_progress="hidden",
            trigger_mode="always_last" if latest else "multiple",
            api_visibility="private",
        )

    # What is shown.

    def _read(self, *, fresh: bool) -> Library:
        """What is indexed; read again if that was some time ago."""
        known = self._library
        if fresh or time.monotonic() - known.read_at > FRESH_SECONDS:
            try:
                known = Library(self._assistant.status(), read_at=time.monotonic())
            except IndexMissingError:
                known = Library(None, read_at=time.monotonic())
            except AssistantError as error:
                known = Library(None, str(error))
            self._library = known
        return known

    def _shown(
        self,
        view: View,
        chosen: Sequence[str] | None,
        pending: Pending | None,
        notice: object,
        *,
        fresh: bool = False,
    ) -> tuple[Any, ...]:
        library = self._read(fresh=fresh)
        kept = library.existing(chosen)
        rows = listing(library, view, kept)
        return view, kept, pending, notice, notices.summary(library), rows

    def _refresh(
        self, view: View, chosen: list[str] | None, pending: Pending | None
    ) -> tuple[Any, ...]:
        return self._shown(view, chosen, pending, gr.skip(), fresh=True)

    def _search(
        self,
        view: View,
        chosen: list[str] | None,
        pending: Pending | None,
        event: gr.EventData,
    ) -> tuple[Any, ...]:
        query = str(event._data.get("query", ""))[:LONGEST_QUERY]
        return self._shown(replace(view, query=query, page=0), chosen, pending, gr.skip())

    def _press(
        self,
        view: View,
        chosen: list[str] | None,
        pending: Pending | None,
        event: gr.EventData,
    ) -> tuple[Any, ...]:
        """Something was pressed; what the browser says of it may be anything."""
        act, key = str(event._data.get("act")), str(event._data.get("key"))
        library = self._read(fresh=False)
        notice: object = gr.skip()
        match act:
            case "tick" if key in library.sources:
                chosen = toggled(chosen, library.sources[key], library)
            case "choose-found":
                chosen = self._found(library, view)
            case "clear":
                chosen = None
            case "type":
                view = replace(view, type=key, page=0)
            case "folder":
                view = replace(view, folder=library.folders.get(key, ""), page=0)
            case "reset":
                view = View()
            case "page" if key.isdecimal():
                view = replace(view, page=int(key[:9]))
            case "plan":
                pending, notice = self._plan()
            case "allow-empty" if pending is not None and pending.empties:
                pending, notice = self._plan(allowed=not pending.allowed)
            case "remove" if key in library.sources:
                pending, notice = self._removal(library, [library.sources[key]])
            case "remove-chosen" if chosen:
                sources = [document.source for document in library.inside(chosen)]
                pending, notice = self._removal(library, sources)
            case "dismiss":
                pending, notice = None, ""
        return self._shown(view, chosen, pending, notice)

    def _found(self, library: Library, view: View) -> list[str] | None:
        """All that the filters let through; a folder by its name, so that it may grow."""
        if view.folder and not view.query.strip() and not view.type:
            return [view.folder]
        found = matching(library.documents, view)
        return [item.source for item in found if view.type in ("", item.type)] or None

    # What changes the index: shown first, done when confirmed.

    def _plan(self, *, allowed: bool = False) -> tuple[Pending | None, str]:
        try:
            return Pending("sync"), notices.plan_notice(self._assistant.plan())
        except CorpusError as error:
            empty = self._plan_to_empty()
            if empty is None:
                return None, notices.error_notice("The folder cannot be synced", str(error))
            pending = Pending("sync", empties=True, allowed=allowed)
            return pending, notices.empty_notice(empty, ticked=allowed)
        except AssistantError as error:
            return None, notices.error_notice("The folder cannot be synced", str(error))

    def _plan_to_empty(self) -> Any:
        """The plan that a suddenly empty folder would mean; None if something else is wrong."""
        try:
            plan = self._assistant.plan(allow_empty=True)
        except AssistantError:
            return None
        return plan if plan.removed else None

    def _removal(self, library: Library, sources: list[str]) -> tuple[Pending | None, str]:
        ours = [source for source in sources if source in library.removable]
        synced = [source for source in sources if source not in library.removable]
        pending = Pending("remove", tuple(ours)) if ours else None
        return pending, notices.removal_notice(ours, synced)

    def _confirmed(
        self, pending: Pending | None, view: View, chosen: list[str] | None, changed: int
    ) -> Iterator[tuple[Any, ...]]:
        if pending is None or (pending.empties and not pending.allowed):
            return
        if pending.what == "remove":
            title = "The documents could not be removed"
            doing, work = "Removing documents", self._remove(pending.sources)
        else:
            title, doing = "The sync did not finish", "Syncing the folder"
            work = self._sync(allow_empty=pending.allowed)
        for notice in _told(doing, work, failed=title):
            yield notice, None, *[gr.skip()] * 4
        yield notice, None, *self._after(view, chosen, changed)

    def _upload(
        self,
        files: list[tuple[str, Path]],
        view: View,
        chosen: list[str] | None,
        changed: int,
    ) -> Iterator[tuple[Any, ...]]:
        if not files:
            return

        def work(progress: Progress) -> str:
            try:
                report = self._assistant.upload(files, progress=progress)
            finally:
                for _, path in files:
                    path.unlink(missing_ok=True)
            names = {file.source: file.name for file in report.files}
            return notices.report_notice(_added(report), report, names=names)

        notice: object = gr.skip()
        title = "The files could not be added"
        for notice in _told("Adding documents", work, failed=title):
            yield notice, None, *[gr.skip()] * 4
        yield notice, None, *self._after(view, chosen, changed)

    def _sync(self, *, allow_empty: bool) -> Callable[[Progress], str]:
        def work(progress: Progress) -> str:
            report = self._assistant.sync(allow_empty=allow_empty, progress=progress)
            return notices.report_notice("The folder is synced", report)

        return work

    def _remove(self, sources: Sequence[str]) -> Callable[[Progress], str]:
        return lambda progress: notices.removed_notice(self._assistant.remove(sources))

    def _after(self, view: View, chosen: list[str] | None, changed: int) -> tuple[Any, ...]:
        _, kept, _, _, summary, rows = self._shown(view, chosen, None, None, fresh=True)
        return summary, rows, kept, changed + 1


def kept(chosen: Sequence[str] | None) -> list[str]:
    """A choice as a browser keeps it: it can name what there is, and nothing else."""
    return [key(name) for name in chosen or ()]


def documents_tab(assistant: Assistant) -> DocumentsTab:
    """Build the Documents part inside the tab that is open; call `refresh_on` with load events."""
    return DocumentsTab(assistant)


def _html(name: str, script: str = _PRESSED, *, template: str = "${value}") -> gr.HTML:
    return gr.HTML(
        elem_classes=name, html_template=template, js_on_load=script, apply_default_css=False
    )


def _refuse_addresses(component: gr.File) -> None:
    """Take files that were uploaded; Gradio would fetch one whose "path" is a web address."""
    take = component.async_move_resource_to_block_cache

    async def take_uploaded(path: str | Path | None) -> str | None:
        if str(path).startswith(("http://", "https://")):
            raise gr.Error("A file has to be uploaded.", print_exception=False)
        return await take(path)

    component.async_move_resource_to_block_cache = take_uploaded  # type: ignore[assignment, method-assign]


def _named(payload: ListFiles | FileData | None) -> list[tuple[str, Path]]:
    """Files with their names as the person knows them, instead of paths made from these.

    They lie in gradio's upload folder: it has seen to that before.
    """
    files = payload if isinstance(payload, ListFiles) else [payload] if payload else []
    return [(file.orig_name or Path(file.path).name, Path(file.path)) for file in files]


def _told(
    doing: str, work: Callable[[Progress], str], *, failed: str
) -> Generator[str, None, None]:
    """Notices while the work is done, and last the one that it returns."""
    yield notices.progress_notice(doing, None)
    try:
        for last in working(work):
            yield notices.progress_notice(doing, last) if isinstance(last, Step) else last
    except AssistantError as error:
        yield notices.error_notice(failed, str(error))
    except Exception:
        yield notices.error_notice(failed, "an unexpected error; the server's log says more")
        raise


def _added(report: SyncReport) -> str:
    number = report.added + report.changed
    if not number:
        return "No document was added"
    return "1 document is ready" if number == 1 else f"{number:,} documents are ready"
