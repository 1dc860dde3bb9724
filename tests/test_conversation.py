"""Conversations: streaming, history, keeping, resuming, rating; through the public API."""

import shutil
import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from assistant import Answer, Assistant, Conversation, Turn
from assistant.answering import Piece, Searching
from assistant.catalog import WriteLock
from assistant.errors import ConversationError, IndexStorageError, SettingsError

QUESTION = "How long will the treaty last?"
REFUSED = "Who is the president of France?"


@pytest.fixture
def index(seeds_index: Path, tmp_path: Path) -> Path:
    """An index of the default corpus that may be written to."""
    return Path(shutil.copytree(seeds_index, tmp_path / "index"))


@pytest.fixture
def assistant(index: Path) -> Iterator[Assistant]:
    with Assistant.open(index) as opened:
        yield opened


def untimed(answer: Answer | str) -> tuple[object, ...]:
    assert isinstance(answer, Answer)
    return answer.text, answer.sentences, answer.citations, answer.closest, answer.confidence


class TestStream:
    def test_it_tells_the_search_then_sentences_then_all(self, assistant: Assistant) -> None:
        first, *pieces, last = assistant.stream("What did Peskov say about the treaty?")
        assert first == Searching("What did Peskov say about the treaty?")
        assert isinstance(last, Answer)
        assert pieces
        assert all(isinstance(piece, Piece) for piece in pieces)
        assert "".join(piece.text for piece in pieces) == last.text
        assert tuple(piece.sentence for piece in pieces) == last.sentences
        assert tuple(c for piece in pieces for c in piece.citations) == last.citations

    def test_ask_is_its_last_event(self, assistant: Assistant) -> None:
        *_, last = assistant.stream(QUESTION)
        assert untimed(assistant.ask(QUESTION)) == untimed(last)

    def test_a_refusal_has_no_pieces(self, assistant: Assistant) -> None:
        first, last = assistant.stream(REFUSED)
        assert isinstance(first, Searching)
        assert isinstance(last, Answer)
        assert last.refused
        assert last.closest

    def test_another_search_than_the_question(self, assistant: Assistant) -> None:
        answer = assistant.ask("And that?", search_query="What is SWIFT?")
        assert (answer.question, answer.search_query) == ("And that?", "What is SWIFT?")
        assert "SWIFT is" in answer.text

    def test_citations_hold_the_passage_and_why_it_was_read(self, assistant: Assistant) -> None:
        citation = assistant.ask(QUESTION).citations[0]
        start, end = (at - citation.passage_start for at in (citation.start, citation.end))
        assert citation.passage[start:end] == citation.quote
        assert "matches treaty" in citation.why
        hit = next(
            hit
            for hit in assistant.search(QUESTION)
            if hit.source == citation.source and citation.passage in hit.text
        )
        assert hit.why.split(" · ")[1] == citation.why.split(" · ")[1]


class TestConversation:
    def test_turns_become_history(self, assistant: Assistant) -> None:
        conversation = assistant.chat()
        assert conversation.history == ()
        first = conversation.ask(QUESTION)
        second = conversation.ask(REFUSED)
        assert conversation.history == (Turn(QUESTION, first), Turn(REFUSED, second))
        assert conversation.history[0].text == first.text

    def test_a_given_history_gives_a_follow_up_its_subject(self, assistant: Assistant) -> None:
        conversation = assistant.chat(history=[Turn("What is SWIFT?", "A payment system.")])
        answer = conversation.ask("Who uses it?")
        assert answer.question == "Who uses it?"
        assert "SWIFT" in answer.search_query
        assert assistant.ask("Who uses it?").search_query == "Who uses it?"

    def test_a_turn_that_was_stopped_is_not_kept(self, assistant: Assistant) -> None:
        conversation = assistant.chat()
        conversation.save()
        events = conversation.stream(QUESTION)
        next(events)
        next(events)
        events.close()
        assert conversation.history == ()
        assert assistant.chat(id=conversation.id).history == ()

    def test_rewinding_forgets_what_came_after(self, assistant: Assistant) -> None:
        conversation = assistant.chat()
        for question in (QUESTION, REFUSED, "What is SWIFT?"):
            conversation.ask(question)
        key = conversation.save()
        conversation.rewind(1)
        conversation.ask("What is IRNA?")
        asked = [QUESTION, "What is IRNA?"]
        assert [turn.question for turn in conversation.history] == asked
        assert [turn.question for turn in assistant.chat(id=key).history] == asked
        with pytest.raises(ConversationError, match="2 turns"):
            conversation.rewind(3)

    def test_asking_again_in_place_of_a_turn(self, assistant: Assistant) -> None:
        conversation = assistant.chat()
        for question in (QUESTION, REFUSED, "What is IRNA?"):
            conversation.ask(question)
        key = conversation.save()
        before = conversation.history
        events = conversation.stream("What is SWIFT?", at=1)
        next(events)
        events.close()
        assert conversation.history == assistant.chat(id=key).history == before
        conversation.ask("What is SWIFT?", at=1)
        asked = [QUESTION, "What is SWIFT?"]
        assert [turn.question for turn in conversation.history] == asked
        assert [turn.question for turn in assistant.chat(id=key).history] == asked
        with pytest.raises(ConversationError, match="2 turns"):
            conversation.ask("What is SWIFT?", at=3)


class TestKeeping:
    def test_nothing_is_kept_unasked(self, assistant: Assistant, index: Path) -> None:
        assistant.chat().ask(QUESTION)
        assert assistant.conversations() == []
        with sqlite3.connect(index / "catalog.sqlite3") as connection:
            assert not connection.execute(
                "SELECT 1 FROM sqlite_master WHERE name='turns'"
            ).fetchall()

    def test_it_comes_back_in_another_process_with_all_its_citations(self, index: Path) -> None:
        with Assistant.open(index) as assistant:
            conversation = assistant.chat()
            conversation.ask(QUESTION)
            key = conversation.save()
            conversation.ask("What is in the spreadsheet about Peskov?")
            conversation.ask(REFUSED)
            revision = assistant.plan().revision
        with Assistant.open(index) as assistant:
            again = assistant.chat(id=key)
            assert again.history == conversation.history
            assert (again.id, again.title) == (key, QUESTION)
            assert assistant.plan().revision == revision

    def test_titles(self, assistant: Assistant) -> None:
        conversation = assistant.chat()
        conversation.ask("How  long\nwill it last" + " and last" * 50)
        conversation.save()
        assert conversation.title.startswith("How long will it last and")
        assert len(conversation.title) == 80
        conversation.save("  The\ntreaty ")
        assert [kept.title for kept in assistant.conversations()] == ["The treaty"]
        assert assistant.chat(id=conversation.id).title == "The treaty"

    def test_the_list_shows_an_owner_their_own_latest_first(self, assistant: Assistant) -> None:
        keys = {}
        for owner in ("ann", "bob", "ann"):
            conversation = assistant.chat(owner=owner)
            conversation.ask(QUESTION)
            keys.setdefault(owner, []).append(conversation.save())
        assert [kept.id for kept in assistant.conversations(owner="ann")] == keys["ann"][::-1]
        assert [kept.id for kept in assistant.conversations(owner="bob")] == keys["bob"]
        assert len(assistant.conversations()) == 3
        assert assistant.conversations(owner="") == []
        assistant.chat(id=keys["ann"][0], owner="ann").ask("What is SWIFT?")
        first = assistant.conversations(owner="ann")[0]
        assert (first.id, first.turns) == (keys["ann"][0], 2)
        assert first.changed_at > first.created_at

    def test_anothers_conversation_is_as_if_it_were_not(self, assistant: Assistant) -> None:
        conversation = assistant.chat(owner="ann")
        key = conversation.save()
        messages = []
        for wanted in (key, "0" * 32):
            with pytest.raises(ConversationError, match="no conversation") as caught:
                assistant.chat(id=wanted, owner="bob")
            messages.append(str(caught.value).replace(wanted, "ID"))
        assert messages[0] == messages[1]

    def test_deleting(self, assistant: Assistant) -> None:
        conversation = assistant.chat()
        conversation.ask(QUESTION)
        key = conversation.save()
        conversation.rate(0, good=True)
        other = assistant.chat(id=key)
        conversation.delete()
        assert (assistant.conversations(), assistant.feedback(), conversation.id) == ([], [], None)
        with pytest.raises(ConversationError):
            assistant.chat(id=key)
        # One who still has it open gets the answer, and is told that it is not kept.
        assert not other.ask("What is SWIFT?").refused
        assert other.problem
        assert "deleted" in other.problem

    def test_a_resumed_conversation_takes_no_history(self, assistant: Assistant) -> None:
        key = assistant.chat().save()
        with pytest.raises(SettingsError, match="history"):
            assistant.chat(id=key, history=[Turn("a", "b")])

    def test_plain_histories_and_odd_texts_are_kept(self, assistant: Assistant) -> None:
        turn = Turn("lone \ud800 surrogate \x00 “quotes”", "and\nlines \udfff")
        conversation = assistant.chat(history=[turn], owner="o\ud800")
        key = conversation.save("t\ud800")
        again = assistant.chat(id=key, owner="o\ud800")
        assert again.history == (turn,)
        assert again.title == "t\ud800"

    def test_it_is_kept_while_another_process_writes_to_the_index(
        self, assistant: Assistant, index: Path
    ) -> None:
        with WriteLock(index, purpose="test"):
            conversation = assistant.chat()
            conversation.ask(QUESTION)
            assert len(assistant.chat(id=conversation.save()).history) == 1

    def test_an_answer_that_cannot_be_kept_is_given_all_the_same(
        self, assistant: Assistant, index: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        conversation = assistant.chat()
        key = conversation.save()
        # Another program holds the file for longer than is waited for.
        monkeypatch.setattr("assistant.catalog.storage.BUSY_SECONDS", 0.1)
        blocker = sqlite3.connect(index / "catalog.sqlite3", isolation_level=None)
        blocker.execute("BEGIN IMMEDIATE")
        with Assistant.open(index) as slow:
            late = slow.chat(id=key)
            assert not late.ask(QUESTION).refused
            assert late.problem
            assert "locked" in late.problem
            blocker.execute("ROLLBACK")
            blocker.close()
            # The next time both are kept.
            late.ask("What is SWIFT?")
            assert late.problem is None
        assert [turn.question for turn in assistant.chat(id=key).history] == [
            QUESTION,
            "What is SWIFT?",
        ]

    def test_saving_to_a_missing_index_is_an_error(self, tmp_path: Path) -> None:
        with Assistant.open(tmp_path / "none") as assistant, pytest.raises(IndexStorageError):
            assistant.chat().save()

    def test_many_at_once(self, assistant: Assistant) -> None:
        problems: list[object] = []

        def converse(number: int) -> None:
            try:
                conversation = assistant.chat(owner=f"owner {number}")
                conversation.save()
                for question in (QUESTION, "What is SWIFT?", REFUSED):
                    conversation.ask(question)
                problems.append(conversation.problem)
            except BaseException as error:  # noqa: BLE001 - told by the assertion below
                problems.append(error)

        threads = [threading.Thread(target=converse, args=(number,)) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert problems == [None] * 8
        assert {kept.turns for kept in assistant.conversations()} == {3}
        assert all(len(assistant.conversations(owner=f"owner {n}")) == 1 for n in range(8))


class TestFeedback:
    def test_rated_turns_become_cases(self, assistant: Assistant) -> None:
        conversation = assistant.chat()
        answer = conversation.ask(QUESTION)
        conversation.ask(REFUSED)
        conversation.ask("What is SWIFT?")
        conversation.save()
        conversation.rate(2, good=False, comment="too short")
        conversation.rate(0, good=True)
        conversation.rate(1, good=True)
        good, refused, bad = assistant.feedback()
        assert good["question"] == QUESTION
        assert (good["answerable"], good["sources"]) == (True, ["overview.md"])
        assert good["answers"] == [answer.citations[0].quote]
        assert (refused["answerable"], refused["answers"]) == (False, [])
        assert (bad["answerable"], bad["comment"], bad["rating"]) == (None, "too short", "bad")
        assert [turn["question"] for turn in bad["history"]] == [QUESTION, REFUSED]
        again = assistant.chat(id=conversation.id)
        assert [turn.feedback for turn in again.history] == [
            turn.feedback for turn in conversation.history
        ]
        conversation.rate(2, good=None)
        assert len(assistant.feedback()) == 2

    def test_only_turns_that_are_kept_can_be_rated(self, assistant: Assistant) -> None:
        conversation: Conversation = assistant.chat()
        conversation.ask(QUESTION)
        with pytest.raises(ConversationError, match="save it"):
            conversation.rate(0, good=True)
        conversation.save()
        with pytest.raises(ConversationError, match="1 turn;"):
            conversation.rate(1, good=True)


class TestExamples:
    def test_the_corpus_answers_every_example(self, assistant: Assistant) -> None:
        examples = assistant.examples(4)
        assert len(examples) == len(set(examples)) == 4
        assert not any(assistant.ask(example).refused for example in examples)
        assert assistant.examples(4) == examples

    def test_an_empty_index_has_none(self, tmp_path: Path) -> None:
        with Assistant.open(tmp_path / "index") as assistant:
            (tmp_path / "empty").mkdir()
            assistant.sync(tmp_path / "empty")
            assert assistant.examples() == []
