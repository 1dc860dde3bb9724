"""The measure of the check holds on the shipped documents, with the embedded model."""

from functools import cache

import pytest

from assistant.embedding import load_embedding
from evals.perturbations.__main__ import (
    PARAPHRASES,
    PERTURBED,
    UNTOUCHED,
    Outcome,
    flagged,
    judge,
    milliseconds,
    report,
    right_reason,
)
from evals.perturbations.rules import perturb, rearranged
from evals.perturbations.trials import Corpus, seeds


@cache
def corpus() -> Corpus:
    return seeds(load_embedding("embedded"))


@cache
def outcomes() -> list[Outcome]:
    return list(judge(corpus(), load_embedding("embedded")))


def share(kinds: tuple[str, ...]) -> float:
    chosen = [outcome for outcome in outcomes() if outcome.trial.kind in kinds]
    assert len(chosen) >= 80
    return sum(flagged(outcome.cited or outcome.eight) for outcome in chosen) / len(chosen)


def test_what_the_seeds_do_not_say_is_flagged() -> None:
    assert share(PERTURBED) >= 0.95


def test_what_they_say_is_not() -> None:
    assert share(UNTOUCHED) <= 0.05
    assert share(PARAPHRASES) <= 0.10


def test_the_reason_names_what_was_changed() -> None:
    found = [o for o in outcomes() if o.trial.kind in PERTURBED and flagged(o.cited or o.eight)]
    assert sum(map(right_reason, found)) >= 0.9 * len(found)


def test_no_perturbed_sentence_is_in_the_text() -> None:
    texts = [" ".join(item.text.split()) for item in corpus().evidence]
    for trial in corpus().trials:
        if trial.kind in PERTURBED:
            assert not any(trial.sentence in text for text in texts), trial


def test_the_table_has_every_kind_and_both_halves() -> None:
    table = "\n".join(report(outcomes()))
    for kind in (
        "number",
        "name",
        "date",
        "unit",
        "comparative",
        "modality",
        "absent",
        "PERTURBED",
    ):
        assert f"\n{kind} " in table
    assert {outcome.trial.half for outcome in outcomes()} == {0, 1}


def test_the_check_costs_five_milliseconds_or_less() -> None:
    (line,) = milliseconds([corpus()], None)
    assert float(line.partition(": ")[2].partition(" ms")[0]) <= 5, line


@pytest.mark.parametrize(
    ("sentence", "kind", "wanted"),
    [
        ("It is open and was opened in 1911.", "negation added", "is not open"),
        ("The port does not accept large ships.", "negation removed", "does accept"),
        ("Fees rose by 12 percent there.", "comparative", "Fees fell"),
        ("It may close for two years.", "modality", "will close"),
        ("It may close for two years.", "unit", "two months"),
    ],
)
def test_rules_perturb(sentence: str, kind: str, wanted: str) -> None:
    made = {one.kind: one.sentence for one in perturb(sentence, sentence, names=["Velmar"])}
    assert wanted in made[kind]


def test_a_limit_is_only_moved_to_where_it_is_false() -> None:
    for number in range(20, 60):
        sentence = f"At least {number} houses near the river burned down."
        for one in perturb(sentence, sentence, names=["Velmar"]):
            if one.kind == "number":
                assert float(one.changed[1]) > number


def test_rearranged_sentences_say_the_same() -> None:
    assert rearranged("On Monday, the port was closed.") == "The port was closed on Monday."
    assert rearranged("However, the port was closed.") == "The port was closed."
