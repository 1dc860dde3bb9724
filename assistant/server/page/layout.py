"""The page put together: Gradio's blocks, its events, and the mount in the application."""

import gzip
import os
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

from fastapi import FastAPI, Request, Response

# Before Gradio is imported: it would tell its makers, and ask the hub for news.
os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"
# It would also keep statistics of its own, and compute them anew, with pandas, after every event.
os.environ["GRADIO_ANALYTICS_MAX_EVENTS"] = "1"
os.environ["GRADIO_ANALYTICS_CACHE_FREQUENCY"] = str(2**60)

import gradio as gr

from assistant.assistant import Assistant
from assistant.conversation import Conversation
from assistant.server.page.assets import Preloads, packed, serve_assets
from assistant.server.page.chat import ask
from assistant.server.page.conversations import actions
from assistant.server.page.documents import DocumentsTab, documents_tab, kept, within_label
from assistant.server.page.indexing import index
from assistant.server.page.presence import Attendance, Presence
from assistant.server.page.rendering import sendable

HERE = Path(__file__).parent
TITLE = "Cited assistant"
# Files that were dropped and never taken in are deleted after so many seconds.
LEFT = 3600
# As many questions and syncs of all browsers together may be under way; more wait in line.
AT_ONCE = 40
Update = dict[str, Any]


def mount(app: FastAPI, assistant: Assistant) -> FastAPI:
    """Put the page at the root of an application, after everything else that it serves."""
    style = _serve_style(app)
    serve_assets(app)
    presence = Presence()
    app.add_middleware(Attendance, presence=presence)
    app.add_middleware(Preloads, styles=(style,))
    theme = gr.themes.Base(
        font=["system-ui", "sans-serif"],
        font_mono=["ui-monospace", "monospace"],
        primary_hue="teal",
        neutral_hue="stone",
        radius_size="md",
    )
    mounted: FastAPI = gr.mount_gradio_app(
        app,
        _blocks(assistant, presence),
        path="/",
        footer_links=[],
        run_history=False,
        allowed_paths=[],
        show_error=False,
        ssr_mode=False,
        enable_monitoring=False,
        pwa=False,
        mcp_server=False,
        max_file_size=assistant.settings.max_upload_bytes,
        theme=theme,
        head=f'<link rel="stylesheet" href="{style}">',
        app_kwargs={"docs_url": None, "redoc_url": None, "openapi_url": None},
    )
    return mounted


def _serve_style(app: FastAPI) -> str:
    """Serve the style sheet; returns its address, which is another when its content is.

    Gradio's own `css` tears selectors apart at the commas inside `:is(...)`.
    """
    sheets = ("style.css", "documents.css", "viewer.css")
    style = "\n".join((HERE / name).read_text(encoding="utf-8") for name in sheets)
    address = f"/page-{sha256(style.encode()).hexdigest()[:12]}.css"

    plain = style.encode()
    content = plain, gzip.compress(plain, 9)

    @app.get(address, include_in_schema=False)
    def sheet(request: Request) -> Response:
        return packed(request, content, "text/css")

    return address


def _blocks(assistant: Assistant, presence: Presence) -> Any:
    with gr.Blocks(
        title=TITLE, analytics_enabled=False, fill_width=True, delete_cache=(LEFT, LEFT)
    ) as blocks:
        # One component of our own: its markup never changes; its script shows what its value
        # tells, and triggers the events below.
        page = gr.HTML(
            None,
            html_template=(HERE / "shell.html").read_text(encoding="utf-8"),
            js_on_load=(HERE / "page.js").read_text(encoding="utf-8"),
            server_functions=actions(assistant, presence),
            apply_default_css=False,
            elem_id="page",
        )
        # Tells the page's script what was chosen and changed among the documents.
        told = gr.HTML(
            None,
            html_template="",
            js_on_load="watch('value', () => "
            "document.dispatchEvent(new CustomEvent('told', {detail: props.value})))",
            elem_id="told",
        )
        # The conversation of this browser tab as long as it cannot be kept in the index.
        unkept = gr.State(None)
        with gr.Column(visible=False, elem_id="library") as library:
            documents = documents_tab(assistant)
        _events(assistant, presence, page, told, unkept, library, documents)
    blocks.queue(api_open=False, default_concurrency_limit=AT_ONCE)
    return blocks


def _events(
    assistant: Assistant,
    presence: Presence,
    page: Any,
    told: Any,
    unkept: gr.State,
    library: gr.Column,
    documents: DocumentsTab,
) -> None:
    def answered(
        before: Conversation | None,
        within: list[str] | None,
        request: gr.Request,
        event: gr.EventData,
    ) -> Iterator[tuple[Update, Conversation | None]]:
        asked = event._data
        session, name, owner = str(request.session_hash), str(asked.get("ask")), owner_of(request)
        with presence.asking(session, name, owner=owner) as gone:
            yield from ask(
                assistant,
                asked,
                owner=owner,
                unkept=before,
                within=within or None,
                gone=gone,
            )

    def indexed(event: gr.EventData) -> Iterator[Update]:
        yield from index(assistant, event._data)

    quiet: Any = {"show_progress": "hidden", "api_visibility": "private"}
    many: Any = {"trigger_mode": "multiple", "concurrency_limit": AT_ONCE, **quiet}
    page.ask(answered, [unkept, documents.chosen], [page, unkept], **many)
    page.index(indexed, None, page, **many)
    # The documents are loaded when they are first looked at.
    page.documents(lambda: gr.Column(visible=True), None, library, queue=False, **quiet)
    documents.refresh_on(page.documents)

    def choice(chosen: list[str] | None, changed: int, event: gr.EventData) -> Update:
        return {
            "ask": sendable(event._data.get("ask")),
            "within": sendable(within_label(chosen)),
            "chosen": kept(chosen),
            "changed": changed,
        }

    def chosen_before(changed: int, event: gr.EventData) -> tuple[list[str] | None, Update]:
        chosen = documents.choose(event._data.get("chosen"))
        return chosen, choice(chosen, changed, event)

    # Asked for when the conversation is looked at again: an event that does not wait in line
    # changes a state without a `change`. The browser keeps the choice for when it loads again.
    at_once: Any = {"queue": False, **quiet}
    page.choice(choice, [documents.chosen, documents.changed], told, **at_once)
    page.restore(chosen_before, documents.changed, [documents.chosen, told], **at_once)


def owner_of(request: gr.Request) -> str:
    """Whose conversations a request is about; set for every request by the access control."""
    return str(getattr(request.state, "owner", ""))
