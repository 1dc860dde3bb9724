"""A language model as a second judge: beside the built-in check, and never in its place.

It is another model than the one that answers: models are lenient with what they wrote themselves
(Panickssery et al., "LLM Evaluators Recognize and Favor Their Own Generations", 2024).
"""

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager

from assistant.answering import Answer
from assistant.assistant import Assistant
from assistant.errors import EvaluationError
from assistant.evaluation.cases import Case
from assistant.evaluation.scoring import Scored, Scores
from assistant.grounding.judging import Judge, judge_by
from assistant.models import Model, load_model
from assistant.models.model import Message

Score = Callable[[Case, Answer], Scored]

# One word is asked for; some models think aloud first.
MOST_TOKENS = 400


@contextmanager
def with_judge(name: str | None, assistant: Assistant, score: Score) -> Iterator[Score]:
    """The same scores, and those that a model of this name gives; without a name, the same.

    Raises:
        EvaluationError: It is the model that answers.
        ModelError: There is no such model.
    """
    if name is None:
        yield score
        return
    if name == assistant.writer:
        raise EvaluationError(f"{name} writes the answers; let another model judge them")
    settings = assistant.settings
    context, seconds = settings.model_context, settings.model_seconds
    with closing(load_model(name, context=context, seconds=seconds)) as model:
        judge = judge_by(_writing(model), prompts=settings.prompts)

        def scored(case: Case, answer: Answer) -> Scored:
            found = score(case, answer)
            found.scores |= judged(answer, judge)
            return found

        yield scored


def judged(answer: Answer, judge: Judge) -> Scores:
    """What a judge says of an answer's sentences, each by the passages that it cites.

    `citation_recall_by_model` is ALCE's citation recall with this judge; `judge_agreement` the
    share of sentences of which it says the same as the built-in check. A sentence of which it
    does not say yes or no is left out of both; a sentence that cites nothing is borne out by
    nothing, and the judge is not asked.
    """
    passages = {citation.number: citation.passage for citation in answer.citations}
    borne_out, agreed = [], []
    for sentence in answer.sentences:
        cited = [passages[number] for number in sentence.citations if number in passages]
        opinion = judge(sentence.text, "\n\n".join(dict.fromkeys(cited))) if cited else False
        if opinion is None:
            continue
        borne_out.append(opinion)
        agreed.append(opinion == (sentence.verdict in ("quoted", "supported")))
    count = len(borne_out)
    return {
        "citation_recall_by_model": sum(borne_out) / count if count else None,
        "judge_agreement": sum(agreed) / count if count else None,
    }


def _writing(model: Model) -> Callable[[str, str], str]:
    def write(system: str, user: str) -> str:
        messages = [Message("system", system), Message("user", user)]
        return "".join(piece for piece in model.write(messages, most_tokens=MOST_TOKENS) if piece)

    return write
