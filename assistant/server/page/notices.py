"""What the page tells of a sync, an upload or a removal: before, meanwhile and after, as HTML."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from assistant.server.page.listing import Library
from assistant.server.page.shown import count, shown, shown_name
from assistant.sync import Plan, Step, SyncReport

# Names listed of each kind of change, and failures in words; the rest is counted.
NAMED = 200
# So few are shown without being asked for.
OPENED = 8

Failing = tuple[str, str, str]  # source, reason, remedy


def summary(library: Library) -> str:
    """What is indexed, of which folder, since when, and what could not be read."""
    status = library.status
    if status is None:
        told = (
            f'<p class="documents-error">{shown(_sentence(library.error))}</p>'
            if library.error
            else '<div><p class="documents-count"><strong>Nothing is indexed yet</strong></p>'
            '<p class="documents-synced">Add files below, or sync the folder.</p></div>'
        )
        return f'<div class="documents-totals">{told}{_SYNC}</div><div></div><div></div>'
    counts, manifest = status.counts, status.manifest
    hidden = (
        f" · {count(counts.hidden_characters, 'hidden character')} left out"
        if counts.hidden_characters
        else ""
    )
    folder = f" · <bdi>{shown_name(manifest.folder, 120)}</bdi>" if manifest.folder else ""
    synced = f"Synced {_moment(manifest.synced_at)}" if manifest.synced_at else "Never synced"
    problem = f'<p class="documents-error">{shown(status.problem)}</p>' if status.problem else ""
    failures = [(item.source, item.reason, item.remedy) for item in status.failures]
    return (
        f'<div class="documents-totals"><div><p class="documents-count">'
        f"<strong>{count(counts.documents, 'document')}</strong> · "
        f"{count(counts.passages, 'passage')}{hidden}</p>"
        f'<p class="documents-synced">{synced}{folder}</p></div>{_SYNC}</div>'
        f"<div>{problem}</div>"
        f"<div>{_failures(failures, 'could not be read at the last sync')}</div>"
    )


_SYNC = '<button type="button" class="documents-sync" data-act="plan">Sync folder…</button>'


def plan_notice(plan: Plan) -> str:
    """What a sync would do, file by file, with the button that does it."""
    moved = [f"{old} → {entry.source}" for old, entry in plan.moved]
    changes = (
        ("to add", [entry.source for entry in plan.added]),
        ("to change", [entry.source for entry in plan.changed]),
        ("to move", moved),
        ("to remove", plan.removed),
    )
    todo = sum(len(names) for _, names in changes)
    same = plan.unchanged + len(plan.touched)
    failed = [(error.source, error.reason, error.remedy) for error in plan.failed]
    folder = f"<bdi>{shown_name(str(plan.folder), 120)}</bdi>"
    if todo:
        told = f"A sync of {folder} would do this. Nothing has been touched yet."
    else:
        told = f"{folder} is as it was at the last sync: there is nothing to do."
    aside = [f"{count(same, 'document')} unchanged."] if same else []
    aside += [f"Left aside: {_kinds(plan.skipped)}."] if plan.skipped else []
    lists = "".join(_names(label, names) for label, names in changes if names)
    return _panel(
        "Sync the folder",
        f"<p>{told}</p>{lists}{_failures(failed, 'cannot be looked at')}"
        f'<p class="documents-aside">{" ".join(aside)}</p>',
        _buttons("Sync now") if todo else _DISMISS,
    )


def empty_notice(plan: Plan, *, ticked: bool) -> str:
    """The folder is suddenly empty: asks for an explicit tick before the index is emptied too."""
    gone = count(len(plan.removed), "document")
    folder = f"<bdi>{shown_name(str(plan.folder), 120)}</bdi>"
    tick = (
        f'<button type="button" class="documents-tick" role="checkbox" data-act="allow-empty" '
        f'aria-checked="{str(ticked).lower()}"><span class="documents-box" aria-hidden="true">'
        f"</span><span>Empty it anyway: take {gone} out of the index</span></button>"
    )
    return _panel(
        "The folder is empty",
        f"<p>{folder} holds no document that can be read, but the index has {gone} from it. "
        "Is it the right folder, and is its disk connected? Nothing has been touched.</p>"
        f"{tick}",
        _buttons("Empty the index", danger=True, disabled=not ticked),
        kind="error",
    )


def removal_notice(removable: Sequence[str], synced: Sequence[str]) -> str:
    """Asks before documents are removed; says what to do about those of the synced folder."""
    text = ""
    if synced:
        files = "it is a file" if len(synced) == 1 else "they are files"
        text = (
            f"<p>{_quoted(synced)} cannot be removed here: {files} of the synced folder. "
            "Delete in the folder what you no longer want, then sync.</p>"
        )
    if not removable:
        return _panel("Remove documents", text, _DISMISS)
    ask = f"<p>{_quoted(removable)} will be taken out of the index, with the uploaded copy.</p>"
    return _panel("Remove documents", text + ask, _buttons("Remove", danger=True))


def progress_notice(title: str, step: Step | None) -> str:
    """How far it has come."""
    if step is None:
        return _panel(title, '<progress></progress><p class="documents-aside">Starting…</p>')
    share = f' value="{step.done}" max="{step.total}"' if step.total else ""
    of = f" of {step.total:,}" if step.total else ""
    name = f" · <bdi>{shown_name(step.name, 60)}</bdi>" if step.name else ""
    return _panel(
        title,
        f"<progress{share}></progress>"
        f'<p class="documents-aside">{step.doing.capitalize()}: {step.done:,}{of}{name}</p>',
    )


def report_notice(title: str, report: SyncReport, *, names: Mapping[str, str] | None = None) -> str:
    """What a sync or an upload did, and every file that failed with what to do about it.

    Args:
        title: How it went.
        report: What was done.
        names: What people call the files, by source, where that is something else.
    """
    called = names or {}
    done = ", ".join(
        f"{number:,} {word}"
        for number, word in (
            (report.added, "added"),
            (report.changed, "changed"),
            (report.moved, "moved"),
            (report.removed, "removed"),
            (report.unchanged, "unchanged"),
        )
        if number
    )
    failures = [
        (called.get(one.source, one.source), one.reason, one.remedy) for one in report.failed
    ]
    note = f"<p>Note: {shown(report.notice)}</p>" if report.notice else ""
    return _panel(
        title,
        f"<p>{done or 'Nothing was changed'}, in {report.seconds:.1f} s.</p>{note}"
        f"{_failures(failures, 'could not be read', opened=True)}",
        _DISMISS,
        kind="warning" if failures or note else "done",
    )


def removed_notice(number: int) -> str:
    """Documents have been removed."""
    return _panel(
        "Removed", f"<p>{count(number, 'document')} taken out.</p>", _DISMISS, kind="done"
    )


def error_notice(title: str, message: str) -> str:
    """What went wrong, in the words of the error; the page goes on as before."""
    return _panel(title, f"<p>{shown(_sentence(message))}</p>", _DISMISS, kind="error")


_DISMISS = (
    '<div class="documents-actions"><button type="button" data-act="dismiss">Close</button></div>'
)


def _buttons(label: str, *, danger: bool = False, disabled: bool = False) -> str:
    kind = "documents-danger" if danger else "documents-primary"
    return (
        f'<div class="documents-actions"><button type="button" class="{kind}" data-act="go"'
        f"{' disabled' if disabled else ''}>{label}</button>"
        '<button type="button" data-act="dismiss">Cancel</button></div>'
    )


def _panel(title: str, body: str, actions: str = "", *, kind: str = "") -> str:
    role = "alert" if kind == "error" else "status"
    return (
        f'<section class="documents-panel documents-panel-{kind or "plain"}" role="{role}" '
        f'tabindex="-1"><h3>{title}</h3>{body}{actions}</section>'
    )


def _names(label: str, names: Sequence[str]) -> str:
    listed = "".join(f"<li><bdi>{shown_name(name, 160)}</bdi></li>" for name in names[:NAMED])
    rest = f"<li>and {len(names) - NAMED:,} more</li>" if len(names) > NAMED else ""
    opened = " open" if len(names) <= OPENED else ""
    return (
        f"<details{opened}><summary>{len(names):,} {label}</summary>"
        f"<ul>{listed}{rest}</ul></details>"
    )


def _failures(failures: Sequence[Failing], what: str, *, opened: bool = False) -> str:
    if not failures:
        return ""
    listed = "".join(
        f"<li><bdi>{shown_name(source, 160) or 'The folder'}</bdi>"
        f"<span>{shown(_sentence(reason))} {shown(_sentence(remedy))}</span></li>"
        for source, reason, remedy in failures[:NAMED]
    )
    rest = f"<li>and {len(failures) - NAMED:,} more</li>" if len(failures) > NAMED else ""
    return (
        f'<details class="documents-failures"{" open" if opened else ""}>'
        f"<summary>{count(len(failures), 'file')} {what}</summary>"
        f"<ul>{listed}{rest}</ul></details>"
    )


def _quoted(names: Sequence[str]) -> str:
    if len(names) > 3:
        return f"<strong>{count(len(names), 'document')}</strong>"
    return ", ".join(f"<bdi><strong>{shown_name(name, 80)}</strong></bdi>" for name in names)


def _sentence(text: str) -> str:
    text = text.strip()
    return f"{text[:1].upper()}{text[1:]}{'' if text.endswith(('.', '!', '?')) else '.'}"


def _kinds(skipped: dict[str, int]) -> str:
    return ", ".join(
        f"{number:,} {shown_name(kind, 20) or 'without extension'}"
        for kind, number in skipped.items()
    )


def _moment(stamp: str) -> str:
    """The time in words; the browser's own clock is not known here, so the zone is said."""
    when = datetime.fromisoformat(stamp)
    return f"{when.day} {when:%b %Y, %H:%M} {when:%Z}".strip()
