"""Follow-ups made self-contained: what is searched for a question that leans on those before it.

Nothing here understands language. A question is left as it is unless something in it shows that
it leans on what was said: a pronoun, a missing part ("And Peskov?"), a word like "the treaty"
whose full name was said before. Then the one phrase that is missing is put in, and no more:
more words of the history lose more than they gain (`evals/inscit.py`).
"""

from collections.abc import Sequence

from assistant.answering import Answer
from assistant.conversation.exchanges import LONGEST_QUESTION, Exchange
from assistant.conversation.focus import Rarity
from assistant.conversation.fragments import chosen, completed, parallel
from assistant.conversation.pronouns import referred
from assistant.conversation.references import about_the_subject, named_in_full
from assistant.conversation.turn import Turn

# Turns that are looked back on.
REACH = 8


def standalone(question: str, history: Sequence[Turn], *, rarity: Rarity) -> str:
    """The question as one would ask it alone; as it is, if nothing is missing.

    Args:
        question: Any text.
        history: The turns before it, oldest first. What was searched for them is built on.
        rarity: BM25's idf of some words among the indexed texts.
    """
    if not question.strip() or len(question) > LONGEST_QUESTION:
        return question
    said: list[Exchange] = []
    for turn in history[-REACH:]:
        answer = turn.answer
        if isinstance(answer, Answer) and answer.search_query:
            resolved = answer.search_query
        else:
            resolved = _resolve(turn.question, said, rarity)
        refused = isinstance(answer, Answer) and answer.refused
        said.append(Exchange(resolved, "" if refused else turn.borne_out))
    return _resolve(question, said, rarity)


def _resolve(question: str, said: list[Exchange], rarity: Rarity) -> str:
    if not said or not question.strip() or len(question) > LONGEST_QUESTION:
        return question
    whole = parallel(question, said) or completed(question, said, rarity)
    if whole is None:
        whole = chosen(question, said, rarity)
    if whole is not None:
        return whole
    for rule in (referred, named_in_full, about_the_subject):
        changed = rule(question, said, rarity)
        if changed != question:
            return changed
    return question
