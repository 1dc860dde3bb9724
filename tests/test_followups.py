"""Follow-ups made self-contained: what is put in, and what is left alone."""

import time
from collections.abc import Collection, Iterator
from pathlib import Path

import pytest
from followup_dialogues import DIALOGUES, Dialogue
from hypothesis import given, settings
from hypothesis import strategies as st

from assistant import Assistant
from assistant.conversation import Turn
from assistant.conversation.followups import standalone

HORMUZ = Turn(
    "What is the Strait of Hormuz?",
    "The Strait of Hormuz is a strait between the Persian Gulf and the Gulf of Oman. [1]",
)
ARAGHCHI = Turn(
    "What did Araghchi say about the treaty?", "Araghchi said that the treaty is a milestone. [1]"
)
SIGNED = Turn(
    "Who signed the Comprehensive Strategic Partnership Treaty?",
    "Vladimir Putin and Masoud Pezeshkian signed the treaty in Moscow on 17 January 2025 [1].",
)
DRONES = Turn("Does Russia supply drones to Iran?", "The documents mention air defence. [1]")
ENERGY = Turn("What does the treaty say about energy?", "It provides for cooperation in gas. [1]")
OLIVES = Turn("Tell me about olive oil.", "Olive oil is pressed from whole olives.")
SHOPS = Turn("Where did bakeries and flower shops first open?", "The first ones opened in Lyon.")
HOLIDAY = Turn("On which day does Nowruz fall?", "Nowruz is a festival on 20 March.")
GROWING = Turn("How are olives grown?", "Do you mean watering, or pruning?")

CASES = [
    # Pronouns.
    ([HORMUZ], "How old is it?", "How old is the Strait of Hormuz?"),
    ([HORMUZ], "Who controls it?", "Who controls the Strait of Hormuz?"),
    ([HORMUZ], "Who lives there?", "Who lives in the Strait of Hormuz?"),
    ([HORMUZ], "What is its length?", "What is the Strait of Hormuz's length?"),
    ([HORMUZ], "Where's it?", "Where's the Strait of Hormuz?"),
    ([ARAGHCHI], "Did he mention Israel?", "Did Araghchi mention Israel?"),
    ([ARAGHCHI], "When did he say that?", "When did Araghchi say that?"),
    ([ARAGHCHI], "When was it signed?", "When was the treaty signed?"),
    ([ARAGHCHI], "What does it cover?", "What does the treaty cover?"),
    (
        [SIGNED],
        "When did they sign it?",
        "When did Vladimir Putin and Masoud Pezeshkian sign "
        "the Comprehensive Strategic Partnership Treaty?",
    ),
    ([OLIVES], "Is it healthy?", "Is olive oil healthy?"),
    ([SHOPS], "What did they serve?", "What did bakeries and flower shops serve?"),
    ([SHOPS], "Tell me about their owners.", "Tell me about bakeries and flower shops' owners."),
    ([ENERGY], "Is that legal?", "Is the treaty legal?"),
    # The same, over several turns.
    (
        [HORMUZ, Turn("How old is it?", "It formed in the Miocene.")],
        "Who controls it?",
        "Who controls the Strait of Hormuz?",
    ),
    (
        [ARAGHCHI, Turn("And Peskov?", "Peskov called it historic.")],
        "And Putin?",
        "What did Putin say about the treaty?",
    ),
    (
        [ARAGHCHI, Turn("And Peskov?", "Peskov said it is historic.")],
        "When did he say that?",
        "When did Peskov say that?",
    ),
    (
        [ENERGY, Turn("What about healthcare?", "It mentions medicine.")],
        "And tourism?",
        "What does the treaty say about tourism?",
    ),
    # What has no verb of its own.
    ([ARAGHCHI], "And Peskov?", "What did Peskov say about the treaty?"),
    ([ARAGHCHI], "and Putin", "What did Putin say about the treaty?"),
    ([ARAGHCHI], "What about sanctions?", "What did Araghchi say about sanctions?"),
    ([ARAGHCHI], "In 2024?", "What did Araghchi say about the treaty in 2024?"),
    ([ENERGY], "What about healthcare?", "What does the treaty say about healthcare?"),
    ([ENERGY], "What about in 2024?", "What does the treaty say about energy in 2024?"),
    ([ENERGY], "What else?", "What else does the treaty say about energy?"),
    ([ENERGY], "anything else?", "What else does the treaty say about energy?"),
    ([ENERGY], "more details", "Tell me more: What does the treaty say about energy?"),
    ([ENERGY], "and then?", "And then? (What does the treaty say about energy?)"),
    ([HORMUZ], "tell me more", "Tell me more about the Strait of Hormuz."),
    ([HORMUZ], "And the Suez Canal?", "What is the Suez Canal?"),
    ([HORMUZ], "What about shipping?", "What about shipping (the Strait of Hormuz)?"),
    ([SIGNED], "who else?", "Who else signed the Comprehensive Strategic Partnership Treaty?"),
    ([DRONES], "why?", "Why does Russia supply drones to Iran?"),
    ([DRONES], "when?", "When does Russia supply drones to Iran?"),
    ([DRONES], "How many?", "How many? (Does Russia supply drones to Iran?)"),
    ([DRONES], "And China?", "Does China supply drones to Iran?"),
    ([DRONES], "And to Syria?", "Does Russia supply drones to Syria?"),
    ([DRONES], "in 2023?", "Does Russia supply drones to Iran in 2023?"),
    ([DRONES], "how about missiles?", "Does Russia supply missiles to Iran?"),
    ([ARAGHCHI], "why?", "Why is it that Araghchi said that the treaty is a milestone?"),
    (
        [ENERGY, Turn("and then?", "?")],
        "and then?",
        "And then? (What does the treaty say about energy?)",
    ),
    (
        [ENERGY, Turn("tell me more", "It says more.")],
        "more",
        "Tell me more: What does the treaty say about energy?",
    ),
    # Short for what was named in full, and a subject left out.
    ([HORMUZ], "How wide is the strait?", "How wide is the Strait of Hormuz?"),
    (
        [SIGNED],
        "What does the treaty say about healthcare?",
        "What does the Comprehensive Strategic Partnership Treaty say about healthcare?",
    ),
    (
        [HOLIDAY],
        "How do people in India spend this holiday?",
        "How do people in India spend this holiday (Nowruz)?",
    ),
    (
        [SIGNED],
        "What are the drawbacks?",
        "What are the drawbacks (Comprehensive Strategic Partnership Treaty)?",
    ),
    ([GROWING], "I would like to hear of pruning.", "I would like to hear of pruning (olives)."),
    (
        [Turn("Who is the president of Latvia?", "Edgars Berzins.")],
        "And of Lithuania?",
        "Who is the president of Lithuania?",
    ),
    (
        [Turn("How many cars fit on the ferry?", "It takes 40 cars and 300 passengers.")],
        "And passengers?",
        "How many passengers fit on the ferry?",
    ),
    (
        [Turn("What is the capital of France?", "Paris.")],
        "Who is the president?",
        "Who is the president (France)?",
    ),
    (
        [Turn("When was the old bridge opened?", "It was built in 1887 by Clara Holm.")],
        "How many arches does it have?",
        "How many arches does the old bridge have?",
    ),
]

ALONE = [
    ([HORMUZ], "What is the highest mountain in Iran?"),
    ([HORMUZ], "When was the treaty signed?"),
    ([HORMUZ], "Who is Dmitry Peskov?"),
    ([HORMUZ], "Is it true that Iran exports oil?"),
    ([HORMUZ], "Is it possible to visit Moscow without a visa?"),
    ([HORMUZ], "Are there any direct flights from Moscow to Tehran?"),
    ([HORMUZ], "Which countries use the rouble?"),
    ([ARAGHCHI], "What did Jalali say about drones?"),
    ([ARAGHCHI], "Did Peskov visit Tehran before he met Araghchi?"),
    ([ARAGHCHI], "What is the population of Iran?"),
    ([ARAGHCHI], "How does inflation affect pensions?"),
    ([ARAGHCHI], "What are the main exports that Russia sends to India?"),
    ([ARAGHCHI], "thanks"),
    ([ARAGHCHI], "Thank you very much!"),
    ([SIGNED], "How does photosynthesis work?"),
    ([SIGNED], "Who wrote War and Peace, and when did he publish it?"),
    ([SIGNED], "Does Turkey sell its drones to Ukraine?"),
    ([DRONES], "What is a nature reserve?"),
    ([DRONES], "When did the Renaissance end?"),
    ([DRONES, HORMUZ], "How many people live in Kazan?"),
    ([ENERGY], "What does the North-South corridor connect?"),
    ([ENERGY], "How long does it take to get from Baku to Rasht by train?"),
    ([OLIVES], "Why do leaves turn red in autumn?"),
    ([OLIVES], "Who was the first president of Turkey?"),
    ([SHOPS], "How do bees make honey?"),
    ([HOLIDAY], "Which articles of the treaty are about defence?"),
    ([Turn("What did Jalali say about SWIFT?", "Jalali said no.")], "Who is the president?"),
    ([Turn("Who is the captain of Tallink Star?", "Mart Kask.")], "Who is the president?"),
    ([Turn("Who is the president of Latvia?", "Edgars Berzins.")], "How long is the bridge?"),
    ([Turn("How deep is the harbour of Virtsu?", "Five metres.")], "What is the formula?"),
]


def rarity(words: Collection[str]) -> dict[str, float]:
    """Every word is as rare as any other."""
    return dict.fromkeys(words, 3.0)


@pytest.mark.parametrize(("history", "question", "expected"), CASES)
def test_what_is_missing_is_put_in(history: list[Turn], question: str, expected: str) -> None:
    assert standalone(question, history, rarity=rarity) == expected


@pytest.mark.parametrize(("history", "question"), ALONE)
def test_what_stands_alone_is_left_as_it_is(history: list[Turn], question: str) -> None:
    assert standalone(question, history, rarity=rarity) == question


@pytest.mark.parametrize("dialogue", DIALOGUES, ids=lambda dialogue: dialogue.question)
def test_what_is_searched_is_about_what_was_spoken_of(dialogue: Dialogue) -> None:
    history = [Turn(question, answer or "") for question, answer in dialogue.turns]
    query = standalone(dialogue.question, history, rarity=rarity).lower()
    assert [part for part in dialogue.wanted if part.lower() not in query] == []
    assert [part for part in dialogue.unwanted if part.lower() in query] == []


@pytest.fixture(scope="module")
def assistant(seeds_index: Path) -> Iterator[Assistant]:
    with Assistant.open(seeds_index) as opened:
        yield opened


def held(assistant: Assistant, *questions: str) -> list[str]:
    """What is searched for each question of a dialogue, with the answers it gets."""
    history: list[Turn] = []
    searched = []
    for question in questions:
        query = standalone(question, history, rarity=assistant.rarity)
        searched.append(query)
        history.append(Turn(question, assistant.ask(query)))
    return searched


def test_a_dialogue_about_the_seeds_keeps_its_subject(assistant: Assistant) -> None:
    first, second, third, fourth, last = held(
        assistant,
        "When was the treaty signed?",
        "Where was it signed?",
        "What does it say about defence?",
        "What about healthcare?",
        "Who is Jalali?",
    )
    assert first == "When was the treaty signed?"
    assert second == "Where was the treaty signed?"
    assert third == "What does the treaty say about defence?"
    assert fourth == "What does the treaty say about healthcare?"
    assert last == "Who is Jalali?"


def test_a_change_of_subject_stays_changed(assistant: Assistant) -> None:
    *_, changed, after = held(
        assistant,
        "What did Araghchi say about the treaty?",
        "And Peskov?",
        "What is the North-South corridor?",
        "How long is it?",
    )
    assert changed == "What is the North-South corridor?"
    assert after == "How long is the North-South corridor?"


def test_a_refusal_names_nothing_to_point_back_to(assistant: Assistant) -> None:
    refusal = assistant.ask("What is the recipe for borscht in Bologna?")
    assert refusal.refused
    assert refusal.text
    query = standalone("How long is it cooked?", [Turn("?", refusal)], rarity=rarity)
    assert "documents" not in query


def test_an_edited_query_is_what_later_questions_build_on(assistant: Assistant) -> None:
    answer = assistant.ask("When was the Astrakhan ferry opened?")
    history = [Turn("When was it opened?", answer)]
    query = standalone("Who owns it?", history, rarity=assistant.rarity)
    assert query == "Who owns the Astrakhan ferry?"


TEXTS = st.one_of(
    st.text(max_size=120),
    st.lists(
        st.sampled_from(
            [
                *("and", "what", "about", "why", "it", "he", "they", "this", "the", "treaty"),
                *("Peskov", "Iran", "?", ",", "(", ")", "[1]", ".", "'s", "2024", "in", "of"),
                *("who", "else", "more", "tell", "me", "is", "there", "one", "I'd", "U.S."),
                *("\ud800", "\u0301", "’", "\n", "条約"),
            ]
        ),
        max_size=14,
    ).map(" ".join),
)


@settings(max_examples=400, deadline=None)
@given(TEXTS, st.lists(st.tuples(TEXTS, TEXTS), max_size=5))
def test_any_text_is_a_question(question: str, turns: list[tuple[str, str]]) -> None:
    history = [Turn(asked, said) for asked, said in turns]
    query = standalone(question, history, rarity=rarity)
    assert query == standalone(question, history, rarity=rarity)
    assert bool(query.strip()) == bool(question.strip())
    assert len(query) <= 1000
    assert standalone(question, [], rarity=rarity) == question


def test_a_very_long_question_says_all_it_needs() -> None:
    question = "And what about it, he said? " * 180
    assert standalone(question, [HORMUZ], rarity=rarity) == question
    after = standalone("why?", [Turn(question, "So it is. " * 1000)], rarity=rarity)
    assert len(after) < 500


def test_it_costs_next_to_nothing_after_twenty_long_answers() -> None:
    history = [
        Turn(f"What did Araghchi say about the treaty in {year}?", "Araghchi spoke of it. " * 500)
        for year in range(2000, 2020)
    ]
    standalone("How old is it?", history, rarity=rarity)  # Compiles, and fills caches.
    times = []
    for question in ("When was it signed?", "And Peskov?", "why?", "Who lives there?", "And then?"):
        started = time.process_time()
        standalone(question, history, rarity=rarity)
        times.append(time.process_time() - started)
    assert min(times) < 0.006
    assert max(times) < 0.03  # Shared machines stumble.
