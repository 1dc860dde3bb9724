"""A question becomes ranked Hits: dense and lexical search, fused, each hit with its reasons."""

import hashlib
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import lru_cache
from typing import Protocol

import numpy as np

from assistant.catalog import Catalog, StoredPassage
from assistant.embedding import Embedding
from assistant.embedding.embedding import Vectors
from assistant.errors import SettingsError
from assistant.grounding.words import TOKEN, tokens
from assistant.indexes import DenseIndex, LexicalIndex, terms
from assistant.passages import Passage

# Shares of the fused score, chosen on SciFact's train questions; evals/scifact.py prints what
# each part adds on the test questions.
PASSAGE_WEIGHT = 0.29
SENTENCE_WEIGHT = 0.29
LEXICAL_WEIGHT = 0.25
FEEDBACK_WEIGHT = 0.17
# The best hits whose likeness speaks for a passage, and how fast they lose their say with score.
FEEDBACK_HITS = 3
FEEDBACK_SHARPNESS = 10.0
# Letters that the lexical index folds, or takes apart.
UNCOMMON_LETTER = re.compile(r"[^\W\x00-\x7f]")
# The sentences of this many of the best candidates are looked at one by one.
SENTENCES_OF = 50


@dataclass(frozen=True, slots=True)
class Filters:
    """Which documents to search; what is None does not filter.

    Attributes:
        within: Sources, or folders of sources ("reports/2024/").
        types: Formats ("pdf", "docx").
        since: Only documents of this date or later.
        until: Only documents of this date or earlier.
    """

    within: Sequence[str] | None = None
    types: Sequence[str] | None = None
    since: date | None = None
    until: date | None = None

    def __post_init__(self) -> None:
        """Take a string by itself, which is a sequence of letters too, for what it says.

        Raises:
            SettingsError: No day is both that late and that early.
        """
        if self.since is not None and self.until is not None and self.since > self.until:
            raise SettingsError(
                f"since is {self.since}, which is after until ({self.until}); swap them"
            )
        for name in ("within", "types"):
            value = getattr(self, name)
            if isinstance(value, str):
                object.__setattr__(self, name, (value,))


@dataclass(frozen=True, slots=True)
class Hit:
    """A passage that was found, and why.

    Attributes:
        id: The passage's id in the index (of the best one, where neighbours were merged).
        passage: The passage; where neighbours were merged, from the first's start to the last's
            end.
        type: The document's format.
        date: The document's date, or None.
        content_hash: SHA-256 of the file's bytes when it was indexed, hex.
        score: By which hits are ordered: the parts, weighted; about 0 to 1.
        cosine: Of the question with the passage.
        sentence_cosine: Of the question with the passage's best sentence; None if not looked at.
        dense_rank: Its place in the dense search, from 1; None if not among the candidates.
        lexical_rank: Its place in the lexical search, from 1; None if not among the candidates.
        lexical_score: Its BM25 score; 0 if not among the candidates.
        matched: The words of title, headings and text that match the question's, as they stand.
        also_in: Sources of other passages with the same text.
    """

    id: int
    passage: Passage
    type: str
    date: date | None
    content_hash: str
    score: float
    cosine: float
    sentence_cosine: float | None
    dense_rank: int | None
    lexical_rank: int | None
    lexical_score: float
    matched: tuple[str, ...]
    also_in: tuple[str, ...] = ()

    @property
    def source(self) -> str:
        """The document's source."""
        return self.passage.source

    @property
    def title(self) -> str:
        """The document's title."""
        return self.passage.title

    @property
    def text(self) -> str:
        """The passage's text."""
        return self.passage.text

    @property
    def why(self) -> str:
        """The reasons in a line; see `reasons`."""
        return reasons(self)


class Found(Protocol):
    """What a search found: a hit, or the citation made of it."""

    @property
    def cosine(self) -> float:
        """As in `Hit`."""

    @property
    def dense_rank(self) -> int | None:
        """As in `Hit`."""

    @property
    def lexical_rank(self) -> int | None:
        """As in `Hit`."""

    @property
    def lexical_score(self) -> float:
        """As in `Hit`."""

    @property
    def matched(self) -> tuple[str, ...]:
        """As in `Hit`."""


def reasons(found: Found) -> str:
    """Why something was found, in a line: both ranks with their scores, and the matching words."""
    dense = f"dense #{found.dense_rank}" if found.dense_rank else "dense beyond reach"
    lexical = (
        f"lexical #{found.lexical_rank} (BM25 {found.lexical_score:.1f})"
        if found.lexical_rank
        else "lexical none"
    )
    words = ", ".join(found.matched) or "no word"
    return f"{dense} (cosine {found.cosine:.2f}) · {lexical} · matches {words}"


@dataclass(frozen=True, slots=True, eq=False)
class Retrieval:
    """What a search found, and what it was found with.

    Attributes:
        query: What was searched.
        vector: Its vector.
        searched: How many passages the dense search came to compare, at most its `candidates`.
        chosen: Whether the question was put to sources that were named.
        hits: Best first, ties by passage id; no two with the same text.
        vectors: By passage id, the vectors of a hit's sentences, shape (sentences, dimensions);
            None for a model that has none.
    """

    query: str
    vector: Vectors
    searched: int
    chosen: bool
    hits: tuple[Hit, ...]
    vectors: dict[int, Vectors | None]


def retrieve(
    query: str,
    *,
    catalog: Catalog,
    dense: DenseIndex,
    lexical: LexicalIndex,
    embedding: Embedding,
    limit: int,
    candidates: int,
    filters: Filters | None = None,
) -> Retrieval:
    """Search both indexes and fuse what they find.

    The fused score is a weighted sum of the passage's cosine with the question, its best
    sentence's, its BM25 score as a share of the best one's, and its likeness to the hits that
    are best by these three (pseudo relevance feedback, after Rocchio 1971). A candidate of one
    search alone gets its cosine computed, and 0 for BM25.

    Args:
        query: Any text.
        catalog: The index's catalog.
        dense: The dense search index.
        lexical: The lexical search index.
        embedding: The model that the index was built with.
        limit: The most hits.
        candidates: How many passages each search hands to the fusion.
        filters: Which documents to search; all of them by default.

    Raises:
        EmbeddingError: The embedding model failed.
    """
    filters = filters or Filters()
    vector = embedding.encode_query(query)
    allowed = catalog.selected(
        within=filters.within, types=filters.types, since=filters.since, until=filters.until
    )
    near = dense.search(vector, candidates, allowed=allowed)
    # In a small index even the words of grammar are rare, and would count.
    content = " ".join(token.text for token in tokens(query) if token.content) or query
    matching = lexical.search(content, candidates, allowed=allowed)
    cosines = dict(near)
    missing = [key for key, _ in matching if key not in cosines]
    if missing:
        ids, vectors = catalog.passage_vectors(missing)
        cosines |= zip(ids.tolist(), (vectors @ vector).tolist(), strict=True)
    best = [key for key, _ in fuse(cosines, dict(matching))[: max(SENTENCES_OF, limit)]]
    stored = catalog.vectors(best)
    best = [key for key in best if key in stored]
    cosines = {key: cosines[key] for key in best}
    sentences = {key: found[1] for key, found in stored.items()}
    closest = {
        key: float((vectors @ vector).max())
        for key, vectors in sentences.items()
        if vectors is not None and len(vectors)
    }
    ranking = fuse(cosines, dict(matching), closest)
    likeness = feedback(ranking, {key: stored[key][0] for key in best})
    ranking = fuse(cosines, dict(matching), closest, likeness)
    passages: list[StoredPassage] = []
    distinct: list[tuple[StoredPassage, tuple[str, ...]]] = []
    # Duplicates are dropped; twice the limit is enough but where a text stands in many places.
    for start in range(0, len(ranking), max(1, 2 * limit)):
        passages += catalog.passages([key for key, _ in ranking[start : start + 2 * limit]])
        distinct = _distinct(passages)
        if len(distinct) >= limit:
            break
    places = {key: rank for rank, (key, _) in enumerate(near, start=1)}
    lexical_places = {key: rank for rank, (key, _) in enumerate(matching, start=1)}
    words, scores, lexical_scores = set(terms(content)), dict(ranking), dict(matching)
    hits = [
        Hit(
            id=item.id,
            passage=item.passage,
            type=item.type,
            date=item.date,
            content_hash=item.content_hash,
            score=scores[item.id],
            cosine=cosines[item.id],
            sentence_cosine=closest.get(item.id),
            dense_rank=places.get(item.id),
            lexical_rank=lexical_places.get(item.id),
            lexical_score=lexical_scores.get(item.id, 0.0),
            matched=_matched(item, words),
            also_in=also_in,
        )
        for item, also_in in distinct[:limit]
    ]
    kept = {hit.id for hit in hits}
    vectors_of = {key: sentences.get(key) for key in scores if key in kept}
    return Retrieval(query, vector, len(near), filters.within is not None, tuple(hits), vectors_of)


def fuse(
    cosines: dict[int, float],
    lexical: dict[int, float],
    sentences: dict[int, float] | None = None,
    likeness: dict[int, float] | None = None,
) -> list[tuple[int, float]]:
    """Weigh the parts of each candidate's score: (id, score), best first, ties by id.

    Args:
        cosines: Of every candidate.
        lexical: BM25 scores; 0 where missing.
        sentences: The cosines of the best sentences; the passage's own where missing.
        likeness: To the best hits; 0 where missing.
    """
    most = max((lexical.get(key, 0.0) for key in cosines), default=0.0) or 1.0
    sentences, likeness = sentences or {}, likeness or {}
    scores = {
        key: PASSAGE_WEIGHT * cosine
        + SENTENCE_WEIGHT * sentences.get(key, cosine)
        + LEXICAL_WEIGHT * lexical.get(key, 0.0) / most
        + FEEDBACK_WEIGHT * likeness.get(key, 0.0)
        for key, cosine in cosines.items()
    }
    return sorted(scores.items(), key=lambda pair: (-pair[1], pair[0]))


def feedback(ranking: Sequence[tuple[int, float]], vectors: dict[int, Vectors]) -> dict[int, float]:
    """How alike each passage is to the best ones: its cosines with them, weighted by their scores.

    Args:
        ranking: Ids and scores, best first.
        vectors: The vector of each, shape (dimensions,).
    """
    best = ranking[:FEEDBACK_HITS]
    weights = [math.exp(FEEDBACK_SHARPNESS * (score - best[0][1])) for _, score in best]
    total = sum(weights)
    centre = sum(
        (weight / total * vectors[key] for weight, (key, _) in zip(weights, best, strict=True)),
        start=np.zeros(0) if not best else np.zeros_like(vectors[best[0][0]]),
    )
    return {key: float(vector @ centre) for key, vector in vectors.items()}


def merged(retrievals: Sequence[Retrieval], *, limit: int) -> Retrieval:
    """What several searches found, as one: each has its share, and its best passage a place.

    A passage, or a text, that several found is there once, as the search has it that found it
    most fitting. Hits keep what their own search says of them.

    Args:
        retrievals: Of the question itself, whose query and vector stay, and of others beside it.
        limit: The most hits; at least as many as there are retrievals.
    """
    first = retrievals[0]
    best: dict[str, tuple[Hit, Retrieval]] = {}
    sources: dict[str, list[str]] = {}
    for retrieval in retrievals:
        for hit in retrieval.hits:
            key = _sameness(hit.text)
            sources.setdefault(key, []).extend((hit.source, *hit.also_in))
            if key not in best or hit.score > best[key][0].score:
                best[key] = (hit, retrieval)
    depth = max((len(retrieval.hits) for retrieval in retrievals), default=0)
    # In turn: the best of each, then the second of each.
    turns = [
        _sameness(retrieval.hits[rank].text)
        for rank in range(depth)
        for retrieval in retrievals
        if rank < len(retrieval.hits)
    ]
    kept = list(dict.fromkeys(turns))[:limit]
    hits = []
    for key in kept:
        hit = best[key][0]
        others = [source for source in sources[key] if source != hit.source]
        hits.append(replace(hit, also_in=tuple(dict.fromkeys((*hit.also_in, *others)))))
    hits.sort(key=lambda hit: (-hit.score, hit.id))
    vectors = {best[key][0].id: best[key][1].vectors[best[key][0].id] for key in kept}
    return replace(first, hits=tuple(hits), vectors=vectors)


def merge_neighbours(hits: Sequence[Hit], *, catalog: Catalog) -> list[Hit]:
    """Join hits that follow one another in a document into one, at the place of the best.

    The merged text is the document's, white space between the passages included.
    """
    by_place = {(hit.source, hit.passage.position): hit for hit in hits}
    merged, used = [], set()
    for hit in hits:
        if hit.id in used:
            continue
        run = [hit]
        for step in (-1, 1):
            place = hit.passage.position + step
            while (other := by_place.get((hit.source, place))) and other.id not in used:
                run.append(other)
                place += step
        used |= {other.id for other in run}
        merged.append(hit if len(run) == 1 else _joined(hit, run, catalog=catalog))
    return merged


def _joined(best: Hit, run: list[Hit], *, catalog: Catalog) -> Hit:
    run = sorted(run, key=lambda hit: hit.passage.position)
    first, last = run[0].passage, run[-1].passage
    document = catalog.document(best.source)
    if document is None or document.content_hash != best.content_hash:
        return best  # It was changed a moment ago.
    pages = [hit.passage.page_end for hit in run if hit.passage.page_end is not None]
    heading = first.heading
    for hit in run:
        shared = zip(heading, hit.passage.heading, strict=False)
        heading = heading[: sum(1 for a, b in shared if a == b)]
    passage = replace(
        first,
        end=last.end,
        text=document.text[first.start : last.end],
        sentences=tuple(span for hit in run for span in hit.passage.sentences),
        heading=heading,
        page_end=max(pages, default=None),
        tokens=sum(hit.passage.tokens for hit in run),
    )
    matched = tuple(dict.fromkeys(word for hit in run for word in hit.matched))
    return replace(best, passage=passage, matched=matched)


def _distinct(passages: list[StoredPassage]) -> list[tuple[StoredPassage, tuple[str, ...]]]:
    """Each text once, with the sources that repeat it."""
    groups: dict[str, list[StoredPassage]] = {}
    for item in passages:
        groups.setdefault(_sameness(item.passage.text), []).append(item)
    return [
        (same[0], tuple(dict.fromkeys(o.passage.source for o in same[1:])))
        for same in groups.values()
    ]


def _sameness(text: str) -> str:
    """What two texts have in common that say the same."""
    plain = " ".join(text.casefold().split())
    return hashlib.sha256(plain.encode("utf-8", "surrogatepass")).hexdigest()


def _matched(item: StoredPassage, words: set[str]) -> tuple[str, ...]:
    """The words that the lexical search matched, as they stand in the passage, each once."""
    if not words:
        return ()
    found: dict[str, str] = {}
    text = f"{item.passage.context}\n{item.passage.text}"
    # A word begins as its stem does, but for the last letter ("treaties", "treati") and accents:
    # where letters are plain, only words with such a beginning need be looked at. The few that
    # begin otherwise ("dying", "die") are not shown among those that matched.
    if not UNCOMMON_LETTER.search(text):
        beginnings = "|".join(re.escape(word[: max(2, len(word) - 1)]) for word in words)
        places = re.finditer(rf"\b(?:{beginnings})", text, re.IGNORECASE)
        likely = [match for place in places if (match := TOKEN.match(text, place.start()))]
    else:
        likely = list(TOKEN.finditer(text))
    for match in likely:
        for term in _content_terms(match.group()):
            if term in words:
                found.setdefault(term, match.group())
    return tuple(found.values())


@lru_cache(maxsize=65536)
def _content_terms(word: str) -> tuple[str, ...]:
    """What the lexical index sees of a word; nothing of a word of grammar, or of a mark."""
    return tuple(term for token in tokens(word) if token.content for term in terms(token.text))


def reread(retrieval: Retrieval, *, embedding: Embedding) -> Retrieval:
    """The same hits, with the vectors and cosines of a model that pools sentences late.

    Answers are composed and weighed with the embedded model, by which they were calibrated,
    whichever model found the passages.
    """
    texts = [f"{hit.passage.context}\n{hit.text}" for hit in retrieval.hits]
    shifts = [len(hit.passage.context) + 1 - hit.passage.start for hit in retrieval.hits]
    spans = [
        [(start + shift, end + shift) for start, end in hit.passage.sentences]
        for hit, shift in zip(retrieval.hits, shifts, strict=True)
    ]
    encoded = embedding.encode(texts, spans)
    vector = embedding.encode_query(retrieval.query)
    hits = tuple(
        replace(hit, cosine=float(code.vector @ vector))
        for hit, code in zip(retrieval.hits, encoded, strict=True)
    )
    vectors = {hit.id: code.sentences for hit, code in zip(hits, encoded, strict=True)}
    return replace(retrieval, vector=vector, hits=hits, vectors=vectors)
