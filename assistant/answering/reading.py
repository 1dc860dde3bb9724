"""Reading hits with a question in mind: how well does each of their sentences fit it?"""

import re
from bisect import bisect_left
from dataclasses import dataclass

import numpy as np

from assistant.answering.headings import Standing, standings
from assistant.answering.kinds import BRIEF, NEEDED, holds
from assistant.answering.matching import Matching, content
from assistant.answering.orders import about_orders, disarmed
from assistant.answering.question import Question
from assistant.answering.reader import reader, unread
from assistant.embedding.embedding import Vectors
from assistant.grounding import Evidence
from assistant.grounding.words import Token
from assistant.retrieval import Hit, Retrieval

# How many of the best passages are read for sentences.
PASSAGES_READ = 8
# And how many of those the reader reads: it takes longer than all else together.
READ_CLOSELY = 4
# What counts in a sentence's score beside its cosine with the question. Where a corpus was asked:
# how well it matches, if it could answer; how well with what stands around it; how well it fits;
# what the best passage's fused score of its document lacks to the best of all, and the place of
# its passage. They were fitted to the sentences that people chose; the first and third anew, to the
# answers accepted in the tuning halves of the collections.
MATCHES_WEIGHT = 0.25
AROUND_WEIGHT = 0.52
FITTING_WEIGHT = 0.40
DOCUMENT_WEIGHT = 0.46
RANK_WEIGHT = 0.048
# What the reader says of the sentence, chosen for the answers accepted in those halves.
READER_WEIGHT = 0.3
# And where one text was asked, whose sentences are mostly about the matter: the share of the
# question's words that it has (`evals.clapnq`), and that it holds the kind of thing asked for.
OVERLAP_WEIGHT = 0.15
KIND_BONUS = 0.05
# The first sentence of a document often says what the rest is about.
FIRST_BONUS = 0.12
FIRST_BONUS_IN_ONE_TEXT = 0.03
# Headings, terms and questions are no answers.
NO_STATEMENT_PENALTY = 1.0
# Sentences that lean on the one before, or are too short to say something.
LEANING_PENALTY = 0.02
SHORT_PENALTY = 0.16
SHORT_PENALTY_IN_ONE_TEXT = 0.05
SHORT_WORDS = 6
# A question put to one named document of prose, of up to so many passages, is weighed by itself.
# Such a text is about the question's subject more often than not, so that likeness says less.
FEW_PASSAGES = 3

LEANING = re.compile(
    r"(?:he|she|it|they|this|that|these|those|his|her|its|their|such|but|and|so|however|"
    r"also|instead|moreover|therefore|thus)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True, eq=False)
class Reading:
    """A hit, read: its sentences, and how well each fits the question.

    Attributes:
        hit: The hit.
        evidence: Its passage as the check wants it.
        vectors: Its sentences' vectors, shape (sentences, dimensions).
        stems: The stems of each sentence's content words.
        standings: What each sentence is, and what stands over it.
        cosines: Of the question with each sentence, or with the term or question that it explains
            or answers; 0 for what is no statement; shape (sentences,).
        overlaps: The share of the question's words that each sentence has, shape (sentences,).
        matches: The same of the question's subjects, with words that mean about the same, in the
            sentence or in the term or question that it explains or answers.
        met: How well its best word matches each subject, shape (subjects,).
        fitting: How surely each sentence is a statement that has the kind of thing asked for, of
            what is asked about, shape (sentences,).
        answers: The reader's log-odds that each sentence answers, shape (sentences,).
        margin: How far its best sentence is above what the reader has for none.
        scores: By which sentences are chosen, shape (sentences,).
    """

    hit: Hit
    evidence: Evidence
    vectors: Vectors
    stems: tuple[frozenset[str], ...]
    standings: tuple[Standing, ...]
    cosines: Vectors
    overlaps: Vectors
    matches: Vectors
    met: Vectors
    fitting: Vectors
    answers: Vectors
    margin: float
    scores: Vectors

    def sentence(self, index: int) -> str:
        """The text of one of its sentences."""
        start, end = self.evidence.sentences[index]
        return self.evidence.text[start:end]

    def gap(self, index: int) -> str:
        """What stands between one of its sentences and the next."""
        return self.evidence.text[
            self.evidence.sentences[index].end : self.evidence.sentences[index + 1].start
        ]

    def joined(self, index: int) -> bool:
        """Whether nothing was left out between one of its sentences and the next."""
        end, start = self.evidence.sentences[index].end, self.evidence.sentences[index + 1].start
        return self.evidence.text[end:start] == self.hit.passage.text[end:start]


def one_text(retrieval: Retrieval) -> bool:
    """Whether the question was put to one short text of prose, named by whoever asked."""
    passages = [hit.passage for hit in retrieval.hits[:PASSAGES_READ]]
    return (
        retrieval.chosen
        and retrieval.searched <= FEW_PASSAGES
        and len({passage.source for passage in passages}) == 1
        and all(passage.row is None for passage in passages)
    )


def read(question: Question, retrieval: Retrieval) -> list[Reading]:
    """Read the best hits: how well does each of their sentences fit the question?"""
    best: dict[str, float] = {}
    for hit in retrieval.hits:
        best[hit.source] = max(hit.score, best.get(hit.source, 0.0))
    most = max(best.values(), default=0.0)
    alone = one_text(retrieval)
    known = frozenset(question.stems)
    quotable = about_orders(question.text)
    found = []
    for rank, hit in enumerate(retrieval.hits[:PASSAGES_READ]):
        evidence = Evidence.from_passage(hit.passage, vectors=retrieval.vectors[hit.id])
        # Orders to whoever answers are no answer, unless they are what is asked about.
        evidence = evidence if quotable else disarmed(evidence)
        vectors = evidence.vectors
        if vectors is not None and len(vectors):
            sentences = by_sentence(evidence)
            contents = [[token for token in words if token.content] for words in sentences]
            stands = standings(
                evidence, rows=hit.passage.row is not None, opening=not hit.passage.position
            )
            found.append((rank, hit, vectors, evidence, sentences, contents, stands))
    headings = {stand.over for *_, stands in found for stand in stands}
    contexts = {evidence.context for *_, evidence, _, _, _ in found}
    matching = Matching(
        question,
        [
            *(words for *_, contents, _ in found for words in contents),
            *map(content, sorted(headings | contexts)),
        ],
    )
    titled = [
        (evidence.context, [evidence.text[start:end] for start, end in evidence.sentences])
        for *_, evidence, _, _, _ in found
    ]
    findings = reader().read(question.text, titled[:READ_CLOSELY])
    findings += [unread(len(texts)) for _, texts in titled[READ_CLOSELY:]]
    readings = []
    for one, (_, texts), finding in zip(found, titled, findings, strict=True):
        rank, hit, vectors, evidence, sentences, contents, stands = one
        stems = tuple(frozenset(token.stem for token in words) for words in contents)
        overlaps = np.array([question.overlap(words) for words in stems], np.float32)
        match = matching.match(contents, evidence.context, stands)
        statements = np.array([stand.role == "statement" for stand in stands], np.float32)
        cosines = np.asarray(vectors @ retrieval.vector, np.float32)
        for index, stand in enumerate(stands):
            if stand.before:
                cosines[index] = cosines[index - 1 : index + 1].max()
            elif stand.asked:
                cosines[index] = max(cosines[index], hit.cosine)
        cosines *= statements
        holding = statements.copy()
        if question.kind in NEEDED:
            pairs = zip(texts, sentences, strict=True)
            holding *= [holds(question.kind, text, words, known) for text, words in pairs]
        if question.counted:
            holding *= [matching.counts(words) for words in sentences]
        if question.numbers:
            holding *= matching.numbered(sentences, evidence.context, stands)
        fitting = holding * match.asked
        # The one place where all that speaks for a sentence is summed.
        scores = cosines - NO_STATEMENT_PENALTY * (1 - statements)
        if alone:
            scores += OVERLAP_WEIGHT * overlaps
            if question.kind in BRIEF:
                scores += KIND_BONUS * holding
            scores -= [LEANING_PENALTY * bool(LEANING.match(text)) for text in texts]
        else:
            scores += MATCHES_WEIGHT * match.own * holding + AROUND_WEIGHT * match.around
            scores += FITTING_WEIGHT * fitting + READER_WEIGHT * finding.shares
            scores -= DOCUMENT_WEIGHT * (most - best[hit.source]) + RANK_WEIGHT * rank
        if not hit.passage.position:
            scores[statements.argmax()] += FIRST_BONUS_IN_ONE_TEXT if alone else FIRST_BONUS
        penalty = SHORT_PENALTY_IN_ONE_TEXT if alone else SHORT_PENALTY
        scores -= [
            penalty * (text.count(" ") + 1 < SHORT_WORDS and not stand.answers)
            for text, stand in zip(texts, stands, strict=True)
        ]
        readings.append(
            Reading(
                hit,
                evidence,
                vectors,
                stems,
                tuple(stands),
                cosines,
                overlaps,
                match.own,
                match.met,
                fitting,
                finding.answers,
                finding.margin,
                scores.astype(np.float32),
            )
        )
    return readings


def by_sentence(evidence: Evidence) -> list[list[Token]]:
    """The tokens of each sentence; `evidence.pieces` has them too, but looks for dates as well."""
    starts = [token.start for token in evidence.tokens]
    return [
        evidence.tokens[bisect_left(starts, start) : bisect_left(starts, end)]
        for start, end in evidence.sentences
    ]
