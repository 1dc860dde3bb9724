"""Asking back: only where several are known in one role, and the question tells not which."""

import shutil
from pathlib import Path

import pytest

from assistant import Assistant, Document

FERRIES = {
    "aurora": "The Aurora is the ferry to Hven. The ferry Aurora carries 40 cars and 200 people.",
    "boreas": "The Boreas is the ferry to Ven. The ferry Boreas carries 60 cars and 300 people.",
    "bridge": "The bridge was opened in 1999. It is free of charge for bicycles.",
}


@pytest.fixture(scope="module")
def ferries(tmp_path_factory: pytest.TempPathFactory) -> Assistant:
    assistant = Assistant.open(tmp_path_factory.mktemp("ferries") / "index")
    assistant.add(Document.from_text(text, source=name) for name, text in FERRIES.items())
    return assistant


@pytest.fixture(scope="module")
def seeds(seeds_index: Path, tmp_path_factory: pytest.TempPathFactory) -> Assistant:
    index = shutil.copytree(seeds_index, tmp_path_factory.mktemp("copy") / "index")
    return Assistant.open(index)


@pytest.mark.parametrize(
    ("question", "choices"),
    [
        ("Who is the president?", ["Masoud Pezeshkian", "Vladimir Putin", "Volodymyr Zelensky"]),
        ("Who is the spokesman?", ["Esmaeil Baghaei", "Dmitry Peskov"]),
        ("What did the president say?", ["Masoud Pezeshkian", "Vladimir Putin"]),
    ],
)
def test_several_in_one_role(seeds: Assistant, question: str, choices: list[str]) -> None:
    answer = seeds.ask(question)
    assert set(choices) <= set(answer.choices)
    assert all(choice in answer.text for choice in answer.choices)
    assert answer.text.endswith("?")
    assert (answer.refused, answer.sentences, answer.citations) == (False, (), ())


@pytest.mark.parametrize(
    "question",
    [
        "Who is the president of Iran?",
        "Who is the Iranian president?",
        "Who is the president of France?",
        "Who is the foreign minister?",
        "Where are the two presidents meeting?",
        "How long will the treaty last?",
        "What did the ambassador say?",
        "Is Putin the president?",
        "president",
        "the",
        "",
    ],
)
def test_no_question_back_without_need(seeds: Assistant, question: str) -> None:
    assert seeds.ask(question).choices == ()


def test_two_documents_that_say_the_same_of_different_things(ferries: Assistant) -> None:
    answer = ferries.ask("How many cars does the ferry carry?")
    assert set(answer.choices) == {"Aurora", "Boreas"}
    assert ferries.ask("How many cars does the ferry Boreas carry?").choices == ()
    assert ferries.ask("How many cars does the ferry carry?", within=["aurora"]).choices == ()
    assert ferries.ask("When was the bridge opened?").choices == ()


@pytest.mark.parametrize("reply", ["Boreas", "boreas.", "The Boreas"])
def test_the_reply_answers_the_question_asked_first(ferries: Assistant, reply: str) -> None:
    conversation = ferries.chat()
    conversation.ask("How many cars does the ferry carry?")
    answer = conversation.ask(reply)
    assert answer.search_query == "How many cars does Boreas carry?"
    assert "60 cars" in answer.text


def test_another_question_than_the_reply(ferries: Assistant) -> None:
    conversation = ferries.chat()
    conversation.ask("How many cars does the ferry carry?")
    answer = conversation.ask("When was the bridge opened?")
    assert answer.search_query == "When was the bridge opened?"
    assert "1999" in answer.text


def test_the_choices_are_kept_with_the_conversation(seeds: Assistant) -> None:
    conversation = seeds.chat()
    conversation.ask("Who is the president?")
    again = seeds.chat(id=conversation.save())
    answer = again.ask("Putin")
    assert answer.search_query == "Who is Vladimir Putin?"
    assert "Putin" in answer.text
