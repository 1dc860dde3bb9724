"""Which phrase of what was said before a pronoun most likely means.

Every phrase of the latest exchanges is a candidate. It is weighed by where it was said, by what it
does in its sentence, and by whether it is of the kind that the pronoun asks for. Only the best is
given: the best two where they are within 1.0 lost recall@5 on half of INSCIT, .832 to .828.
"""

import re
from collections.abc import Callable, Collection, Sequence
from typing import Literal, NamedTuple

from assistant.conversation.exchanges import SENTENCE_END, Exchange
from assistant.conversation.kinds import people, person, speaking
from assistant.conversation.phrases import AUXILIARIES, BE, CALENDAR, Phrase
from assistant.grounding.words import listed

Rarity = Callable[[Collection[str]], dict[str, float]]
# What a pronoun asks for; "voice" is an "it" that says something.
Kind = Literal["thing", "voice", "person", "many", "place", "any"]


class Weights(NamedTuple):
    """What speaks for a phrase, and against it.

    Chosen on half of INSCIT (`evals.inscit`) and on the dialogues of `tests/followup_dialogues.py`.
    Each was left out in turn. Of 56 dialogues there remain right without `within` 46, without
    `asked` or `joined` 50, `which` 52, `brief` or `people` 53; BM25's recall@5 falls from .719 to
    .712 without `answered`, to .716 without `first` or `named`, to .717 without `brief`. What made
    no difference to either was left out.
    """

    # Where it was said: in the last question, one before (for each), or the last answer.
    asked: float = 3.0
    older: float = -2.0
    told: float = 1.0
    first_sentence: float = 0.5
    later: float = -0.15
    # The first phrase of a question; and what only says what kind of answer is wanted.
    first: float = 0.5
    wanted: float = -1.5
    # Put in before, because that is what the conversation is about; in the answer as well.
    put_in: float = 1.5
    answered: float = 1.0
    # All that a short answer says; who it was; what it was that "which" and "what" asked for.
    brief: float = 2.0
    who: float = 2.5
    which: float = 2.5
    # A name; a number; idf.
    named: float = 1.0
    number: float = -3.0
    time: float = -6.0
    rare: float = 0.1
    # What it does: stands after a preposition ("in Boston"), with "and", or after "about".
    within: float = -1.5
    joined: float = -3.0
    topic: float = 1.0
    # Kinds: "it" is singular, no person, and rather not what says something; and so on.
    several: float = -1.5
    somebody: float = -0.75
    people: float = -3.0
    speaks: float = -3.0
    speaks_itself: float = 1.0
    who_is_meant: float = 2.0
    nobody: float = -8.0
    they: float = 1.0
    where: float = 2.0
    nowhere: float = -3.0
    acts: float = -3.0


WEIGHTS = Weights()
# An answer of fewer words is the thing that was asked for.
BRIEF = 10
# Phrases of an answer that are looked at.
MOST_TOLD = 12

WITHIN = frozenset(
    listed(
        "between with in at from for near by during under within to into on against among than "
        "across through by since until before after inside outside around behind beside"
    )
)
PLACED = frozenset(listed("in to at from near into through around inside outside"))
TOPIC = frozenset(listed("about regarding concerning"))
ASKED_FOR = re.compile(r"\b(?:how many|how much|which|what)\s+(?:\w+\s+of\s+)?$", re.IGNORECASE)
# Asks for a thing, and not what a thing is: "which trophy do they row for?".
WHICH = re.compile(
    r"^\W*(?:which|what)\b(?! (?:kinds?|types?|sorts?)\b)"
    r"(?: (?!is|are|was|were)\w| (?:is|are|was|were)\b.*\b(?:about|going|planning|\w+ed) to\b)",
    re.IGNORECASE,
)
ABOUT = re.compile(r"\b(?:about(?! to\b)|regarding|concerning)\b", re.IGNORECASE)
JOINING = re.compile(r"\s*(?:,|,?\s*(?:and|or|as well as))\s+", re.IGNORECASE)


# A word next to a phrase is looked for so far.
LONGEST_WORD = 24


class Candidate(NamedTuple):
    """A phrase in its sentence.

    Attributes:
        phrase: The phrase.
        before: The word before it, in lower case; empty at the beginning of a sentence.
        joined: Whether "and" joins it to another one.
    """

    phrase: Phrase
    before: str
    joined: bool


def candidates(text: str, found: Sequence[Phrase]) -> list[Candidate]:
    """The phrases of a text, as they stand in it."""
    made = []
    for place, phrase in enumerate(found):
        before = text[max(0, phrase.start - LONGEST_WORD) : phrase.start].split()
        neighbours = [(found[place - 1], phrase)] if place else []
        neighbours += [(phrase, found[place + 1])] if place + 1 < len(found) else []
        joined = any(JOINING.fullmatch(text[a.end : b.start]) for a, b in neighbours)
        made.append(
            Candidate(
                phrase,
                before[-1].lower() if before and before[-1][-1].isalnum() else "",
                joined,
            )
        )
    return made


def focus(
    said: list[Exchange], rarity: Rarity, *, kind: Kind, without: Collection[str] = ()
) -> Phrase | None:
    """The phrase of the latest exchanges that a pronoun most likely means.

    Args:
        said: What was said.
        rarity: As `standalone`.
        kind: What the pronoun asks for.
        without: Stems that it must not consist of.
    """
    scores: dict[str, tuple[float, Phrase]] = {}
    for age, exchange in enumerate(reversed(said[-3:])):
        for score, phrase in _asked(exchange, said, age=age, kind=kind):
            _keep(scores, phrase, score)
    for score, phrase in _told(said, kind=kind):
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
        (score + WEIGHTS.rare * min(8.0, max(known[word] for word in phrase.text.split())), phrase)
        for score, phrase in left
    ]
    score, phrase = max(rated, key=lambda pair: pair[0])
    return phrase if score > 0 else None


def _keep(scores: dict[str, tuple[float, Phrase]], phrase: Phrase, score: float) -> None:
    key = phrase.bare.lower()
    if key not in scores or scores[key][0] < score:
        scores[key] = (score, phrase)


def _asked(
    exchange: Exchange, said: list[Exchange], *, age: int, kind: Kind
) -> list[tuple[float, Phrase]]:
    """The phrases of a question, weighed."""
    weighed, first = [], True
    told = frozenset().union(*(phrase.stems for phrase in exchange.told))
    for candidate in candidates(exchange.question, exchange.asked):
        phrase = candidate.phrase
        if phrase.generic:
            continue
        before = exchange.question[: phrase.start]
        wanted = ASKED_FOR.search(before) is not None
        score = WEIGHTS.asked + WEIGHTS.older * age + WEIGHTS.wanted * wanted
        score += WEIGHTS.first * (first and not wanted)
        first = first and wanted
        score += WEIGHTS.put_in * (before.count("(") > before.count(")"))
        score += WEIGHTS.answered * (1.0 if age == 0 else 0.5) * bool(phrase.stems <= told)
        weighed.append((score + _suits(candidate, kind, said), phrase))
    return weighed


def _told(said: list[Exchange], *, kind: Kind) -> list[tuple[float, Phrase]]:
    """The phrases of the last answer, weighed."""
    last, weighed = said[-1], []
    who = last.question.lower().startswith("who") and kind in {"person", "many", "voice"}
    which = WHICH.match(last.question) and not ABOUT.search(last.question)
    brief = len(last.answer.split()) < BRIEF and not last.clarifying
    asked = frozenset().union(*(phrase.stems for phrase in last.asked))
    sentence = SENTENCE_END.split(last.answer)[0] if last.answer else ""
    for place, candidate in enumerate(candidates(last.answer, last.told[:MOST_TOLD])):
        phrase = candidate.phrase
        if phrase.generic:
            continue
        inside = phrase.end <= len(sentence)
        score = WEIGHTS.told + WEIGHTS.first_sentence * inside + WEIGHTS.later * place
        score += WEIGHTS.brief * brief + WEIGHTS.who * (who and inside)
        new = not phrase.stems <= asked and candidate.before not in WITHIN - {"on", "for"}
        score += WEIGHTS.which * bool(which and inside and new and kind not in {"person", "any"})
        weighed.append((score + _suits(candidate, kind, said), phrase))
    return weighed


SPEAKING = (
    r"(?:['’]s)?\s+(?:said|says?|told|tells?|argued?|warn(?:s|ed)|added|announced|born|met|"
    r"thinks?|thought)\b"
)


def _speaks(phrase: Phrase, said: list[Exchange]) -> bool:
    """Whether it says something; a treaty that does is none that has a voice."""
    if not (phrase.named or speaking(phrase)):
        return False
    pattern = re.escape(phrase.text) + SPEAKING
    return any(re.search(pattern, f"{e.question} {e.answer}") for e in said[-2:])


def _suits(candidate: Candidate, kind: Kind, said: list[Exchange]) -> float:
    """How well a phrase goes with a kind of pronoun."""
    phrase, before = candidate.phrase, candidate.before
    score = WEIGHTS.named * phrase.named
    if phrase.text[:1].isdigit():
        score += WEIGHTS.number
    if phrase.stems <= CALENDAR:
        score += WEIGHTS.time
    if kind != "place":
        among = kind == "many" and candidate.joined
        score += WEIGHTS.within * (before in WITHIN and not among)
        score += WEIGHTS.topic * (before in TOPIC and kind == "any")
    if kind in {"thing", "voice", "person"}:
        score += WEIGHTS.joined * candidate.joined
    if kind in {"thing", "any"}:
        score += WEIGHTS.people * people(phrase)
    if kind == "person":
        if person(phrase) and not _article(phrase, said):
            score += WEIGHTS.who_is_meant
        elif phrase.plural or not people(phrase):
            score += WEIGHTS.nobody
        score += WEIGHTS.speaks_itself * _speaks(phrase, said)
    elif kind == "thing":
        score += WEIGHTS.several * phrase.plural
        score += WEIGHTS.somebody * ((person(phrase) and " " in phrase.text) or speaking(phrase))
        score += WEIGHTS.speaks * _speaks(phrase, said)
    elif kind == "voice":
        score += WEIGHTS.speaks_itself * (_speaks(phrase, said) or speaking(phrase))
        score += WEIGHTS.several * phrase.plural
    elif kind == "many":
        score += WEIGHTS.they * (phrase.plural or candidate.joined)
        score -= 0.5 * (not phrase.plural and not phrase.named)
    elif kind == "place":
        place = phrase.named and not phrase.plural
        score += WEIGHTS.they if place else WEIGHTS.nowhere
        score += WEIGHTS.where * (before in PLACED)
        score += WEIGHTS.acts * (before in AUXILIARIES - BE)
    return score


def _article(phrase: Phrase, said: list[Exchange]) -> bool:
    """Whether it is said with an article, as no person's name is: "the Kremlin"."""
    pattern = rf"\b[Tt]he {re.escape(phrase.bare)}\b(?!['’-]| [A-Z])"
    return any(re.search(pattern, f"{e.question} {e.answer}") for e in said[-2:])
