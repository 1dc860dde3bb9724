"""The noun phrases of a question, found by the shape of words: no model, no dictionary.

It is enough to know what a question is about. A phrase is a run of content words, verbs left out;
it is a name where it is written with a capital.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

from assistant.grounding.words import Token, listed, stem, tokens

BE = frozenset(listed("is are was were be been being am isn't aren't wasn't weren't"))
HAVE = frozenset(listed("has have had"))
AUXILIARIES = BE | frozenset(
    listed(
        "do does did has have had can could will would shall should may might must "
        "don't doesn't didn't hasn't haven't hadn't can't couldn't won't wouldn't shouldn't"
    )
)
QUESTION_WORDS = frozenset(listed("who whom whose what which when where why how"))
DETERMINERS = frozenset(
    listed("the a an this that these those his her its their my your our any some each every no")
)
# Verbs that questions are made with; by their stems. One that follows a determiner is a noun.
VERBS = frozenset(
    stem(word)
    for word in listed("""
    accept achieve act add adopt affect agree aim allow announce answer appear apply argue arrive
    ask attack attend avoid ban base become begin believe belong bring build buy call carry cause
    celebrate change choose claim close come compare concern conduct consider consist contain
    continue contribute control cook cost cover create deal decide declare define deliver deny
    depend derive describe design destroy develop die differ discover discuss drink drive earn eat
    elect employ enable end enter establish exist expand expect explain export express face fail
    fall feed feel fight fill find finish fix fly focus follow force form found function fund gain
    give go grow happen hear help hire hold impact implement import improve include increase
    influence inspire intend introduce invent invest invite involve issue join keep kill know
    last lead learn leave let limit live locate look lose love maintain manage mean measure meet
    mention motivate move name need notify obtain occur offer open operate oppose order organise
    organize originate own participate pass pay perform plan play postpone prefer premiere prepare
    present preserve prevent produce promise propose protect prove provide publish purchase put
    raise rank reach react read receive recognise recognize record reduce refer reflect refuse
    regulate reject relate release remain remove replace report represent require resign resolve
    respond result retire return rise rule run say see seek seem sell send serve set settle show
    sign speak specify spend spread stand start state stay stipulate stop study suffer suggest
    support survive take talk teach tell tend think threaten trade travel treat try turn understand
    use vary view violate visit vote wait want warn watch wear win withdraw work write
    made came went began became built bought brought chose died done driven eaten fell felt flew
    flown fought gave given got grew grown heard held kept knew known led left lost meant met paid
    ran said sat saw seen sent set shown sold spoke spoken spent stood taken taught thought told
    took understood won wore worn wrote written signed stated interested involved
    """)
)
# What questions ask for, rather than what they are about; by their stems.
GENERIC = frozenset(
    stem(word)
    for word in listed("""
    advantage amount answer area aspect benefit bit case cause characteristic common consequence
    date day definition detail difference disadvantage drawback effect event example fact
    famous feature first form further general goal good history idea impact important info
    information instance interesting item kind latest list long main major matter meaning method
    most much name new next notable number old origin other others part people person place please
    point popular possible process purpose question rate reason recent related relation result role
    same sense share significance similar single size sort specific sound step story style subject
    such term thank thanks thing time topic total type typical use usual variety version
    way well word world year bad best big better biggest large largest small smallest tall tallest
    oldest newest youngest
    longest shortest deepest heaviest cheapest richest poorest fastest strongest
    high highest low lowest early earliest exactly actually currently today tomorrow yesterday
    usually often originally generally mainly mostly primarily specifically yes ok okay sure hello
    hi
    different type example interest curious present current previous additional official
    prior exact original overall kinda notable noteworthy special certain particular back plenty
    """)
)
# Where a phrase ends, though they are no words of grammar; adverbs in -ly as well.
BREAKS = frozenset(
    listed("""
    besides before after throughout under over per than anywhere everywhere somewhere something
    anything nothing someone anyone everyone please thank thanks then less total legal illegal
    native similar different responsible able available true false same ago again against across
    valid interesting interested curious okay first-hand above below behind beside beyond along
    abroad worldwide overseas
    i've they've we've you've he's she's it's that's there's what's who's i'm i'd you're they're
    """)
)
# Verbs that are nouns as often: after a noun in the singular, and no auxiliary, they are.
NOUNS_TOO = frozenset(
    listed("""
    attack call change claim control cost deal design fall fight focus form fund issue limit
    name pay plan play project rate record report result review rise rule run share show sign study
    support tax test trade treat use view visit vote walk work
    """)
)
SUBJECTS = frozenset(listed("i you we they he she it"))
OBJECTS = frozenset(listed("it them him me us you"))
TITLES = frozenset(listed("dr mr mrs ms prof st sen rep gen lt col capt"))
CALENDAR = frozenset(
    stem(word)
    for word in listed("""
    january february march april may june july august september october november december monday
    tuesday wednesday thursday friday saturday sunday spring summer autumn fall winter
    """)
)
NOUNS_IN_LY = frozenset(listed("family supply assembly reply monopoly ally bully rally belly fly"))
LINKS = frozenset(listed("of the"))


class Phrase(NamedTuple):
    """A noun phrase of a text.

    Attributes:
        text: As it stands, with its article.
        start: Offset of its first character, the article's.
        end: Offset after its last character.
        stems: Of its content words.
        named: Whether it is, or holds, a name.
        plural: Whether it looks like more than one.
        head: The stem of its last word, or of the last one before "of".
    """

    text: str
    start: int
    end: int
    stems: frozenset[str]
    named: bool
    plural: bool
    head: str

    @property
    def generic(self) -> bool:
        """Whether it only says what kind of answer is wanted ("some examples")."""
        return self.stems <= GENERIC

    @property
    def bare(self) -> str:
        """Without its article."""
        first, _, rest = self.text.partition(" ")
        return rest if first.lower() in {"the", "a", "an"} and rest else self.text


@lru_cache(maxsize=1024)
def phrases(text: str) -> tuple[Phrase, ...]:
    """The noun phrases of a text, in order."""
    found: list[Phrase] = []
    marked = tokens(text)
    kinds = _kinds(marked)
    index = 0
    while index < len(marked):
        if not kinds[index]:
            index += 1
            continue
        last = _end(marked, kinds, index)
        phrase = _phrase(text, marked, kinds, index, last)
        if phrase is not None:
            found.append(phrase)
        index = last + 1
    return tuple(found)


def _kinds(marked: Sequence[Token]) -> list[str]:
    """For each token "name", "noun", or "" where a phrase ends."""
    kinds: list[str] = []
    asked = False  # An auxiliary was seen, and its verb not yet.
    for index, token in enumerate(marked):
        before = marked[index - 1] if index else None
        after = marked[index + 1] if index + 1 < len(marked) else None
        initial = before is None or (
            before.text in ".?!:" and not (index > 1 and _abbreviated(marked[index - 2]))
        )
        kind, last = "", kinds[-1] if kinds else ""
        if last == "name" and _followed_by_verb(marked, index):
            last = "noun"  # "Did the Kremlin press service say?"
        if token.kind == "number":
            kind = "name" if kinds and kinds[-1] == "name" else "noun"
        elif token.kind == "word" and token.content and not _ends(token):
            if token.capitalised and not (initial and _common(token, after)):
                kind = "name"
            elif not _verb(token, before, after, last=last, asked=asked):
                kind = "noun"
            else:
                asked = False
        elif token.folded in AUXILIARIES and token.folded not in BE:
            asked = True
        elif token.stem in VERBS:
            asked = False  # "Say" is a verb of little content.
        kinds.append(kind)
    return kinds


def _followed_by_verb(marked: Sequence[Token], index: int) -> bool:
    """Whether nouns and then a verb follow at once."""
    for token in marked[index + 1 : index + 3]:
        if token.stem in VERBS:
            return marked[index].stem not in VERBS and token.text.islower()
        if not token.content or token.kind != "word":
            return False
    return False


def _ends(token: Token) -> bool:
    written = token.text.lower().replace("’", "'")
    if written in BREAKS or written.endswith(("n't", "'ve", "'ll", "'re")):
        return True
    return (
        written.endswith("ly") and token.text.islower() and len(written) > 4
    ) and written not in NOUNS_IN_LY


def _common(token: Token, after: Token | None) -> bool:
    """Whether a word that begins a sentence need not be a name."""
    if token.stem in VERBS or token.stem in GENERIC:
        return True
    if _initial(token) and after is not None and after.text == ".":
        return False
    return not (after is not None and after.capitalised and after.content)


def _verb(
    token: Token, before: Token | None, after: Token | None, *, last: str, asked: bool
) -> bool:
    """Whether a word is a verb; `asked` is whether an auxiliary is still without its own."""
    previous = before.folded if before is not None else ""
    if previous in DETERMINERS:
        return False
    if asked and last == "name":
        return True
    if asked and last == "noun" and after is not None and {token.stem, after.stem} <= VERBS:
        return False  # "What does the annual pass cost?"
    if asked and last == "noun" and after is not None and after.folded in DETERMINERS:
        return True  # "Does the supplier insure the goods?"
    if (
        last == "noun"
        and token.folded.endswith("s")
        and after is not None
        and (after.folded in DETERMINERS | OBJECTS)
    ):
        return True  # "The buyer insures them."
    if asked and previous in SUBJECTS:
        return True
    if not asked and last == "noun" and token.folded in NOUNS_TOO and not previous.endswith("s"):
        return False  # "A consent form".
    if previous in BE and after is not None and after.folded == "about":
        return True  # "What is remarkable about the price?": no noun at least.
    if token.stem in VERBS:
        return True
    if token.folded in {"first", "next"} and after is not None and after.stem in VERBS:
        return True  # "first opened": no noun at least.
    if len(token.folded) < 5 or not token.folded.endswith(("ed", "ing")):
        return False
    if previous in BE | HAVE:
        return True
    return token.folded.endswith("ed") and (after is None or not after.content)


def _end(marked: Sequence[Token], kinds: Sequence[str], first: int) -> int:
    """The last token of the phrase that begins with `first`."""
    last = first
    while last + 1 < len(marked):
        here, there = marked[last], marked[last + 1]
        touching = here.end == there.start
        owner = here.kind == "word" and here.text.endswith(("'s", "’s", "s'", "s’"))
        if owner and not (kinds[last + 1] == "name" and kinds[last] == "name"):
            return last  # "Putin's visit"; but a name may go on ("King's Cross").
        if here.stem in CALENDAR and last == first and first and _dates(marked[first - 1], there):
            return last  # "In June Putin".
        if kinds[last + 1] and (there.start - here.end <= 1):
            last += 1
        elif _initial(here) and there.text == "." and kinds[last + 2 : last + 3] == ["name"]:
            last += 2  # "A. Araghchi"
        elif (
            touching
            and there.text in "-–/.&"
            and last + 2 < len(marked)
            and kinds[last + 2]
            and marked[last + 2].start == there.end
        ):
            last += 2
        elif touching and kinds[last] == "noun" and here.kind == "number" and there.kind == "word":
            last += 1
        elif (onward := _linked(marked, kinds, last)) is not None:
            last = onward
        else:
            return last
    return last


def _dates(before: Token, after: Token) -> bool:
    return before.folded in {"in", "on", "since", "until"} and after.kind != "number"


def _abbreviated(token: Token) -> bool:
    return _initial(token) or token.folded in TITLES


def _initial(token: Token) -> bool:
    return len(token.text) == 1 and token.text.isupper()


def _linked(marked: Sequence[Token], kinds: Sequence[str], last: int) -> int | None:
    """Where a phrase goes on after "of" or "of the", or None."""
    follow = last + 1
    words: list[str] = []
    while follow < len(marked) and marked[follow].folded in LINKS and len(words) < 2:
        words.append(marked[follow].folded)
        follow += 1
    if not words or follow >= len(marked) or not kinds[follow] or marked[follow].kind == "number":
        return None
    return follow if words[0] == "of" else None


def _phrase(
    text: str, marked: Sequence[Token], kinds: Sequence[str], first: int, last: int
) -> Phrase | None:
    of = next((i for i in range(first, last + 1) if marked[i].folded == "of"), last + 1)
    if of < last and all(t.stem in GENERIC for t in marked[first:of] if t.content):
        # "some examples of sanctions": sanctions.
        first = next(i for i in range(of, last + 1) if kinds[i])
        of = last + 1
    while (
        first < last
        and kinds[first] == "noun"
        and kinds[first + 1] == "name"
        and (marked[first].stem in GENERIC)
    ):
        first += 1
    words = [token for token in marked[first : last + 1] if token.content]
    if not words:
        return None
    before = marked[first - 1] if first else None
    start = marked[first].start
    if before is not None and before.folded in {"the", "a", "an"} and start - before.end == 1:
        start = before.start
    end = marked[last].end
    written = text[start:end]
    for ending in ("'s", "’s"):
        if written.endswith(ending):
            written, end = written[: -len(ending)], end - len(ending)
    if written.endswith(("s'", "s’")):
        written, end = written[:-1], end - 1
    head = marked[max(first, of - 1)]
    plural = head.folded.endswith("s") and not head.folded.endswith(("ss", "us", "is", "ics"))
    named = "name" in kinds[first : last + 1]
    stems = frozenset(token.stem for token in words)
    return Phrase(written, start, end, stems, named, plural, head.stem)
