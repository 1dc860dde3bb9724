"""The first screen: what is indexed, questions to begin with, or what to do first."""

from pathlib import PurePath

from assistant.assistant import Assistant, Status
from assistant.conversation.blocks import model_name
from assistant.errors import AssistantError, IndexMissingError
from assistant.server.page.shown import count, shortened, shown, shown_name
from assistant.settings import Settings


def welcome_html(assistant: Assistant) -> str:
    """What stands there before the first question."""
    try:
        status = assistant.status()
    except IndexMissingError:
        return _nothing("Nothing is indexed yet", assistant.settings.folder)
    except AssistantError as error:
        return f'<h1>The index cannot be read</h1><p class="problem">{shown(str(error))}</p>'
    if not status.counts.documents:
        return _nothing("The index is empty", status.manifest.folder or assistant.settings.folder)
    return (
        f'<h1>Ask your documents</h1><p class="holds">{_holds(status)}</p>'
        f"{_writer(assistant.writer)}{_failures(status)}"
        '<ul class="examples" aria-label="Example questions"></ul>'
    )


def _nothing(heading: str, folder: str) -> str:
    examples = folder == Settings().folder and not PurePath(folder).is_absolute()
    what = "the example documents" if examples else f"the folder {shown_name(folder, 60)}"
    return (
        f"<h1>{heading}</h1>"
        '<p>Drop files in <button type="button" class="link" data-do="documents">Documents'
        "</button>, or run <code>assistant sync FOLDER</code>.</p>"
        f'<p><button type="button" class="primary" data-do="index">Index {what}</button>'
        '</p><p class="progress" role="status"></p>'
    )


def _holds(status: Status) -> str:
    folder, synced = status.manifest.folder, status.manifest.synced_at
    parts = [count(status.counts.documents, "document"), count(status.counts.passages, "passage")]
    if folder:
        parts.append(f"folder <bdi>{shown(PurePath(folder).name or folder)}</bdi>")
    if synced:
        parts.append(f'synced <time datetime="{shown(synced)}">{shown(synced[:10])}</time>')
    return " · ".join(parts)


def _writer(model: str) -> str:
    if model == "extractive":
        return ""
    name = shown(shortened(model_name(model), 60))
    return (
        f'<p class="writer"><bdi>{name}</bdi> writes the answers; every sentence is checked '
        "against the documents.</p>"
    )


def _failures(status: Status) -> str:
    if not status.failures:
        return ""
    files = count(len(status.failures), "file")
    return (
        f'<p class="failures">{files} could not be read at the last sync. '
        '<button type="button" class="link" data-do="documents">See why</button></p>'
    )
