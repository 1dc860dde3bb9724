"""The facade: one object that joins the parts, for programs and for every other door."""

import threading
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import lru_cache
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from assistant.answering import Answer, Citation, Events
from assistant.answering.fingerprint import confidence_fingerprint
from assistant.answering.opinion import second_opinion
from assistant.answering.reader import reader
from assistant.answering.refusal import Scope
from assistant.asking import EXTRACTIVE, Means, ask
from assistant.bundled import shipped
from assistant.catalog import (
    Calibration,
    Catalog,
    Conversations,
    Counts,
    Failure,
    ListedConversation,
    ListedDocument,
    Manifest,
    open_catalog,
)
from assistant.conversation import Conversation, Turn
from assistant.conversation.feedback import Case, cases
from assistant.documents import Document, PagePicture, Pictures, read_documents
from assistant.embedding import Embedding, load_embedding
from assistant.errors import DocumentError, IndexMissingError, SettingsError
from assistant.examples import examples, sample
from assistant.grounding import Verdict, check
from assistant.indexes import DenseIndex, Finding, LexicalIndex, doctor, mend_for_reading
from assistant.models import Model, load_model
from assistant.once import once
from assistant.retrieval import Filters, Hit, Retrieval, merge_neighbours, reread, retrieve
from assistant.settings import Settings
from assistant.sources import Location, State, changed, locate, original
from assistant.sync import Plan, Progress, SyncReport, add, apply, plan
from assistant.uploads import UploadReport, remove, upload

if TYPE_CHECKING:
    from llama_index.core.base.embeddings.base import BaseEmbedding
    from llama_index.core.llms import LLM

    from assistant.llamaindex import AssistantQueryEngine, AssistantRetriever

# Passages that are retrieved to answer a question.
READ_FOR_ANSWERS = 10


@dataclass(frozen=True, slots=True)
class Status:
    """What an index is and holds.

    Attributes:
        index: Its folder.
        manifest: What it was built with.
        counts: How much it holds.
        documents: Every document, by source.
        failures: Files that could not be read at the last sync.
        problem: What is wrong with the search indexes and could not be mended, or None.
        calibrated: Whether the manifest has a calibration that answers make use of.
    """

    index: Path
    manifest: Manifest
    counts: Counts
    documents: list[ListedDocument]
    failures: list[Failure]
    problem: str | None
    calibrated: bool


class Assistant:
    """Answers questions about documents, from an index of them.

    Use it in a `with` block, or call `close`. Safe to use from several threads. Nothing is opened
    or loaded before it is needed.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        embedding: Embedding | None = None,
        model: Model | None = None,
    ) -> None:
        """Use `Assistant.open`, which reads the settings."""
        self.settings = settings
        self._given_embedding = embedding
        self._given_model = model
        self._catalog: Catalog | None = None
        self._problem: str | None = None
        self._calibrated = True
        self._making = threading.RLock()  # what is made once is not made twice by two threads
        # Sees the events of every question on their way, for a server that counts them.
        self.watch: Callable[[Events], Events] = lambda events: events

    @classmethod
    def open(
        cls,
        index: str | Path | None = None,
        *,
        embedding: "str | BaseEmbedding | None" = None,
        model: "str | LLM | None" = None,
        **settings: Any,
    ) -> Self:
        """Open the index in a folder; it need not exist before the first `sync` or `add`.

        Args:
            index: The index's folder; by default as in the settings, `indexes/default`.
            embedding: A model by name, as in `Settings.embedding`, or a LlamaIndex embedding.
            model: A language model by name, as in `Settings.model`, or a LlamaIndex one.
            **settings: Any other field of `Settings`; goes before the environment and the file.

        Raises:
            SettingsError: A setting is unknown or unusable.
            EmbeddingError: `embedding` is neither a name nor a LlamaIndex embedding. (A name is
                looked up when the model is first needed.)
            ModelError: The same for `model`.
        """
        given: Embedding | None = None
        writer: Model | None = None
        if not isinstance(embedding, str | None):
            from assistant.embedding.llamaindex import LlamaIndexEmbedding

            given, embedding = LlamaIndexEmbedding(embedding), None
        loaded = Settings.load(
            index=None if index is None else str(index),
            embedding=embedding,
            model=model if isinstance(model, str) else None,
            **settings,
        )
        if not isinstance(model, str | None):
            from assistant.models.llamaindex import LlamaIndexModel

            context, seconds = loaded.model_context, loaded.model_seconds
            writer = LlamaIndexModel(model, context=context, seconds=seconds)
        return cls(loaded, embedding=given, model=writer)

    def close(self) -> None:
        """Let go of the index's files; closing twice does nothing, using it opens them again."""
        dense = self.__dict__.pop("_dense", None)
        if dense is not None:
            dense.close()
        self.__dict__.pop("_lexical", None)
        self.__dict__.pop("_recent", None)
        pictures = self.__dict__.pop("_pictures", None)
        if pictures is not None:
            pictures.close()
        self.__dict__.pop("_examples", None)
        for name in ("_model", "_second_model"):
            model = self.__dict__.pop(name, None)
            if model is not None:
                model.close()
        if self._catalog is not None:
            self._catalog.close()
            self._catalog = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"Assistant({self.settings.index!r})"

    # Indexing.

    def plan(
        self, folder: str | Path | None = None, *, rebuild: bool = False, allow_empty: bool = False
    ) -> Plan:
        """What `sync` with the same arguments would do; nothing is touched.

        Raises:
            CorpusError, IndexMismatchError, IndexStorageError: As `sync`.
        """
        try:
            catalog: Catalog | None = self._opened()
        except IndexMissingError:
            catalog = None
        return plan(
            catalog,
            self._folder(folder),
            embedding=self._embedding,
            settings=self.settings,
            rebuild=rebuild,
            allow_empty=allow_empty,
        )

    def sync(
        self,
        folder: str | Path | None = None,
        *,
        rebuild: bool = False,
        allow_empty: bool = False,
        progress: Progress | None = None,
    ) -> SyncReport:
        """Bring the index in step with a folder of documents.

        Args:
            folder: The folder; by default the one that the index is of, else the settings'.
            rebuild: Read every document anew, and take over another folder, model or chunking.
            allow_empty: Let a folder without documents empty the index.
            progress: Called with each step.

        Raises:
            CorpusError: The folder is missing, unreadable, or suddenly empty.
            IndexLockedError: Another process is writing to the index.
            IndexMismatchError: The index is of another folder, model or chunking.
            IndexStorageError: The index cannot be written.
            EmbeddingError: The embedding model is unreachable; what was done until then is kept.
        """
        to_do = self.plan(folder, rebuild=rebuild, allow_empty=allow_empty)
        return apply(
            self._opened(create=True),
            to_do,
            embedding=self._embedding,
            settings=self.settings,
            progress=progress,
        )

    def add(self, documents: Iterable[Document], *, progress: Progress | None = None) -> SyncReport:
        """Put documents from a program into the index, in place of earlier ones of their sources.

        A sync leaves them alone. A document whose source is a file of the synced folder is
        refused: it is among the report's `failed`.

        Raises:
            IndexLockedError, IndexMismatchError, IndexStorageError, EmbeddingError: As `sync`.
        """
        return add(
            self._opened(create=True),
            documents,
            embedding=self._embedding,
            settings=self.settings,
            progress=progress,
        )

    def upload(
        self, files: Iterable[tuple[str, Path]], *, progress: Progress | None = None
    ) -> UploadReport:
        """Index files that a user hands in: each is its user's name for it, and where it lies.

        The document's source is "uploads/NAME", in place of an earlier one; the file is copied.
        A file that cannot be read does not stop the others: it is in the report's `failed`.

        Raises:
            UploadError: They are too many, or too large together.
            IndexLockedError, IndexMismatchError, IndexStorageError, EmbeddingError: As `sync`.
        """
        return upload(
            self._opened(create=True),
            files,
            embedding=self._embedding,
            settings=self.settings,
            progress=progress,
        )

    def remove(self, sources: Iterable[str]) -> int:
        """Take documents that were added or uploaded out of the index; returns how many.

        Raises:
            DocumentError: One of them is a file of the synced folder.
            IndexLockedError, IndexStorageError: As `sync`.
        """
        return remove(self._opened(), sources)

    def warm(self) -> None:
        """Load what answering needs, so that the first question does not wait for it.

        Needs no index; a language model is not asked anything.

        Raises:
            EmbeddingError, ModelError: One of the models cannot be loaded.
        """
        self.check("It is warm.", against=["It is warm."])
        reader().read("Is it warm?", [("", ["It is warm."])])
        if self._model is not None:
            self._model.warm()

    # Asking.

    @property
    def writer(self) -> str:
        """What writes the answers: "extractive", or a language model's name."""
        return self.settings.model if self._given_model is None else self._given_model.name

    def ask(
        self,
        question: str,
        *,
        history: Sequence[Turn] = (),
        search_query: str | None = None,
        within: Sequence[str] | None = None,
        types: Sequence[str] | None = None,
        since: date | None = None,
        until: date | None = None,
    ) -> Answer:
        """Answer a question; arguments and errors as `stream`, of which it is the last event."""
        *_, last = self.stream(
            question,
            history=history,
            search_query=search_query,
            within=within,
            types=types,
            since=since,
            until=until,
        )
        assert isinstance(last, Answer)
        return last

    def stream(
        self,
        question: str,
        *,
        history: Sequence[Turn] = (),
        search_query: str | None = None,
        within: Sequence[str] | None = None,
        types: Sequence[str] | None = None,
        since: date | None = None,
        until: date | None = None,
    ) -> Events:
        """Answer a question from the documents, every sentence cited and checked, or refuse.

        Yields what is searched, then each sentence of the answer, and at last the whole Answer;
        between them drafts, where a language model writes. Closing the iterator stops the work.

        Args:
            question: Any text.
            history: The turns before it, in the light of which it is read.
            search_query: What to search, instead of what the history makes of the question.
            within: Only these sources, or folders of sources ("reports/2024/").
            types: Only these formats ("pdf").
            since: Only documents of this date or later.
            until: Only documents of this date or earlier.

        Raises:
            IndexMissingError: Nothing has been synced yet.
            IndexMismatchError: The index was built with another embedding model.
            IndexStorageError: The index cannot be read.
            EmbeddingError: The embedding model failed.
            ModelError: The language model cannot be used until somebody does something about it;
                one that fails in passing is replaced by the documents' own sentences.
        """
        filters = Filters(within, types, since, until)
        return self.watch(self._answered(question, history, search_query, filters))

    def _answered(
        self,
        question: str,
        history: Sequence[Turn],
        search_query: str | None,
        filters: Filters,
        *,
        extractive: bool = False,
    ) -> Events:
        self._opened().require_model(self._embedding)  # what is wrong is told before anything else
        means = Means(
            settings=self.settings,
            retrieve=lambda query: self._reread(
                self._retrieve(query, limit=READ_FOR_ANSWERS, filters=filters)
            ),
            rarity=self.rarity,
            scope=lambda: self._scope(filters),
            document=self._current,
            encode=lambda text: self._comparing.encode([text])[0].vector,
            model=None if extractive else self._model,
            second=self._second_model,
            calibration=self.calibration,
        )
        yield from ask(question, means, history=history, search_query=search_query)

    def chat(
        self,
        *,
        id: str | None = None,
        history: Sequence[Turn] = (),
        owner: str | None = None,
    ) -> Conversation:
        """Begin a conversation, or resume one that was kept.

        Args:
            id: Of the conversation to resume.
            history: The turns before, for a conversation that begins elsewhere.
            owner: Whose it is; another's cannot be resumed. None is anybody.

        Raises:
            ConversationError: There is no such conversation, or it is another's.
            SettingsError: Both an id and a history are given.
            IndexMissingError, IndexStorageError: As `ask`, on resuming.
        """
        if id is None:
            return Conversation(
                self.stream, self._conversations, owner=owner or "", history=history
            )
        if history:
            raise SettingsError("a conversation that is resumed has its history; leave it out")
        return Conversation.resume(id, self.stream, self._conversations, owner=owner)

    def conversations(self, *, owner: str | None = None) -> list[ListedConversation]:
        """The conversations that are kept, an owner's or all, those changed last first.

        Raises:
            IndexMissingError, IndexStorageError: As `ask`.
        """
        return self._conversations().listed(owner=owner)

    def feedback(self, *, owner: str | None = None) -> list[Case]:
        """The answers that were rated, as cases of an eval set; an owner's or all.

        Raises:
            IndexMissingError, IndexStorageError: As `ask`.
        """
        return cases(self._conversations(), owner=owner)

    def search(
        self,
        query: str,
        *,
        limit: int = 10,
        within: Sequence[str] | None = None,
        types: Sequence[str] | None = None,
        since: date | None = None,
        until: date | None = None,
    ) -> list[Hit]:
        """The passages that fit a query best, neighbours merged; filters and errors as `ask`."""
        found = self._retrieve(query, limit=limit, filters=Filters(within, types, since, until))
        return merge_neighbours(found.hits, catalog=self._opened())

    def retrieve(
        self,
        query: str,
        *,
        limit: int = READ_FOR_ANSWERS,
        within: Sequence[str] | None = None,
        types: Sequence[str] | None = None,
        since: date | None = None,
        until: date | None = None,
    ) -> Retrieval:
        """What `ask` answers from: hits with the vectors of their sentences, not merged.

        Filters and errors as `ask`.
        """
        filters = Filters(within, types, since, until)
        return self._reread(self._retrieve(query, limit=limit, filters=filters))

    def rarity(self, words: Collection[str]) -> dict[str, float]:
        """How rare each of some words is among the indexed texts (BM25's idf); 0 if unknown."""
        return self._lexical.idf(words)

    def check(self, text: str, *, against: Sequence[str]) -> list[Verdict]:
        """Judge each sentence of any text by the sources given; needs no index.

        With `Settings.second_opinion`, a language model is asked about the weak ones, at most
        `Settings.model_calls` times.

        Raises:
            EmbeddingError: The embedded model cannot be loaded.
            ModelError: The second opinion's model cannot be used until somebody does something
                about it.
        """
        return check(
            text,
            against=[against] if isinstance(against, str) else against,
            embedding=self._comparing,
            judge=second_opinion(self._second_model, self.settings),
        )

    def read(self, paths: Iterable[str | Path]) -> Iterator[Document | DocumentError]:
        """Read files, and all documents of folders, without indexing them; in the order given.

        What cannot be read yields its error. A document's source is its path.

        Raises:
            CorpusError: A folder cannot be read.
        """
        files: list[tuple[Path, str]] = []
        for path in map(Path, paths):
            if not path.is_dir():
                files.append((path, str(path)))
                continue
            found = plan(None, path, embedding=self._embedding, settings=self.settings)
            yield from found.failed
            names = [entry.source for entry in found.added]
            files += [(found.folder / name, (path / name).as_posix()) for name in names]
        yield from read_documents(files, settings=self.settings)

    def examples(self, count: int = 4) -> list[str]:
        """Questions drawn from the documents, which they answer; fewer where little is there.

        Raises:
            IndexMissingError, IndexMismatchError, IndexStorageError, EmbeddingError: As `ask`.
        """
        return list(self._examples(self._opened().revision(), count))

    # Looking after the index.

    def status(self) -> Status:
        """What the index is and holds.

        Raises:
            IndexMissingError, IndexStorageError: As `ask`.
        """
        catalog = self._opened()
        return Status(
            index=catalog.folder,
            manifest=catalog.manifest(),
            counts=catalog.counts(),
            documents=catalog.documents(),
            failures=catalog.failures(),
            problem=self._problem,
            calibrated=self.calibration is not None,
        )

    def counts(self) -> Counts:
        """How much the index holds; quick, as it is counted once for each change.

        Raises:
            IndexMissingError, IndexStorageError: As `ask`.
        """
        return self._opened().counts()

    def document(self, source: str) -> Document | None:
        """One indexed document with its whole text, or None if there is none of that name."""
        return self._opened().document(source)

    def locate(self, citation: Citation) -> Location:
        """Where the words of a citation that was kept are now.

        Raises:
            IndexMissingError, IndexStorageError: As `ask`.
        """
        return locate(citation, catalog=self._opened(), document=self._current)

    def changed(self, citations: Iterable[Citation]) -> dict[int, State]:
        """What has become of an answer's sources, by the citations' numbers; cheap.

        Raises:
            IndexMissingError, IndexStorageError: As `ask`.
        """
        return changed(citations, catalog=self._opened(), document=self._current)

    def page_picture(
        self,
        source: str,
        page: int,
        *,
        quotes: Sequence[str] = (),
        width: int = 1000,
        painted: bool = False,
    ) -> PagePicture | None:
        """A page of an indexed PDF as a picture, and where these quotes are on it.

        `width` is in pixels; `painted` has the marks painted on the picture, too. None if there
        is no such page, or the file is no longer what was indexed.

        Raises:
            DocumentError: The file cannot be drawn.
            IndexMissingError, IndexStorageError: As `ask`.
        """
        document = self._current(source)
        if document is None or document.type != "pdf":
            return None
        path = original(document, catalog=self._opened())
        if path is None:
            return None
        return self._pictures.page(
            path, page, source=source, quotes=quotes, width=width, painted=painted
        )

    def doctor(self, *, mend: bool = False) -> list[Finding]:
        """Look at everything that can go wrong with an index; `mend` puts right what can be.

        Raises:
            IndexMissingError, IndexStorageError: As `ask`.
        """
        findings = doctor(self._opened(mend=False), mend=mend)
        kept = self.status().manifest.calibration
        if kept is not None:
            used = kept.model == self.confidence_model
            outdated = "fitted to another model, and not used; run assistant calibrate again"
            detail = kept.about if used else outdated
            findings.append(Finding("refusals", ok=used, detail=detail))
        return findings

    # What the confidences come to on these documents; see `assistant.evaluation.calibration`.

    @property
    def calibration(self) -> Calibration | None:
        """What confidences come to, if that was measured with the model that computes them now.

        Raises:
            IndexMissingError, IndexStorageError: As `ask`.
        """
        kept = self._opened().manifest().calibration if self._calibrated else None
        return kept if kept is not None and kept.model == self.confidence_model else None

    @property
    def confidence_model(self) -> str:
        """The fingerprint of what computes confidences as shipped."""
        return confidence_fingerprint(self._opened().manifest().fingerprint or "")

    def calibrate(self, calibration: Calibration | None) -> None:
        """Keep a calibration in the index, in place of another; None forgets it.

        Raises:
            IndexMissingError, IndexStorageError: As `ask`.
        """
        with self._opened().transaction() as transaction:
            transaction.calibrate(calibration)

    def as_shipped(self, **settings: Any) -> "Assistant":
        """This assistant with confidences as shipped, and no language model; close it, too.

        `settings` go before this one's.
        """
        plain = {"model": EXTRACTIVE, "second_opinion": ""}
        changed = replace(self.settings, **(plain | settings))
        shipped_one = Assistant(changed, embedding=self._given_embedding)
        shipped_one._calibrated = False
        return shipped_one

    # LlamaIndex.

    def as_retriever(
        self, *, limit: int = 10, within: Sequence[str] | None = None
    ) -> "AssistantRetriever":
        """This assistant's `search` as a LlamaIndex retriever."""
        from assistant.llamaindex import AssistantRetriever

        return AssistantRetriever(self, limit=limit, within=within)

    def as_query_engine(self, *, within: Sequence[str] | None = None) -> "AssistantQueryEngine":
        """This assistant's `ask` as a LlamaIndex query engine."""
        from assistant.llamaindex import AssistantQueryEngine

        return AssistantQueryEngine(self, within=within)

    # The parts, opened when first needed.

    def _retrieve(self, query: str, *, limit: int, filters: Filters) -> Retrieval:
        if limit < 0:
            raise SettingsError(f"limit is {limit}; it must be 0 or more")
        catalog = self._opened()
        catalog.require_model(self._embedding)
        return retrieve(
            query,
            catalog=catalog,
            dense=self._dense,
            lexical=self._lexical,
            embedding=self._embedding,
            limit=limit,
            candidates=max(self.settings.candidates, limit),
            filters=filters,
        )

    def _reread(self, found: Retrieval) -> Retrieval:
        """What was found, with the vectors that sentences are compared by."""
        if self._embedding.name == "embedded":
            return found
        return reread(found, embedding=self._comparing)

    def _conversations(self) -> Conversations:
        return self._opened().conversations

    def _opened(self, *, create: bool = False, mend: bool = True) -> Catalog:
        if self._catalog is None:
            self._catalog = open_catalog(self.settings.index, create=create)
            if mend:
                self._problem = mend_for_reading(self._catalog)
        return self._catalog

    @once
    def _embedding(self) -> Embedding:
        return self._given_embedding or load_embedding(
            self.settings.embedding, threads=self.settings.encoder_threads
        )

    @property
    def _comparing(self) -> Embedding:
        """The embedded model, by whose vectors sentences are compared, whatever searches."""
        return load_embedding("embedded", threads=self.settings.encoder_threads)

    @once
    def _model(self) -> Model | None:
        if self._given_model is not None:
            return self._given_model
        name = self.settings.model
        return None if name == EXTRACTIVE else self._loaded(name)

    @once
    def _second_model(self) -> Model | None:
        name = self.settings.second_opinion
        if name in ("", EXTRACTIVE):
            return None
        return self._model if name == self.writer else self._loaded(name)

    def _loaded(self, name: str) -> Model:
        context, seconds = self.settings.model_context, self.settings.model_seconds
        return load_model(name, context=context, seconds=seconds)

    def _current(self, source: str) -> Document | None:
        return self._recent(source, self._opened().revision())

    @once
    def _pictures(self) -> Pictures:
        return Pictures(self.settings)

    @once
    def _recent(self) -> Callable[[str, int], Document | None]:
        """The documents last cited, by source and revision: a large one takes long to read."""
        return lru_cache(maxsize=8)(lambda source, _: self._opened().document(source))

    @once
    def _examples(self) -> Callable[[int, int], list[str]]:
        """The examples of a revision: to try them takes longer than to answer a question."""
        return lru_cache(maxsize=4)(lambda _, count: self._drawn(count))

    def _drawn(self, count: int) -> list[str]:
        def answer(question: str) -> Answer:
            # In the documents' own sentences: dozens of questions are too many for a model.
            *_, last = self._answered(question, (), None, Filters(), extractive=True)
            assert isinstance(last, Answer)
            return last

        return examples(sample(self._opened()), ask=answer, count=count)

    @once
    def _dense(self) -> DenseIndex:
        return DenseIndex(self._opened())

    @once
    def _lexical(self) -> LexicalIndex:
        return LexicalIndex(self._opened())

    def _folder(self, folder: str | Path | None) -> str | Path:
        """The folder to sync: as named, else the one the index is of, else the settings'."""
        if folder is not None:
            return folder
        if self._catalog is not None and (known := self._catalog.manifest().folder):
            return Path(known)
        default = Path(self.settings.folder)
        if self.settings.folder == Settings().folder and not default.exists():
            return shipped("seeds")
        return default

    def _scope(self, filters: Filters) -> Scope:
        """What is searched."""
        documents = self._opened().counts().documents
        if filters == Filters():
            return Scope(documents)
        chosen = self._opened().selected(
            within=filters.within, types=filters.types, since=filters.since, until=filters.until
        )
        return Scope(documents, chosen=True, empty=chosen is not None and not len(chosen))
