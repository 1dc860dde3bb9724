"""What people read: answers, passages, plans and reports on a screen."""

from collections.abc import Sequence

from assistant.answering import Answer, Citation, Sentence
from assistant.assistant import Status
from assistant.catalog import ListedConversation
from assistant.cli.screen import Screen, one_line
from assistant.conversation.blocks import model_name
from assistant.grounding import Verdict
from assistant.indexes import Finding
from assistant.retrieval import Hit
from assistant.sync import Plan, SyncReport

EXTRACTIVE = "extractive"
STYLES = {"quoted": "green", "supported": "green", "weak": "yellow", "unsupported": "red"}
# So many documents are listed, and so much of a passage is shown; JSON has it all.
LISTED = 100
SHOWN_CHARACTERS = 600


def show_answer(answer: Answer, screen: Screen, *, most_calls: int) -> None:
    """The answer, its sentences' verdicts, its sources, and how sure the search is."""
    if not answer.refused and not answer.choices:
        screen.write(answer.text)
        screen.write("")
        for number, sentence in enumerate(answer.sentences, start=1):
            marks = "".join(f"[{mark}]" for mark in sentence.citations) or "without a source"
            screen.write(
                (f"sentence {number} ", "dim"),
                (sentence.verdict, STYLES[sentence.verdict]),
                (f" {marks}{_reason(sentence)}", "dim"),
                indent=2,
            )
    show_basis(answer, screen, most_calls=most_calls)


def show_basis(answer: Answer, screen: Screen, *, most_calls: int) -> None:
    """What follows an answer's sentences, or stands for them: sources, notice, how sure."""
    if answer.refused:
        show_refusal(answer, screen)
    elif answer.choices:
        show_choices(answer, screen)
    else:
        screen.write("")
        if answer.citations:
            screen.write(("Sources", "bold"))
        for citation in answer.citations:
            show_citation(citation, screen)
        if answer.citations:
            screen.write("")
    show_notice(answer, screen)
    if answer.choices:
        return
    searches = "; ".join(map(one_line, answer.searches or (answer.search_query,)))
    told = filter(None, (_sureness(answer), writer(answer, most_calls)))
    asked = "" if answer.refused and not answer.searches else f" · searched for: {searches}"
    screen.write((" · ".join(told) + asked, "dim"))


def show_notice(answer: Answer, screen: Screen) -> None:
    """What the reader must know beside the answer."""
    if answer.notice:
        screen.write((f"Note: {one_line(answer.notice)}", "yellow"))


def writer(answer: Answer, most_calls: int) -> str:
    """The language model that was asked, and how often; nothing if none was."""
    if not answer.model_calls:
        return ""
    name = "no language model" if answer.model == EXTRACTIVE else one_line(model_name(answer.model))
    return f"{name}, {answer.model_calls} of {_counted(most_calls, 'call')}"


def show_refusal(answer: Answer, screen: Screen) -> None:
    """What was searched in vain, and, clearly not as an answer, what came closest."""
    screen.write((one_line(answer.text), "yellow"))
    screen.write("")
    if answer.closest:
        screen.write(("Closest, but not an answer", "bold"))
        for hit in answer.closest:
            screen.write(*_where(hit), indent=4, label="  -")
        screen.write("")


def show_citation(citation: Citation, screen: Screen) -> None:
    """A source: number, title, name, place and the words cited."""
    names = filter(None, (citation.source, citation.place))
    screen.write(
        (one_line(citation.title), "bold"),
        "".join(f" · {one_line(name)}" for name in names),
        indent=6,
        label=f"  [{citation.number}]",
    )
    screen.write((f"“{one_line(citation.quote)}”", "italic"), indent=6)


def show_sentence(sentence: Sentence, text: str, screen: Screen) -> None:
    """A sentence of an answer, as it is told, with its verdict beside it.

    That of an unsupported sentence is not to be overlooked.
    """
    if sentence.lead.startswith("\n\n"):
        screen.write("")
    style = STYLES[sentence.verdict]
    if sentence.verdict == "unsupported":
        screen.write((text.strip(), style))
        told = sentence.reason or "nothing that was found bears it out"
        screen.write((f"unsupported: {one_line(told)}", f"bold {style}"), indent=2)
    else:
        screen.write(text.strip(), (f" ({sentence.verdict}{_reason(sentence)})", f"dim {style}"))


def _reason(sentence: Sentence) -> str:
    return f": {one_line(sentence.reason)}" if sentence.reason else ""


def show_end(answer: Answer, screen: Screen, *, most_calls: int) -> None:
    """What follows an answer's sentences in a conversation, or stands for them."""
    about = [writer(answer, most_calls)]
    if answer.refused:
        show_refusal(answer, screen)
        about.insert(0, _sureness(answer))
    elif answer.choices:
        show_choices(answer, screen)
        screen.write(("type a number, or ask in other words", "dim"))
    for citation in answer.citations:
        names = filter(None, (citation.title, citation.source, citation.place))
        where = " · ".join(map(one_line, names))
        screen.write((where, "dim"), indent=6, label=f"  [{citation.number}]")
    show_notice(answer, screen)
    if any(about):
        screen.write((" · ".join(filter(None, about)), "dim"))


def show_choices(answer: Answer, screen: Screen) -> None:
    """The question back, and what may be meant."""
    screen.write(answer.text)
    for number, choice in enumerate(answer.choices, start=1):
        screen.write(one_line(choice), indent=6, label=f"  {number}")


def show_passage(citation: Citation, screen: Screen) -> None:
    """The whole passage that is cited, the cited words standing out, and why it was found."""
    start = citation.start - citation.passage_start
    end = citation.end - citation.passage_start
    passage = citation.passage
    # Without colours the words are set apart by marks.
    before, after = ("", "") if screen.console.color_system else ("»", "«")
    names = filter(None, (citation.source, citation.place))
    screen.write(
        (one_line(citation.title), "bold"),
        "".join(f" · {one_line(name)}" for name in names),
        indent=6,
        label=f"  [{citation.number}]",
    )
    quote = (before + passage[start:end] + after, "reverse")
    screen.write(passage[:start], quote, passage[end:], indent=6)
    screen.write((one_line(citation.why), "dim"), indent=6)


def show_conversations(conversations: Sequence[ListedConversation], screen: Screen) -> None:
    """The conversations that are kept."""
    if not conversations:
        screen.write("No conversation is kept; /save in assistant chat keeps one.")
    for listed in conversations:
        day = listed.changed_at.isoformat(" ", "minutes")[:16]
        owner = f", {one_line(listed.owner)}" if listed.owner else ""
        about = f" · {_counted(listed.turns, 'turn')}, {day}{owner}"
        screen.write(f"{listed.id}  ", (one_line(listed.title), "bold"), (about, "dim"), indent=2)


def show_hits(hits: Sequence[Hit], screen: Screen) -> None:
    """Passages that were found, and why."""
    if not hits:
        screen.write("Nothing was found.")
    for number, hit in enumerate(hits, start=1):
        screen.write(*_where(hit), f" · {hit.score:.2f}", indent=4, label=f"{number:2}")
        screen.write(_shortened(one_line(hit.text)), indent=4)
        also = f" · also in {', '.join(hit.also_in)}" if hit.also_in else ""
        screen.write((one_line(hit.why + also), "dim"), indent=4)
        screen.write("")


def show_verdicts(verdicts: Sequence[Verdict], sources: Sequence[str], screen: Screen) -> None:
    """Each sentence of the checked text, and what the sources say to it."""
    for verdict in verdicts:
        style = STYLES[verdict.label]
        screen.write(one_line(verdict.sentence), indent=13, label=verdict.label, style=style)
        if verdict.reason:
            screen.write((one_line(verdict.reason), style), indent=13)
        for support in verdict.supports[:1]:
            quote = _shortened(one_line(support.text))
            screen.write((f"{one_line(sources[support.source])}: “{quote}”", "dim"), indent=13)
        screen.write("")
    labels: list[str] = [verdict.label for verdict in verdicts]
    counts = ", ".join(f"{labels.count(label)} {label}" for label in STYLES)
    screen.write((f"{_counted(len(verdicts), 'sentence')}: {counts}", "dim"))


def show_plan(plan: Plan, screen: Screen) -> None:
    """What a sync would do, file by file."""
    screen.write(f"A sync of {plan.folder} would do this; nothing has been touched.")
    for label, names in (
        ("add", [entry.source for entry in plan.added]),
        ("change", [entry.source for entry in plan.changed]),
        ("move", [f"{old} -> {entry.source}" for old, entry in plan.moved]),
        ("remove", plan.removed),
    ):
        for name in names:
            screen.write(one_line(name), indent=10, label=f"  {label}")
    screen.write(
        f"{len(plan.added):,} to add, {len(plan.changed):,} to change, {len(plan.moved):,} to "
        f"move, {len(plan.removed):,} to remove, {plan.unchanged + len(plan.touched):,} unchanged"
        f"{_left_aside(plan.skipped)}"
    )


def show_report(report: SyncReport, screen: Screen) -> None:
    """What a sync did."""
    screen.write(
        f"{report.added:,} added, {report.changed:,} changed, {report.moved:,} moved, "
        f"{report.removed:,} removed, {report.unchanged:,} unchanged, {len(report.failed):,} "
        f"failed{_left_aside(report.skipped)}"
    )
    known = f", {report.reused:,} known already" if report.reused else ""
    screen.write(
        f"{_counted(report.passages, 'passage')} in the index: {report.embedded:,} encoded "
        f"now{known}; {report.seconds:.1f} s"
    )
    if report.hidden_characters:
        screen.write(f"{_counted(report.hidden_characters, 'hidden character')} left out")
    if report.notice:
        screen.write((f"Note: {report.notice}", "yellow"))


def show_status(status: Status, screen: Screen) -> None:
    """What the index is and holds."""
    manifest, counts = status.manifest, status.counts
    model = manifest.embedding and f"{manifest.embedding}, {manifest.dimensions} dimensions"
    outdated = "" if status.calibrated else "; not used, see assistant doctor"
    for label, value in (
        ("index", str(status.index)),
        ("folder", manifest.folder),
        ("model", model),
        ("passages", f"{counts.passages:,}, of at most {manifest.chunk_tokens} tokens"),
        ("hidden", f"{_counted(counts.hidden_characters, 'character')} left out"),
        ("synced", manifest.synced_at),
        ("refusals", manifest.calibration and manifest.calibration.about + outdated),
        ("problem", status.problem),
    ):
        if value:
            screen.write(one_line(value), indent=10, label=label, style="bold")
    screen.write("")
    screen.write((_counted(counts.documents, "document"), "bold"))
    for document in status.documents[:LISTED]:
        day = document.date.isoformat() if document.date else "undated"
        about = f"{one_line(document.title)} · {document.type}, {day}"
        passages = _counted(document.passages, "passage")
        screen.write(one_line(document.source), (f" · {about}, {passages}", "dim"), indent=2)
    if len(status.documents) > LISTED:
        rest = len(status.documents) - LISTED
        screen.write(f"and {rest:,} more; --json lists them all", indent=2)
    if status.failures:
        screen.write("")
        files = _counted(len(status.failures), "file")
        screen.write((f"{files} could not be read at the last sync", "bold"))
    for failure in status.failures[:LISTED]:
        screen.write(
            one_line(f"{failure.source}: {failure.reason}; {failure.remedy}"), indent=4, label="  -"
        )


def show_findings(findings: Sequence[Finding], screen: Screen) -> None:
    """What the doctor found."""
    for finding in findings:
        word = "mended" if finding.mended else "fine" if finding.ok else "wrong"
        style = "green" if finding.ok else "red"
        label = f"{word:8}{finding.name}"
        screen.write(one_line(finding.detail), indent=18, label=label, style=style)


def _where(hit: Hit) -> tuple[tuple[str, str], str]:
    names = filter(None, (hit.source, hit.passage.place))
    return (one_line(hit.title), "bold"), "".join(f" · {one_line(name)}" for name in names)


def _sureness(answer: Answer) -> str:
    """How sure the search is, in words."""
    share = round(100 * answer.confidence)
    seconds = answer.timings.get("total", 0.0)
    return f"{share} % sure that the documents hold the answer · {seconds:.2f} s"


def _shortened(text: str) -> str:
    if len(text) <= SHOWN_CHARACTERS:
        return text
    return text[:SHOWN_CHARACTERS].rsplit(" ", 1)[0] + " …"


def _counted(count: int, noun: str) -> str:
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def _left_aside(kinds: dict[str, int]) -> str:
    """Files that are no documents, by extension."""
    names = ", ".join(f"{count:,} {kind or 'without extension'}" for kind, count in kinds.items())
    return f"; left aside: {names}" if names else ""
