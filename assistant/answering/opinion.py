"""A second opinion on weak sentences, from a language model of which only so much is asked."""

from assistant.errors import ModelError
from assistant.grounding.judging import Judge, judge_by
from assistant.models import Calls, Message, Model
from assistant.settings import Settings

# "Yes" or "no", and what a model says around it.
OPINION_TOKENS = 40


def second_opinion(
    second: Model | None, settings: Settings, calls: Calls | None = None
) -> Judge | None:
    """A language model as a judge of weak sentences, as long as calls are left.

    A model that fails in passing says nothing.

    Args:
        second: The model; None has no opinion.
        settings: How often it may be asked, and the prompts.
        calls: Those of which each opinion takes one; its own by default.
    """
    if second is None:
        return None
    asked = Calls(second, most=settings.model_calls) if calls is None else calls.lent(second)

    failed = False

    def write(system: str, user: str) -> str:
        nonlocal failed
        if failed or not asked.left:
            return ""
        try:
            return asked.complete(
                [Message("system", system), Message("user", user)], most_tokens=OPINION_TOKENS
            )
        except ModelError as error:
            if not error.passing:
                raise
            failed = True  # it would be waited for again at every sentence
            return ""

    return judge_by(write, prompts=settings.prompts)
