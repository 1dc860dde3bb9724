"""Which phrase of what was said before a pronoun most likely means."""

import re
from collections.abc import Callable, Collection

from assistant.conversation.exchanges import SENTENCE_END, Exchange
from assistant.conversation.phrases import Phrase
from assistant.grounding.words import listed, stem

Rarity = Callable[[Collection[str]], dict[str, float]]

# An answer of fewer words is the thing that was asked for.
BRIEF = 10
# What the rarity (idf) of a phrase adds to its score.
RARE = 0.1
# What it costs a name to stand after "by" where a thing is meant.
AGENT = 3.0

NOT_PEOPLE = frozenset(
    stem(word)
    for word in listed("""
    university college school company corporation party treaty agreement ministry council day war
    act law republic kingdom union states nations federation organisation organization association
    league cup film movie series show festival bank fund agency commission committee court church
    river lake sea strait gulf mountain island city county province state street road airport park
    museum hotel restaurant project program programme revolution empire dynasty army force group
    club team band album song book journal times post house institute centre center industry
    market policy plan charter convention protocol memorandum declaration resolution sanctions
    cuisine wine tea sauce king north south east west new great united middle language religion
    islam christianity judaism legion dome part
    """)
)


def person(phrase: Phrase) -> bool:
    """Whether a phrase may be somebody's name."""
    words = phrase.text.split()
    return (
        phrase.named
        and len(words) <= 4
        and all(word[0].isupper() for word in words)
        and not words[0].isupper()
        and not phrase.stems & NOT_PEOPLE
        and not any(c.isdigit() for c in phrase.text)
    )


def focus(
    said: list[Exchange], rarity: Rarity, *, kind: str, without: Collection[str] = ()
) -> Phrase | None:
    """The phrase of the latest exchanges that a pronoun most likely means.

    Args:
        said: What was said.
        rarity: As `standalone`.
        kind: "thing", "person", "many", "place" or "any".
        without: Stems that it must not consist of.
    """
    scores: dict[str, tuple[float, Phrase]] = {}
    last = said[-1]
    who = last.question.lower().startswith("who")
    brief = len(last.answer.split()) < BRIEF and not last.clarifying
    for age, exchange in enumerate(reversed(said[-3:])):
        first = True
        for phrase in exchange.asked:
            if phrase.generic:
                continue
            wanted = ASKED_FOR.search(exchange.question[: phrase.start]) is not None
            score = 3.0 - 2.0 * age + 0.5 * (first and not wanted) - 1.5 * wanted
            first = first and wanted
            # Put in before, because that is what the conversation is about.
            score += 1.5 * (
                exchange.question[: phrase.start].count("(")
                > exchange.question[: phrase.start].count(")")
            )
            score += _suits(phrase, kind) + _speaker(phrase, kind, said)
            score -= AGENT * _does(phrase, kind, exchange.question)
            score += (1.0 if age == 0 else 0.5) * bool(
                phrase.stems <= frozenset().union(*(p.stems for p in exchange.told))
            )
            others = [other for other in said if other is not exchange]
            score += 0.6 * min(
                2, sum(any(phrase.stems <= p.stems for p in other.asked) for other in others)
            )
            _keep(scores, phrase, score)
        if age == 0:
            sentence = SENTENCE_END.split(exchange.answer)[0] if exchange.answer else ""
            for place, phrase in enumerate(exchange.told[:12]):
                if phrase.generic:
                    continue
                inside = phrase.end <= len(sentence)
                score = 1.0 + 0.5 * inside - 0.15 * place
                score += _suits(phrase, kind) + _speaker(phrase, kind, said)
                score -= AGENT * _does(phrase, kind, exchange.answer)
                score += 2.5 * (who and inside and kind in {"person", "many"}) + 2.0 * brief
                _keep(scores, phrase, score)
    left = [
        (score, phrase)
        for score, phrase in scores.values()
        if not phrase.stems <= frozenset(without)
    ]
    if not left:
        return None
    known = rarity({word for _, phrase in left for word in phrase.text.split()})
    rated = [
        (score + RARE * min(8.0, max(known[word] for word in phrase.text.split())), phrase)
        for score, phrase in left
    ]
    score, phrase = max(rated, key=lambda pair: pair[0])
    return phrase if score > 0 else None


ASKED_FOR = re.compile(r"\b(?:how many|how much|which|what)\s+(?:\w+\s+of\s+)?$", re.IGNORECASE)


def _keep(scores: dict[str, tuple[float, Phrase]], phrase: Phrase, score: float) -> None:
    key = phrase.bare.lower()
    if key not in scores or scores[key][0] < score:
        scores[key] = (score, phrase)


SPEAKING = (
    r"(?:['’]s)?\s+(?:said|says?|told|tells?|argued?|warn(?:s|ed)|added|announced|born|met)\b"
)


def _does(phrase: Phrase, kind: str, text: str) -> bool:
    """Of "built by Clara Holm": it is somebody, and not "it"."""
    return kind == "thing" and person(phrase) and text[: phrase.start].endswith("by ")


def _speaker(phrase: Phrase, kind: str, said: list[Exchange]) -> float:
    """Of something that speaks: it is somebody, and not "it"."""
    if kind not in {"thing", "person"} or not phrase.named:
        return 0.0
    pattern = re.escape(phrase.text) + SPEAKING
    if any(re.search(pattern, f"{e.question} {e.answer}") for e in said[-2:]):
        return 1.0 if kind == "person" else -3.0
    return 0.0


def _suits(phrase: Phrase, kind: str) -> float:
    """How well a phrase goes with a kind of pronoun."""
    score = 1.0 * phrase.named
    if phrase.text[:1].isdigit():
        score -= 3.0
    if kind == "person":
        score += 2.0 if person(phrase) else -8.0
    elif kind == "thing":
        score += -1.5 * phrase.plural - 0.75 * (person(phrase) and " " in phrase.text)
    elif kind == "many":
        score += 1.0 * phrase.plural - 0.5 * (not phrase.plural and not phrase.named)
    elif kind == "place":
        score += 1.0 if phrase.named and not phrase.plural else -3.0
    return score
