"""Every metric against values worked out by hand."""

import importlib.util
import math
import random
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant.evaluation.answers import accepted, exact_match, normalised, rouge_l, token_f1
from assistant.evaluation.faithfulness import (
    citation_precision,
    citation_recall,
    faithfulness,
    groundedness,
    question_likeness,
)
from assistant.evaluation.refusal import (
    Refusals,
    calibration_error,
    reliability,
    risk_coverage,
    risk_coverage_area,
)
from assistant.evaluation.retrieval import (
    average_precision,
    context_precision,
    context_recall,
    ndcg_at,
    precision_at,
    recall_at,
    reciprocal_rank,
)
from assistant.evaluation.statistics import Figure, bootstrap, compare, mean, percentiles, ratio

# Retrieval. Of the relevant a, b, c the ranking has b at place 2 and a at place 4.
RANKING = ["x", "b", "y", "a", "z"]
RELEVANT = {"a", "b", "c"}


def test_retrieval_by_hand() -> None:
    assert recall_at(3, RANKING, RELEVANT) == pytest.approx(1 / 3)
    assert recall_at(10, RANKING, RELEVANT) == pytest.approx(2 / 3)
    assert precision_at(4, RANKING, RELEVANT) == pytest.approx(2 / 4)
    assert precision_at(10, RANKING, RELEVANT) == pytest.approx(2 / 10)
    assert reciprocal_rank(RANKING, RELEVANT) == pytest.approx(1 / 2)
    assert reciprocal_rank(["x"], RELEVANT) == 0
    # Precision is 1/2 at place 2, and 2/4 at place 4; c is not found.
    assert average_precision(RANKING, RELEVANT) == pytest.approx((1 / 2 + 2 / 4 + 0) / 3)
    gain = 1 / math.log2(3) + 1 / math.log2(5)
    best = 1 / math.log2(2) + 1 / math.log2(3) + 1 / math.log2(4)
    assert ndcg_at(5, RANKING, RELEVANT) == pytest.approx(gain / best)
    # Cut at 1, the best possible is one relevant document.
    assert ndcg_at(1, ["a", "x"], RELEVANT) == 1
    assert ndcg_at(1, ["x", "a"], RELEVANT) == 0


def test_nothing_to_find_is_unscored() -> None:
    assert recall_at(5, RANKING, set()) is None
    assert precision_at(5, RANKING, set()) is None
    assert reciprocal_rank(RANKING, set()) is None
    assert average_precision(RANKING, set()) is None
    assert ndcg_at(5, RANKING, set()) is None
    # But nothing found of what is there is measured.
    assert recall_at(5, [], RELEVANT) == average_precision([], RELEVANT) == 0


def test_context_by_hand() -> None:
    # The places of the useful ones are 2 and 4; divided by the two that were found.
    assert context_precision([False, True, False, True, False]) == pytest.approx(
        (1 / 2 + 2 / 4) / 2
    )
    assert context_precision([False, False, True, True, False]) == pytest.approx(
        (1 / 3 + 2 / 4) / 2
    )
    assert context_precision([False]) == 0
    assert context_precision([]) is None
    assert context_recall([True, False, True, True]) == 3 / 4
    assert context_recall([]) is None


@given(st.lists(st.integers(0, 20), unique=True), st.sets(st.integers(0, 20), min_size=1))
def test_retrieval_has_its_bounds(ranking: list[int], relevant: set[int]) -> None:
    best = [*relevant, *(key for key in ranking if key not in relevant)]
    for measure in (average_precision, reciprocal_rank):
        assert 0 <= (measure(ranking, relevant) or 0) <= (measure(best, relevant) or 0) == 1
    for k in (1, 3, 10):
        assert 0 <= (ndcg_at(k, ranking, relevant) or 0) <= 1 + 1e-12
        assert ndcg_at(k, best, relevant) == pytest.approx(1)


# Answers.


def test_squad_normalisation() -> None:
    assert normalised("The  Cat, a dog & an\nox!") == "cat dog ox"
    assert normalised("U.S.-based theatre") == "usbased theatre"


def test_answers_by_hand() -> None:
    assert exact_match("the Eiffel Tower!", ["Louvre", "Eiffel tower"]) == 1
    assert exact_match("Eiffel", ["Eiffel tower"]) == 0
    # Four words said, three wanted, two shared: precision 2/4, recall 2/3.
    assert token_f1("on a Friday in Moscow", ["Friday, Moscow time"]) == pytest.approx(
        2 * (2 / 4) * (2 / 3) / (2 / 4 + 2 / 3)
    )
    # A word counts as often as both have it.
    assert token_f1("no no no", ["no no yes"]) == pytest.approx(2 / 3)
    assert token_f1("x", ["y", "x"]) == 1
    assert token_f1("", ["the"]) == 1  # nothing is left of either
    assert token_f1("", ["x"]) == 0
    # The longest common subsequence of Lin's own example, section 3.1, is 3 of 4 words.
    assert rouge_l("police kill the gunman", ["police killed the gunman"]) == pytest.approx(3 / 4)
    assert rouge_l("the gunman kill police", ["police killed the gunman"]) == pytest.approx(2 / 4)
    assert rouge_l("", ["police"]) == 0


def test_without_reference_answers_are_unscored() -> None:
    assert exact_match("x", []) is None
    assert token_f1("x", []) is None
    assert rouge_l("x", []) is None


@pytest.mark.skipif(
    importlib.util.find_spec("rouge_score") is None, reason="rouge-score is in the evals extra"
)
def test_rouge_agrees_with_the_library() -> None:
    from rouge_score.rouge_scorer import RougeScorer

    scorer = RougeScorer(["rougeL"])
    words = ["The", "cat's", "état", "7.5", "—", "cat", "s", "sat\n", "on", "(mat)", "x_y"]
    chooser = random.Random(0)
    for _ in range(300):
        one, other = (" ".join(chooser.choices(words, k=chooser.randint(0, 12))) for _ in "ab")
        assert rouge_l(one, [other]) == pytest.approx(scorer.score(other, one)["rougeL"].fmeasure)


@pytest.mark.parametrize(
    ("text", "answers", "found"),
    [
        ("It lasts 20 years [1].", [["20 years"]], "20 years"),
        ("It lasts twenty  years.", [["20 years"]], "20 years"),
        ("It cost 1,500 dollars.", [["1500 dollars"]], "1500 dollars"),
        ("At 120 years old", [["20 years"]], None),
        ("Zoë’s “Café”", [["zoe's cafe"]], "zoe's cafe"),
        ("in Moscow, with Putin", [["Rome"], ["Putin", "Moscow"]], "Putin … Moscow"),
        ("in Moscow, with Putin", [["Putin", "Rome"]], None),
        ("Thursday", [["Thurs"]], None),
        ("the presidency", [["president"]], None),
        ("", [["x"]], None),
        ("x", [], None),
        ("It cost 5.", [["€"]], None),
        ("It cost 5 €.", [["5", "€"]], "5 … €"),
        ("东京是首都", [["东京是首都"]], "东京是首都"),
    ],
)
def test_accepted_answers(text: str, answers: list[list[str]], found: str | None) -> None:
    assert accepted(text, answers) == found


# Faithfulness and citations. A text is a set of facts, and a statement the facts it needs.


def entails(statement: str, texts: Sequence[frozenset[str]]) -> bool:
    return set(statement) <= frozenset().union(*texts)


A, B, AB, C = (frozenset(facts) for facts in ("a", "b", "ab", "c"))


def test_faithfulness_by_hand() -> None:
    assert faithfulness([True, True, False, True]) == 3 / 4
    assert faithfulness([]) is None
    assert groundedness([1.0, 0.5, 0.0]) == 0.5
    assert groundedness([]) is None


def test_citation_recall_by_hand() -> None:
    # Borne out by both together; by the one; by none; and not cited at all.
    answer = [("ab", [A, B]), ("a", [AB]), ("c", [A]), ("a", [])]
    assert citation_recall(answer, entails) == 2 / 4
    assert citation_recall([], entails) is None


@pytest.mark.parametrize(
    ("statement", "texts", "precision"),
    [
        ("a", [A], 1),
        ("ab", [A, B], 1),  # neither alone, but each is needed
        ("a", [A, C], 1 / 2),  # C is of no use: the rest entails it, C does not
        ("a", [A, AB], 1),  # each alone is enough
        ("ab", [AB, A], 1 / 2),  # A is neither enough nor needed
        ("c", [A, B], 0),  # not entailed: no citation is of use
        ("c", [A], 0),
    ],
)
def test_citation_precision_by_hand(
    statement: str, texts: list[frozenset[str]], precision: float
) -> None:
    assert citation_precision([(statement, texts)], entails) == precision


def test_citation_precision_is_over_all_citations() -> None:
    # One of one, and one of two.
    assert citation_precision([("a", [A]), ("a", [A, C])], entails) == 2 / 3
    assert citation_precision([("a", [])], entails) is None
    assert citation_precision([], entails) is None


def test_question_likeness_is_that_of_the_likest_sentence() -> None:
    question = np.array([1, 0], np.float32)
    sentences = np.array([[0, 1], [0.6, 0.8]], np.float32)
    assert question_likeness(question, sentences) == pytest.approx(0.6)
    assert question_likeness(question, np.zeros((0, 2), np.float32)) is None


# Refusal and confidence.


def test_refusals_by_hand() -> None:
    # Three refused, two of them rightly; five cannot be answered; four can.
    answerable = [False, False, True, False, False, False, True, True, True]
    refused = [True, True, True, False, False, False, False, False, False]
    found = Refusals.count(answerable, refused)
    assert found == Refusals(right=2, wrong=1, missed=3, answered=3)
    assert found.precision == 2 / 3
    assert found.recall == 2 / 5
    assert found.f1 == pytest.approx(2 * (2 / 3) * (2 / 5) / (2 / 3 + 2 / 5))
    assert found.false_refusals == 1 / 4


def test_refusals_that_do_not_apply() -> None:
    assert Refusals.count([True], [False]).precision is None
    assert Refusals.count([True], [False]).recall is None
    assert Refusals.count([True], [False]).f1 is None
    assert Refusals.count([False], [False]).false_refusals is None
    assert Refusals.count([False], [False]).recall == 0


def test_risk_coverage_by_hand() -> None:
    # Surest first the losses are 0, 1, 0, 1: the risks 0, 1/2, 1/3, 1/2.
    curve = risk_coverage([0.2, 0.9, 0.5, 0.7], [1, 0, 0, 1])
    assert curve == [(0.25, 0), (0.5, 0.5), (0.75, pytest.approx(1 / 3)), (1, 0.5)]
    area = risk_coverage_area([0.2, 0.9, 0.5, 0.7], [1, 0, 0, 1])
    assert area == pytest.approx((0 + 1 / 2 + 1 / 3 + 1 / 2) / 4)
    assert risk_coverage([], []) == []
    assert risk_coverage_area([], []) is None


def test_cases_that_are_equally_sure_have_no_order() -> None:
    # The first is right; of the two others one is: whichever stands first.
    for losses in ([0, 1, 0], [0, 0, 1]):
        assert risk_coverage([0.9, 0.5, 0.5], losses) == [
            (pytest.approx(1 / 3), 0),
            (pytest.approx(2 / 3), 0.25),
            (1, pytest.approx(1 / 3)),
        ]


def test_calibration_by_hand() -> None:
    # In [0, 0.5): two cases at .2 on average, one came true; in [0.5, 1]: two at .9, both did.
    sure, true = [0.1, 0.3, 0.8, 1.0], [False, True, True, True]
    low, high = reliability(sure, true, bins=2)
    assert (low.low, low.high, low.cases, low.share) == (0, 0.5, 2, 0.5)
    assert low.confidence == pytest.approx(0.2)
    assert (high.cases, high.confidence, high.share) == (2, pytest.approx(0.9), 1)
    assert calibration_error(sure, true, bins=2) == pytest.approx(0.5 * 0.3 + 0.5 * 0.1)
    assert calibration_error([], []) is None
    assert [one.share for one in reliability([0.95], [True])] == [None] * 9 + [1]


# What a figure is worth.


def test_a_mean_says_over_how_many_cases_it_is() -> None:
    figure = mean([1.0, None, 0.0, 0.5], ["a", "b", "c", "d"])
    assert figure.value == 0.5
    assert figure.cases == 3
    assert figure.low is not None
    assert figure.high is not None
    assert 0 <= figure.low < 0.5 < figure.high <= 1
    assert mean([None, None], ["a", "b"]).value is None
    assert mean([None, None], ["a", "b"]).cases == 0
    assert mean([], []).value is None


def test_an_interval_is_of_the_right_width() -> None:
    # The standard error of a share of .3 among 400 cases is .0229.
    values = [1.0] * 120 + [0.0] * 280
    figure = mean(values, range(400))
    assert figure.low == pytest.approx(0.3 - 1.96 * 0.0229, abs=0.006)
    assert figure.high == pytest.approx(0.3 + 1.96 * 0.0229, abs=0.006)
    assert mean(values, range(400)) == figure


def test_cases_of_a_cluster_count_as_one() -> None:
    # 400 cases that are 20 different ones: as wide as for 20 cases.
    values = [1.0] * 120 + [0.0] * 280
    clusters = [place // 20 for place in range(400)]
    figure = mean(values, clusters)
    error = math.sqrt(0.3 * 0.7 / 20)
    assert figure.value == 0.3
    assert figure.low == pytest.approx(0.3 - 1.96 * error, abs=0.05)
    assert figure.high == pytest.approx(0.3 + 1.96 * error, abs=0.05)
    alone = mean([1.0, 0.0], ["same", "same"])
    assert (alone.value, alone.low, alone.high) == (0.5, None, None)


def test_what_is_perfect_is_not_sure() -> None:
    # If 5 % of all clusters were bad, none of 59 would be with a probability of .95 ** 59 = .0485;
    # of 58 with .0510. So 59 good ones are what it takes to rule them out.
    assert 0.95**59 < 0.05 < 0.95**58
    few, enough = (mean([1.0] * count, range(count)) for count in (58, 59))
    assert (few.high, enough.high) == (1, 1)
    assert few.low is not None
    assert enough.low is not None
    assert few.low < 0.95 < enough.low
    # The rule of three, for the worst as for the best.
    none = mean([0.0] * 300, range(300))
    assert (none.value, none.low) == (0, 0)
    assert none.high == pytest.approx(3 / 300, rel=0.01)
    # Cases of one cluster are not more than it.
    assert mean([1.0] * 177, [place // 3 for place in range(177)]).low == enough.low
    assert ratio([2.0] * 59, [2.0] * 59, range(59)).low == enough.low
    assert mean([1.0, 1.0], ["same", "same"]).low is None
    # What is the same everywhere lies between what the others would make of it.
    half = mean([0.5] * 59, range(59))
    assert half.low == pytest.approx(0.5 * enough.low)
    assert half.high == pytest.approx(0.5 * enough.low + 1 - enough.low)
    # One that is not perfect has the bootstrap's, which is no narrower.
    missed = mean([1.0] * 58 + [0.0], range(59))
    assert missed.low is not None
    assert missed.low < enough.low


def test_what_did_not_change_may_change_on_other_cases() -> None:
    same = {str(place): 1.0 for place in range(300)}
    found = compare(same, same, {key: key for key in same})
    assert (found.difference, found.better, found.worse, found.probability) == (0, 0, 0, 1)
    assert found.high == pytest.approx(3 / 300, rel=0.01)
    assert found.low == -found.high
    assert bootstrap(lambda chosen: 1.0, ["a", "b", "c"]) == Figure(1.0, 3)


def test_a_ratio_of_sums() -> None:
    # Two of three refusals are right; the fourth case was not refused, and has no say.
    figure = ratio([1, 1, 0, 0], [1, 1, 1, 0], "abcd")
    assert figure.value == 2 / 3
    assert figure.cases == 3
    assert ratio([0, 0], [0, 0], "ab").value is None


def test_any_figure_has_an_interval() -> None:
    values = np.array([1.0] * 120 + [0.0] * 280)
    figure = bootstrap(lambda chosen: float(values[chosen].mean()), list(range(400)))
    same = mean(values.tolist(), range(400))
    assert figure.value == same.value
    assert figure.low == pytest.approx(same.low, abs=0.01)
    assert figure.high == pytest.approx(same.high, abs=0.01)
    assert bootstrap(lambda chosen: None, ["a", "b"]).value is None
    assert bootstrap(lambda chosen: 1.0, []).value is None


def test_two_runs_are_compared_case_by_case() -> None:
    before = {"a": 0.0, "b": 1.0, "c": 0.0, "d": None, "gone": 1.0}
    after = {"a": 1.0, "b": 1.0, "c": 0.5, "d": 1.0, "new": 0.0}
    found = compare(before, after, {key: key for key in before})
    assert found.cases == 3
    assert found.before == pytest.approx(1 / 3)
    assert found.after == pytest.approx(2.5 / 3)
    assert found.difference == pytest.approx(0.5)
    assert (found.better, found.worse) == (2, 0)
    # Of the eight ways to swap gains of 1, 0 and .5, those with both signs alike are as large:
    # half of them.
    assert found.probability == 0.5
    assert compare({}, {}, {}).difference is None


def test_chance_and_a_real_difference_are_told_apart() -> None:
    chooser = np.random.default_rng(1)
    keys = [f"case-{n}" for n in range(200)]
    before = dict(zip(keys, chooser.random(200), strict=True))
    better = {key: value + 0.05 + 0.1 * chooser.standard_normal() for key, value in before.items()}
    same = {key: value + 0.1 * chooser.standard_normal() for key, value in before.items()}
    alone = {key: key for key in keys}
    found = compare(before, better, alone)
    assert found.probability is not None
    assert found.low is not None
    assert found.probability < 0.01
    assert found.low > 0
    found = compare(before, same, alone)
    assert found.probability is not None
    assert found.low is not None
    assert found.high is not None
    assert found.probability > 0.05
    assert found.low < 0 < found.high
    # What looks sure case by case is not, if the cases are all of two conversations.
    found = compare(before, better, {key: key[-1] in "02468" for key in keys})
    assert found.probability == 0.5


def test_percentiles_are_interpolated() -> None:
    assert percentiles([4.0, 1.0, 2.0, 3.0], [0, 50, 75, 100]) == [1, 2.5, 3.25, 4]
    assert percentiles([], [50]) is None
