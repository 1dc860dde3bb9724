"""What a language model is given: numbered passages, fenced as data and fitted to its context."""

from collections.abc import Sequence

from assistant.answering.marks import MARK, harmless
from assistant.answering.orders import LEFT_OUT, is_order, without_orders
from assistant.answering.reading import Reading
from assistant.errors import ModelError
from assistant.fences import as_data
from assistant.models import Message
from assistant.prompts import render
from assistant.sentences import Span
from assistant.tokens import count_tokens, cut_to_budget

# What a model writes if the passages do not hold the answer.
NOTHING = "The documents do not say."
# Other models' tokens are shorter than those of cl100k_base: SmolLM2's by a fifth in English.
TOKENS_PER_TOKEN = 1.3
# What chat templates add to the messages.
TEMPLATE_TOKENS = 50
# A passage of fewer tokens is not worth cutting one for.
LEAST_PASSAGE = 40


def messages(
    question: str,
    readings: Sequence[Reading],
    *,
    context: int,
    most_tokens: int,
    about_orders: bool,
    prompts: str = "",
) -> tuple[list[Message], int]:
    """What a model is asked, and how many of the readings, the first ones, it is given.

    Args:
        question: What is asked.
        readings: The passages, best first.
        context: How many of its tokens the model takes, its reply among them.
        most_tokens: The longest reply.
        about_orders: Whether sentences that give orders to a model are what is asked about; else
            they are left out.
        prompts: Folder of prompts that replace the built-in ones.

    Raises:
        ModelError: The question alone is too long for the model, or its reply may be.
        PromptError: A prompt file is not usable.
    """
    system = render("answer", folder=prompts, nothing=NOTHING)
    asked = quoted(question)
    bare = render("answer-question", folder=prompts, passages="", question=asked)
    room = int((context - most_tokens) / TOKENS_PER_TOKEN) - TEMPLATE_TOKENS
    room -= count_tokens(system) + count_tokens(bare)
    if room + count_tokens(asked) < LEAST_PASSAGE:  # however short the question
        raise ModelError(
            f"the language model takes {context} tokens, of which answer_tokens ({most_tokens}) "
            "leaves too few for passages; set it lower, or raise model_context if the model "
            "takes more",
            kind="context",
        )
    fenced: list[str] = []
    for number, reading in enumerate(readings, start=1):
        passage = reading.hit.passage
        text = passage.text
        place = passage.place if about_orders or not is_order(passage.place) else ""
        title = passage.title if about_orders or not is_order(passage.title) else LEFT_OUT
        if not about_orders:
            text = without_orders(
                text,
                [
                    Span(start - passage.start, end - passage.start)
                    for start, end in passage.sentences
                ],
            )
        block = fence(number, text, title=title, place=place)
        used = count_tokens(block)
        if used > room and not fenced:  # half of the best is better than none
            text = cut(text, room - (used - count_tokens(text)))
            block = fence(number, text, title=title, place=place)
            used = count_tokens(block) if text else used
        if used > room:
            break
        fenced.append(block)
        room -= used
    if not fenced:
        raise ModelError(
            f"the question is too long for the language model, which takes {context} tokens; "
            "ask a shorter one, lower answer_tokens, or raise model_context if it takes more",
            kind="context",
        )
    passages = "\n\n".join(fenced)
    user = render("answer-question", folder=prompts, passages=passages, question=asked)
    return [Message("system", system), Message("user", user)], len(fenced)


def fence(number: int, text: str, *, title: str, place: str) -> str:
    """A passage between tags with its number, title and place."""
    # A name is for people to find the document by; what is active in it is nobody's name.
    where = " · ".join(filter(None, map(quoted, map(harmless, (title, place)))))
    where = " ".join(where.replace('"', "'").split())
    return f'<passage number="{number}" from="{where}">\n{quoted(text)}\n</passage>'


def quoted(text: str) -> str:
    """A text as data, in which nothing can be taken for the number of a passage."""
    return MARK.sub(lambda mark: f"({mark[1]})", as_data(text))


def cut(text: str, most_tokens: int) -> str:
    """The beginning of a text, or nothing if that would be too little."""
    tokens = count_tokens(text)
    if most_tokens < LEAST_PASSAGE:
        return ""
    whole = Span(0, len(text))
    first = cut_to_budget(text, whole, tokens=tokens, max_tokens=most_tokens)[0]
    return text[first.start : first.end]
