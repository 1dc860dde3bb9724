"""Questions without a verb of their own ("And Peskov?", "why?"), and replies to a question back."""

import re

from assistant.conversation.exchanges import (
    SENTENCE_END,
    Exchange,
    with_addition,
    without_mark,
)
from assistant.conversation.focus import Rarity, focus
from assistant.conversation.kinds import person
from assistant.conversation.phrases import (
    AUXILIARIES,
    GENERIC,
    QUESTION_WORDS,
    VERBS,
    Phrase,
    phrases,
)
from assistant.conversation.pronouns import KINDS, SO, referred
from assistant.conversation.references import REQUEST
from assistant.grounding.words import fold, listed, tokens

LEAD = re.compile(
    r"^(?:(?:and|but|so|or|then|also|ok(?:ay)?|well|alright|right|hm+|i see|interesting|cool|great|"
    r"yes|no|sure)\b[\s,.!]*)*",
    re.IGNORECASE,
)
ABOUT = re.compile(r"^(?:what|how) about\s+|^what of\s+", re.IGNORECASE)
MORE = re.compile(
    r"^(?:(?:please|can you|could you|would you)\s+)*(?:tell me more|go on|continue|"
    r"(?:any |give me |some )?more (?:details?|information|info)|more|elaborate|"
    r"explain(?: more| further| that)?|expand(?: on that)?|say more|keep going)"
    r"(?: about (?:it|that|this|them))?"
    r"(?: please)?[\s.!?]*$",
    re.IGNORECASE,
)
ELSE = re.compile(
    r"^(?P<word>who|what|where|when|how|why|anything|anyone|anybody|any|"
    r"are there any|something)?\s*"
    r"(?:else|others?|more|other ones?|another(?: one)?)[\s?!.]*$",
    re.IGNORECASE,
)
BARE = re.compile(
    r"^(?P<word>why|when|where|how|who|how so|how come|why not|since when|why is that|why was that|"
    r"how is that|by whom|with whom|says who|how much|how many|how long|how often)[\s?!.]*$",
    re.IGNORECASE,
)
# "In which month?"
OF_WHICH = re.compile(
    r"^(?:(?:in|on|at|for|to|from|by|with|since|until|under|of|about) )?"
    r"(?:which|whose|what|how many) (?!about\b|of\b)(?:[a-z-]+ )?(?P<noun>[a-z-]+)[\s?!.]*$",
    re.IGNORECASE,
)
NEXT = re.compile(
    r"^(?:then|next|and then|then what|what next|what then|"
    r"what (?:happened|happens|came|comes) (?:next|then|after(?:wards?| that)?)|"
    r"are you sure|really|is that (?:true|so|right)|says who|such as|like what|"
    r"for example|for instance)[\s?!.]*$",
    re.IGNORECASE,
)
# A question that was made of a fragment, with the whole one that it was asked about.
WRAPPED = re.compile(r"[^()?]*\? \((?P<whole>.*)\)|Tell me more: (?P<more>.*)", re.DOTALL)
PREPOSITIONS = frozenset(
    listed(
        "in at by from for to under before after since during with on about against between into as"
    )
)
YEAR = re.compile(r"\b(?:1[0-9]|20)\d\d\b")


PREPOSITION = re.compile(
    r"^\s*(?:and|or|what about|how about)\s+(?P<word>of|in|at|from|for|with|on|by|to|about)\s+"
    r"(?P<rest>\S.*?)[\s?.!]*$",
    re.IGNORECASE,
)
COUNTED = re.compile(r"^\s*and\s+(?P<many>[a-z]+s)[\s?.!]*$", re.IGNORECASE)
HOW_MANY = re.compile(r"\bhow many\s+(?P<many>[a-z]+)\b", re.IGNORECASE)


def parallel(question: str, said: list[Exchange]) -> str | None:
    """Put "of Lithuania", or "passengers", in the place of what stood there; None if nothing did.

    A preposition's phrase goes in the place of the last one of the same preposition, and a plural
    in the place of what was counted.
    """
    before = said[-1].question
    if found := PREPOSITION.match(question):
        named = rf"\b(?i:{found['word']})\s+(?P<old>(?:the\s+)?[\w’'-]+(?:\s+[A-Z][\w’'-]*)*)"
        if places := list(re.finditer(named, before)):
            start, end = places[-1].span("old")
            return before[:start] + found["rest"] + before[end:]
    counted, many = COUNTED.match(question), HOW_MANY.search(before)
    if counted and many:
        return before[: many.start("many")] + counted["many"] + before[many.end("many") :]
    return None


def completed(question: str, said: list[Exchange], rarity: Rarity) -> str | None:
    """A question of which the verb is missing, made whole with the question before."""
    asked = " ".join(question.split())
    body = LEAD.sub("", asked).strip()
    led = len(body) < len(asked)
    if not body:
        return None
    if MORE.match(body):
        return _more(said)
    if match := BARE.match(body):
        return _because(match["word"].lower(), said)
    if _of_which(body):
        return f"{without_mark(body)[0].capitalize()}? ({_previous(said)})"
    if SO.search(question) and not any(phrase.named for phrase in phrases(question)):
        return f"{without_mark(asked)[0]}? ({_previous(said)})"
    if ELSE.match(body) or NEXT.match(asked) or NEXT.match(body):
        return _else(body if any(map(str.isalpha, body)) else asked, said)
    about = ABOUT.match(body)
    rest = body[about.end() :] if about else body
    bare, _ = without_mark(rest)
    words = bare.split()
    if not words or len(words) > 8:
        return None
    if not about:
        if words[0].lower() in QUESTION_WORDS | AUXILIARIES or not _verbless(bare):
            return None
        if len(words) > 4 and not (led and asked.lower().startswith(("and", "but", "or", "so"))):
            return None
        if any(fold(word) in KINDS for word in words):
            return None
    elif not _verbless(bare):
        return referred(question, said, rarity)
    if not about and all(phrase.generic for phrase in _phrases_within(bare)):
        return None  # "Thanks".
    swapped = _swap(bare, said)
    if swapped is not None:
        return swapped
    resolved = referred(question, said, rarity)
    if resolved != question:
        return resolved
    known = set().union(*(phrase.stems for phrase in phrases(bare)))
    subject = focus(said, rarity, kind="any", without=known)
    return None if subject is None else with_addition(question, subject.text)


def _of_which(body: str) -> bool:
    """Whether it asks for one detail of what was asked: "In which month?"."""
    match = OF_WHICH.match(body)
    words = body.split()
    if match is None or any(fold(word) in KINDS for word in words):
        return False
    *_, last = tokens(match["noun"])
    inner = [t for t in tokens(body) if t.kind == "word"][1:-1]
    if any(t.folded in AUXILIARIES for t in inner):
        return False
    return last.content and (last.stem not in VERBS or last.stem in GENERIC)


def _verbless(text: str) -> bool:
    marked = [token for token in tokens(text) if token.kind != "mark"]
    return bool(marked) and not any(
        token.folded in AUXILIARIES | QUESTION_WORDS | {"i", "you", "we", "me"}
        or (token.stem in VERBS and not token.capitalised and len(marked) > 3)
        for token in marked
    )


def _previous(said: list[Exchange]) -> str:
    """The last whole question."""
    question = said[-1].question.strip()
    wrapped = WRAPPED.fullmatch(question)
    return (wrapped["whole"] or wrapped["more"] or question) if wrapped else question


def _more(said: list[Exchange]) -> str:
    """More of what was asked."""
    previous = _previous(said)
    focused = [phrase for phrase in said[-1].asked if not phrase.generic]
    if len(focused) == 1:
        text = focused[0].text
        return f"Tell me more about {_lowered(text, focused[0])}."
    return f"Tell me more: {previous}"


def _lowered(text: str, phrase: Phrase) -> str:
    return text if phrase.named else text[:1].lower() + text[1:]


OPENING = re.compile(
    r"^(?:when|where|how|why)\s+(?=(?:"
    + "|".join(sorted(a for a in AUXILIARIES if "'" not in a))
    + r")\b)",
    re.IGNORECASE,
)


def _because(word: str, said: list[Exchange]) -> str:
    """Asks one word ("why?") of the question before, or of the answer's first sentence."""
    previous, answer = _previous(said), said[-1].answer
    body, _ = without_mark(previous)
    body = LEAD.sub("", body)
    first = body.split(" ")[0].lower()
    opening = word.capitalize() if word in QUESTION_WORDS or word.startswith("how ") else "Why"
    if word in {"how come", "how so", "why not"}:
        opening = "Why"
    if word.startswith("how ") and word not in {"how come", "how so"}:
        return f"{opening}? ({previous.strip()})"
    if first in AUXILIARIES:
        return f"{opening} {body[:1].lower()}{body[1:]}?"
    if OPENING.match(body):
        return f"{opening} {OPENING.sub('', body)}?"
    sentence = SENTENCE_END.split(answer)[0].rstrip(".!") if answer else ""
    if (
        sentence
        and not sentence.endswith("?")
        and len(sentence.split()) <= 24
        and word in {"why", "how", "when", "where"}
    ):
        start = tokens(sentence.split(" ")[0])
        plain = bool(start) and not start[0].content and start[0].folded != "i"
        text = sentence[:1].lower() + sentence[1:] if plain else sentence
        return f"{opening} is it that {text}?"
    return f"{opening}? ({previous.strip()})"


def _else(body: str, said: list[Exchange]) -> str:
    previous = _previous(said)
    first, _, rest = previous.partition(" ")
    match = ELSE.match(body)
    if match and rest:
        if match["word"] and match["word"].lower() in {"who", "where"} - {first.lower()}:
            return f"{without_mark(body)[0].capitalize()}? ({previous})"
        if first.lower() in {"who", "what", "where", "when", "how", "why"}:
            if rest.lower().startswith("else ") or rest.lower().startswith("other "):
                return previous
            if first.lower() in {"who", "where"} or rest.split(" ")[0].lower() in AUXILIARIES:
                return f"{first} else {rest}"
            return f"{first} other {rest}"
        if first.lower() == "which":
            return f"{first} other {rest}"
    bare, mark = without_mark(body)
    return f"{bare[:1].upper()}{bare[1:]}{mark} ({previous})"


def _phrases_within(part: str) -> list[Phrase]:
    """The phrases of what does not begin a sentence: a capital means a name."""
    return [
        phrase._replace(start=phrase.start - 6, end=phrase.end - 6)
        for phrase in phrases(f"about {part}")
    ]


def _swap(bare: str, said: list[Exchange]) -> str | None:
    """The question before with the part that answers to a fragment changed for it."""
    previous = said[-1].question
    body, mark = without_mark(previous)
    first, _, rest = bare.partition(" ")
    if first.lower() in PREPOSITIONS and rest:
        bare = first.lower() + bare[len(first) :]
        more = any(f" {word} " in f" {rest} " for word in PREPOSITIONS)
        for match in list(re.finditer(rf"\b{re.escape(first)}\s+", body, re.IGNORECASE))[-1:]:
            ends = [phrase.end for phrase in phrases(body) if phrase.start == match.end()]
            after = body[ends[0] :] if ends and not more else ""
            return f"{body[: match.start()]}{bare}{after}{mark}"
        return f"{body} {bare}{mark}"
    if YEAR.fullmatch(bare):
        if YEAR.search(body):
            return YEAR.sub(bare, body) + mark
        return f"{body} in {bare}{mark}"
    own = _phrases_within(bare)
    old = [phrase for phrase in phrases(body) if not phrase.generic]
    if len(own) != 1 or not old or own[0].generic:
        return None
    new = own[0]
    if any(new.stems <= phrase.stems for phrase in old):
        return None
    alike: list[Phrase] = []
    if new.named:
        names = [phrase for phrase in old if phrase.named]
        alike = [phrase for phrase in names if person(phrase) == person(new)] or names
        if len(alike) > 1:
            # The one that is not what the whole conversation is about.
            earlier = said[:-1]
            alike = sorted(
                alike,
                key=lambda p: sum(any(p.stems <= q.stems for q in e.asked) for e in earlier),
            )[:1]
    else:
        plain = [phrase for phrase in old if not phrase.named]
        alike = plain[-1:] if len(old) > 1 else []
    if not alike:
        return None
    chosen = alike[0]
    return f"{body[: chosen.start]}{bare}{body[chosen.end :]}{mark}"


POLITE = re.compile(
    r"[,\s]+(?:please|thank you|thanks|(?:sounds?|seems?|looks?|is) "
    r"(?:interesting|good|great|nice|fine))$",
    re.IGNORECASE,
)


def chosen(question: str, said: list[Exchange], rarity: Rarity) -> str | None:
    """A reply to an answer that asked back: the question before, of what was chosen."""
    if not said[-1].clarifying:
        return None
    asked = " ".join(question.split())
    request = REQUEST.match(asked)
    rest = asked[request.end() :] if request else asked
    bare, _ = without_mark(rest)
    bare = POLITE.sub("", bare)
    own = [phrase for phrase in phrases(asked) if not phrase.generic]
    told = frozenset().union(*(phrase.stems for phrase in said[-1].told))
    if not own or bare.split()[0].lower() in QUESTION_WORDS | AUXILIARIES:
        return None
    if not request and len(bare.split()) > 6:
        return None
    if not any(phrase.stems & told for phrase in own):
        return None
    previous = BRACKETS.sub(r"\1", said[-1].question)
    for old in phrases(previous):
        if len(own) == 1 and old.named and own[0].named and old.stems < own[0].stems:
            return previous[: old.start] + own[0].text + previous[old.end :]
    changed = referred(question, said, rarity)
    if changed != question or any(phrase.named for phrase in own):
        return changed
    known = frozenset().union(*(phrase.stems for phrase in own))
    if any(phrase.stems & known for phrase in said[-1].asked):
        return question
    subject = focus(said, rarity, kind="any", without=known)
    body, mark = without_mark(question)
    polite = POLITE.sub("", body)
    return question if subject is None else with_addition(polite + mark, subject.bare)


BRACKETS = re.compile(r"\s*\([^()]*\)(\W*)$")
