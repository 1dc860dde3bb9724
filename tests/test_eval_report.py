"""The page of a report, in a real Chromium; and reports on disk, good and bad."""

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from browser import launched, watched
from hypothesis import given, settings
from hypothesis import strategies as st
from playwright.sync_api import Browser, Page, sync_playwright

from assistant import Answer, Assistant, Document
from assistant.errors import EvaluationError
from assistant.evaluation import html
from assistant.evaluation.cases import Case, load
from assistant.evaluation.comparing import against, judged
from assistant.evaluation.conditions import conditions
from assistant.evaluation.fields import Earlier
from assistant.evaluation.figures import OUTCOMES, outcome, outcomes
from assistant.evaluation.reports import Entry, Report, figures, read, rows_of, write, write_text
from assistant.evaluation.running import Row, in_order, run
from assistant.evaluation.scoring import Scorer
from assistant.evaluation.statistics import Comparison
from assistant.evaluation.summary import summary

SEEDS = load(Path(__file__).resolve().parent.parent / "evals/cases/seeds.jsonl")
ATTACK = "<script>document.title='taken'</script><img src=x onerror=alert(1)>\"'</details>&amp;"
DOCUMENT = f"""The Old Bridge was built in 1887 by Clara Holm. {ATTACK}

<a href="javascript:alert(1)">The Old Bridge</a> has eleven arches of granite.
"""
OWN = [
    Case("right", "Who built the Old Bridge?", answerable=True, answers=(("Clara Holm",),),
         sources=("bridge.txt",), tags=("lookup", ATTACK)),
    Case("wrong " + ATTACK, f"How many arches has the Old Bridge? {ATTACK}", answerable=True,
         answers=((f"twelve {ATTACK}",),), sources=("bridge.txt",), tags=("numbers",),
         history=(Earlier(f"Is there a bridge? {ATTACK}", f"Yes. {ATTACK}"),)),
    Case("refused", "Which yeast makes the best pancakes?", answerable=True,
         answers=(("brewer's",),), tags=("lookup",)),
    Case("unanswerable", "Who painted the Mona Lisa?", answerable=False, tags=("unanswerable",)),
    Case("crashed", "Does it crash?", answerable=True, answers=(("yes",),), tags=("broken",)),
    Case("unlabelled", "Where is the Old Bridge?"),
]  # fmt: skip


def made(assistant: Assistant, cases: list[Case]) -> Report:
    """A run of some cases, as the command makes it; one crashes."""

    def ask(question: str, *, history: Any) -> Answer:
        if question == "Does it crash?":
            raise ConnectionError(f"gone {ATTACK}")
        return assistant.ask(question, history=history)

    rows = in_order(run(cases, ask=ask, score=Scorer.of(assistant)), cases)
    header = {
        "cases": {"file": f"own{ATTACK}.jsonl", "count": len(cases), "half": "both"},
        "threads": 2,
        "seconds": 1.0,
        "made_at": "2026-01-01T00:00:00+00:00",
        **conditions(assistant),
        "judge": None,
        "outcomes": outcomes(rows),
        "notices": 0,
        "figures": figures(summary(rows)),
    }
    entries = [Entry.of(row, case) for row, case in zip(rows, cases, strict=True)]
    return Report(header, tuple(entries))


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Report:
    index = tmp_path_factory.mktemp("own")
    with Assistant.open(index, refusal_threshold=0.3) as assistant:
        assistant.add([Document.from_text(DOCUMENT, source="bridge.txt", title=f"B {ATTACK}")])
        return made(assistant, OWN)


@pytest.fixture(scope="module")
def seeds(seeds_index: Path) -> tuple[Report, Report]:
    """The same cases asked with many refusals, and without."""
    some = [case for case in SEEDS if case.half == 0][:24]
    reports = []
    for threshold in (0.8, 0.0):
        with Assistant.open(seeds_index, refusal_threshold=threshold) as assistant:
            reports.append(made(assistant, some))
    return reports[0], reports[1]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        opened = launched(playwright)
        yield opened
        opened.close()


@pytest.fixture
def show(browser: Browser, tmp_path: Path) -> Iterator[Any]:
    """Opens a page from its file; nothing but the file is asked for, and nothing goes wrong."""
    contexts, asked, wrong = [], [], []

    def opened(report: Report, before: Report | None = None, **options: Any) -> Page:
        compared = None if before is None else against(before.entries, report.entries)
        found = summary(rows_of(report.entries))
        path = tmp_path / "report.html"
        write_text(path, html.page(report, found, baseline=before, compared=compared))
        context = browser.new_context(**options)
        contexts.append((context, watched(context)))
        page = context.new_page()
        page.on("console", lambda message: wrong.append(message.text))
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("dialog", lambda dialog: wrong.append(dialog.message))
        page.goto(path.as_uri())
        asked.append(path.as_uri())
        return page

    opened.wrong = wrong  # type: ignore[attr-defined]
    yield opened
    urls = [url for context, seen in contexts for url in seen]
    for context, _ in contexts:
        context.close()
    assert [url for url in urls if not url.startswith("data:")] == asked
    assert wrong == []


def shown(page: Page) -> list[str]:
    """The questions of the cases that are to be seen."""
    return page.locator("#cases .case:visible .question").all_inner_texts()


# The page.


def test_every_case_is_told_with_its_outcome_and_reason(show: Any, own: Report) -> None:
    page = show(own)
    found = {entry.row.id: outcome(entry.row) for entry in own.entries}
    assert found == {
        "right": "right",
        "wrong " + ATTACK: "wrong",
        "refused": "refused",
        "unanswerable": "right",
        "crashed": "crashed",
        "unlabelled": "unlabelled",
    }
    # The worst first; those that failed are open, and say why.
    assert page.locator("#cases .case").evaluate_all("all => all.map(one => one.open)") == [
        *(True, True, True, False, False, False)
    ]
    crashed, wrong, refused, *_ = page.locator("#cases .case").all()
    assert f"ConnectionError: gone {ATTACK}" in crashed.inner_text()
    text = wrong.inner_text()
    assert "it does not say: “twelve" in text
    assert "eleven arches of granite" in text
    assert f"Is there a bridge? {ATTACK}" in text
    assert wrong.locator(".verdict").first.inner_text() == "quoted"
    assert wrong.locator("ol li").first.inner_text().startswith("bridge.txt")
    assert "What came closest" in refused.inner_text()
    assert "the documents say: “brewer's”; it was refused" in refused.inner_text()
    assert refused.locator("ol li").count() >= 1
    right = page.locator("#cases .case", has_text="Who built").first
    right.locator("summary").first.click()
    right.get_by_text("passage", exact=True).click()
    assert "Clara Holm" in right.locator("mark").inner_text()


def test_what_strangers_wrote_stays_text(show: Any, own: Report) -> None:
    page = show(own)
    page.get_by_role("button", name="open all").click()
    assert page.title() == f"Eval: own{ATTACK}.jsonl"
    assert page.locator("script").count() == 1
    assert page.locator("img, iframe, object, [onerror], [style], a[href^=javascript]").count() == 0
    assert page.evaluate("document.querySelectorAll('svg script').length") == 0
    assert page.get_by_text(ATTACK).count() > 5
    # Even if something got through, it would not be run.
    page.evaluate(
        """() => {
            document.addEventListener('securitypolicyviolation', () => { window.refused = true });
            const script = document.createElement('script');
            script.text = 'window.ran = true';
            document.body.append(script);
        }"""
    )
    page.wait_for_function("window.refused")
    assert page.evaluate("window.ran") is None
    show.wrong.clear()  # the console tells that, too


def test_cases_are_filtered(show: Any, own: Report) -> None:
    page = show(own)
    everything = shown(page)
    assert len(everything) == 6
    assert page.locator("#count").inner_text() == "6 of 6"
    page.get_by_label("Outcome", exact=True).select_option("failing")
    assert len(shown(page)) == 3
    page.get_by_label("Outcome", exact=True).select_option(label=OUTCOMES["refused"])
    assert shown(page) == ["Which yeast makes the best pancakes?"]
    page.get_by_label("Outcome", exact=True).select_option("")
    page.get_by_label("Tag", exact=True).select_option(label="numbers")
    assert shown(page) == [f"How many arches has the Old Bridge? {ATTACK}"]
    page.get_by_label("Tag", exact=True).select_option("")
    page.get_by_label("Find words").fill("Clara zebra")
    assert shown(page) == []
    assert page.locator("#count").inner_text() == "none of 6 fits"
    page.get_by_label("Find words").fill("CLARA")
    assert "Who built the Old Bridge?" in shown(page)
    page.get_by_label("Find words").fill("")
    halves = []
    for half in (0, 1):
        page.get_by_label("Half").select_option(str(half))
        halves += shown(page)
        wanted = [entry for entry in own.entries if entry.row.half == half]
        assert len(shown(page)) == len(wanted)
    assert sorted(halves) == sorted(everything)
    page.get_by_label("Half").select_option("")
    page.locator(".outcomes a", has_text="crashed").click()
    assert shown(page) == ["Does it crash?"]
    page.get_by_role("button", name="close all").click()
    assert not page.locator("#cases .case:visible").evaluate("one => one.open")


def test_the_plots_and_figures_are_those_of_the_run(
    show: Any, seeds: tuple[Report, Report]
) -> None:
    report, _ = seeds
    page, found = show(report), summary(rows_of(report.entries))
    risk, reliability, tags, latency = page.locator("figure").all()
    curve = risk.locator("polyline.now").get_attribute("points")
    assert len(curve.split()) == len(found.overall.risk_coverage) == 24
    dots = [one for one in found.overall.reliability if one.cases]
    assert reliability.locator("circle").count() == len(dots)
    told = [title.split(" cases")[0] for title in reliability.locator("title").all_text_contents()]
    assert told == [str(one.cases) for one in dots]
    assert tags.locator("g").count() == len(found.tags)
    assert f"({found.tags['lookup'].cases})" in tags.inner_text()
    counts = [int(text.split()[0]) for text in latency.locator("title").all_text_contents()]
    assert sum(counts) == 24
    line = page.locator(".figures tr", has=page.get_by_text("accepted answers", exact=True))
    value = found.overall.figures["accepted"]
    assert line.locator("td").nth(0).inner_text() == f"{value.value:.3f}"
    assert line.locator("td").nth(1).inner_text() == f"{value.low:.2f} to {value.high:.2f}"
    assert line.locator("td").nth(2).inner_text() == str(value.cases)
    assert report.header["index"]["contents"] in page.locator(".run").inner_text()


def test_two_runs_are_shown_side_by_side(show: Any, seeds: tuple[Report, Report]) -> None:
    before, after = seeds
    compared = against(before.entries, after.entries)
    page = show(after, before)
    changes = page.locator("#changes .change")
    assert changes.count() == len(compared.changes) > 2
    for kind in ("worse", "better"):
        count = sum(change.kind == kind for change in compared.changes)
        assert page.locator(f"#changes .change > summary .badge.{kind}").count() == count
    changes.evaluate_all("all => all.forEach(one => { one.open = true })")
    change = next(one for one in compared.changes if one.before.row.refused)
    shown_change = changes.nth(compared.changes.index(change))
    old, new = shown_change.locator(".columns > div").all()
    assert "Refused: The documents do not say" in old.inner_text()
    assert change.after.row.answer is not None
    assert change.after.row.answer["sentences"][0]["text"] in new.inner_text()
    assert page.locator("polyline.before").count() == 1
    # A run of some of the cases is held against these alone.
    half = replace(after, entries=after.entries[:10])
    points = show(half, before).locator("polyline.before").get_attribute("points")
    assert len(points.split()) == 10
    page = show(after, before)
    line = page.locator(".figures tr", has=page.get_by_text("false refusals", exact=True))
    difference = compared.figures["false_refusals"].difference
    assert f"{difference:+.3f}" in line.inner_text()
    kind = judged("false_refusals", compared.figures["false_refusals"])
    assert f"{difference:+.3f} {kind}" in line.inner_text()
    differing = page.locator(".run tr:has(.differs)").all_inner_texts()
    assert any(text.startswith("settings.refusal_threshold") for text in differing)


@pytest.mark.parametrize(
    ("metric", "change", "kind"),
    [
        ("accepted", (0.1, 0.02, 0.2), "better"),
        ("accepted", (-0.1, -0.2, -0.02), "worse"),
        ("false_refusals", (-0.1, -0.2, -0.02), "better"),  # less is better
        ("false_refusals", (0.1, 0.02, 0.2), "worse"),
        ("accepted", (0.1, -0.02, 0.2), "unsure"),
        ("accepted", (0.1, None, None), "unsure"),
        ("accepted", (0.0, -0.1, 0.1), "unsure"),  # as many better as worse
    ],
)
def test_a_figure_is_better_or_worse_only_if_that_is_sure(
    metric: str, change: tuple[float, float | None, float | None], kind: str
) -> None:
    one = Comparison(0.5, 0.5 + change[0], *change, probability=0.5, cases=9, better=2, worse=2)
    assert judged(metric, one) == kind
    assert judged(metric, replace(one, difference=0.0, better=0, worse=0)) == "same"


def test_the_page_can_be_read_with_a_keyboard_and_without_colours(
    show: Any, seeds: tuple[Report, Report]
) -> None:
    page = show(seeds[1], seeds[0])
    for link in page.get_by_role("navigation").get_by_role("link").all():
        assert page.locator(link.get_attribute("href")).count() == 1
    page.get_by_role("region", name="Figures").focus()
    page.keyboard.press("ArrowRight")
    # What a plot shows is there as numbers, too.
    found = summary(rows_of(seeds[1].entries)).overall
    page.locator("figure summary", has_text="as numbers").first.press("Enter")
    last = page.locator("figure table").first.locator("tr").last.locator("td").all_inner_texts()
    assert last[:2] == ["100%", f"{found.risk_coverage[-1][1]:.3f}"]
    dots = [one for one in found.reliability if one.cases]
    assert page.locator("figure").nth(1).locator("tbody tr").count() == len(dots)
    # Every axis has a title.
    for figure, titles in zip(page.locator("figure").all(), (2, 2, 1, 2), strict=True):
        assert figure.locator("text.title").count() == titles


def test_a_baseline_without_texts_can_be_shown(
    show: Any, seeds: tuple[Report, Report], tmp_path: Path
) -> None:
    before, after = seeds
    write(before, tmp_path / "baseline.json", texts=False)
    page = show(after, read(tmp_path / "baseline.json"))
    changed = page.locator("#changes .change").first
    changed.evaluate("one => { one.open = true }")
    assert "written without texts" in changed.inner_text()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1200])
def test_it_fits_and_can_be_read(
    show: Any, seeds: tuple[Report, Report], scheme: str, width: int
) -> None:
    page = show(seeds[1], seeds[0], color_scheme=scheme, viewport={"width": width, "height": 800})
    page.get_by_role("button", name="open all").click()
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    bright = page.evaluate(
        """() => ['backgroundColor', 'color'].map((name) => {
            const parts = getComputedStyle(document.body)[name].match(/\\d+/g).map(Number);
            return (parts[0] + parts[1] + parts[2]) / 3;
        })"""
    )
    assert abs(bright[0] - bright[1]) > 180
    assert (bright[0] > bright[1]) is (scheme == "light")


# On disk.


def test_a_report_is_the_same_after_it_was_written_and_read(own: Report, tmp_path: Path) -> None:
    path = tmp_path / "report.json"
    write(own, path)
    again = read(path)
    assert [entry.row.line() for entry in again.entries] == [e.row.line() for e in own.entries]
    assert [entry.case for entry in again.entries] == [entry.case for entry in own.entries]
    assert {k: v for k, v in again.header.items() if k != "eval"} == json.loads(
        json.dumps(own.header)
    )
    write(again, path)  # over itself
    assert [entry.case_key for entry in read(path).entries] == [e.case_key for e in own.entries]


VALUES = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=5,
)
FIELDS = ("id", "half", "cluster", "tags", "answerable", "answer", "refused", "confidence",
          "scores", "reasons", "seconds", "error", "case", "case_key")  # fmt: skip

HEADER = {"cases": {"file": "a", "count": 1, "half": "both"}, "threads": 1, "seconds": 1.0,
          "made_at": "", "model": "", "judge": None, "notices": 0, "outcomes": {}}  # fmt: skip


@settings(deadline=None, max_examples=60)
@given(st.dictionaries(st.sampled_from(FIELDS), VALUES, max_size=4))
def test_whatever_a_line_holds_it_is_a_row_or_an_error(
    tmp_path_factory: pytest.TempPathFactory, changed: dict[str, Any]
) -> None:
    path = tmp_path_factory.mktemp("report") / "report.json"
    row = Row("a", "k", 0, "a", ("t",), answerable=True, answer=None, refused=False,
              confidence=0.5, scores={"right": 1.0})  # fmt: skip
    line = {"case_key": "c", "case": None} | json.loads(row.line()) | changed
    path.write_text('{"eval": 1}\n' + json.dumps(line) + "\n", encoding="ascii")
    try:
        entries = read(path).entries
    except EvaluationError as error:
        assert "line 2" in str(error)  # noqa: PT017
        return
    # What is read can be compared, summed up and shown.
    found, compared = summary(rows_of(entries)), against(entries, entries)
    assert (found.overall.cases, compared.both) == (1, 1)
    assert "<main>" in html.page(Report(HEADER, entries), found, compared=compared)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"eval": 2}', "nonsense", "\x00", "\xff"])
def test_what_is_no_report_is_told(tmp_path: Path, text: str) -> None:
    path = tmp_path / "report.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(EvaluationError, match=re.escape(f"{path} is no report")):
        read(path)


def test_an_answer_of_another_shape_is_no_row(own: Report, tmp_path: Path) -> None:
    path = tmp_path / "report.json"
    write(own, path)
    header, line, *_ = path.read_text().splitlines()
    values = json.loads(line)
    assert values["answer"]["citations"]
    for place, broken in (
        (("answer", "text"), 5),
        (("answer", "sentences"), [{"text": "x"}]),
        (("answer", "citations", 0, "number"), "<1>"),
        (("answer", "citations", 0, "heading"), [None]),
        (("answer", "choices"), {}),
        (("case", "question"), ""),
    ):
        changed = json.loads(line)
        inner = changed
        for step in place[:-1]:
            inner = inner[step]
        inner[place[-1]] = broken
        path.write_text(f"{header}\n{json.dumps(changed)}\n")
        with pytest.raises(EvaluationError, match="line 2"):
            read(path)


def test_a_crash_less_is_better_and_one_more_is_worse(own: Report) -> None:
    crashed = next(entry for entry in own.entries if entry.row.id == "crashed")
    fine = replace(crashed, row=replace(crashed.row, error="", refused=True, scores={"right": 0.0}))
    (change,) = against([crashed], [fine]).changes
    assert change.kind == "better"
    found = against([fine], [crashed])
    (change,) = found.changes
    assert change.kind == "worse"
    assert "1 crashed in one of them and are in no figure" in found.told
