"""What is told where the documents do not say."""

from typing import NamedTuple

from assistant.prompts import render


class Scope(NamedTuple):
    """What is searched: how many documents are indexed, and whether a part of them is chosen.

    `empty` says that no document is in that part.
    """

    documents: int
    chosen: bool = False
    empty: bool = False


def refusal(query: str, scope: Scope, *, prompts: str = "") -> str:
    """The text of a refusal, which says what was searched, and for what.

    Args:
        query: What was searched for.
        scope: What was searched.
        prompts: Folder of prompts that replace the built-in ones.

    Raises:
        PromptError: A prompt file is not usable.
    """
    if not scope.documents:
        return render("refusal-empty", folder=prompts, query=query)
    documents = "1 document" if scope.documents == 1 else f"{scope.documents:,} documents"
    if scope.empty:
        return render("refusal-filtered", folder=prompts, query=query, documents=documents)
    part = f"the chosen part of {documents}" if scope.chosen else documents
    return render("refusal", folder=prompts, query=query, scope=part)
