"""Answers that readers rated become cases of an eval set."""

from typing import Any

from assistant.answering import Answer
from assistant.catalog import Conversations
from assistant.conversation.turn import unpacked

# A line of an eval set, as in evals/cases/.
Case = dict[str, Any]


def cases(conversations: Conversations, *, owner: str | None = None) -> list[Case]:
    """The rated turns as cases, in the order in which they were asked.

    What was rated good was answered well, so that its quotes are accepted answers, and its sources
    the right ones; or it was refused rightly. Of what was rated bad, only the question is known:
    what would have been right is for a person to fill in.
    """
    found = []
    for listed in conversations.listed(owner=owner):
        history: list[dict[str, str]] = []
        for turn in conversations.turns(listed.id):
            answer = unpacked(turn.answer)
            text = answer if isinstance(answer, str) else answer.text
            if turn.feedback is not None:
                feedback = turn.feedback
                case: Case = {
                    "id": f"feedback-{turn.id}",
                    "question": turn.question,
                    "answerable": None,
                    "answers": [],
                    "sources": [],
                    "tags": ["feedback", "good" if feedback.good else "bad"],
                    "rating": "good" if feedback.good else "bad",
                    "comment": feedback.comment,
                    "history": list(history),
                    "answer": text,
                }
                if feedback.good and isinstance(answer, Answer) and not answer.choices:
                    citations = answer.citations
                    case["answerable"] = not answer.refused
                    case["answers"] = [citation.quote for citation in citations]
                    case["sources"] = list(dict.fromkeys(c.source for c in citations))
                found.append((turn.id, case))
            history.append({"question": turn.question, "answer": text})
    return [case for _, case in sorted(found, key=lambda item: item[0])]
