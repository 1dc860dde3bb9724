"""A second opinion: a language model is asked whether a source bears out a sentence."""

import re
from collections.abc import Callable

from assistant.fences import as_data
from assistant.prompts import render

# (sentence, source text) -> whether the source bears it out; None if that cannot be said.
Judge = Callable[[str, str], bool | None]

LONGEST_SOURCE = 12_000
LONGEST_REPLY = 1000
# The one word that was asked for, whatever a model puts around it.
OPINION = re.compile(r"[\s*_`\"'“‘(#>-]{0,20}(yes|no)\b(?![\w'’-])", re.IGNORECASE)


def judge_by(write: Callable[[str, str], str], *, prompts: str = "") -> Judge:
    """A judge that asks a language model, once a sentence.

    Args:
        write: Given the system's and the user's message, what the model replies; what it raises
            goes through.
        prompts: Folder of prompts that replace the built-in ones.
    """

    def judge(sentence: str, source: str) -> bool | None:
        # A source that must be cut is not judged: what is left out may be what bears it out.
        if len(source) > LONGEST_SOURCE or not sentence.strip() or not source.strip():
            return None
        question = render(
            "support-question",
            folder=prompts,
            sentence=as_data(sentence),
            source=as_data(source),
        )
        return opinion(write(render("support", folder=prompts), question))

    return judge


def opinion(reply: str) -> bool | None:
    """What a reply says, read strictly: its first word is yes or no, or it says nothing.

    A reply that says both ("yes and no", "yes, but no ...") in its first line says nothing.
    """
    match = OPINION.match(reply[:LONGEST_REPLY])
    if match is None:
        return None
    line = reply[match.end() : LONGEST_REPLY].partition("\n")[0].casefold()
    other = "no" if match[1].casefold() == "yes" else "yes"
    if re.search(rf"\b{other}\b", line):
        return None
    return match[1].casefold() == "yes"
