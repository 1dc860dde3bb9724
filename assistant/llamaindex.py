"""The assistant as LlamaIndex parts: a retriever and a query engine; importing it takes seconds."""

import asyncio
import threading
from collections.abc import Sequence
from contextlib import closing
from typing import TYPE_CHECKING

from llama_index.core.base.base_query_engine import BaseQueryEngine
from llama_index.core.base.base_retriever import BaseRetriever
from llama_index.core.base.response.schema import Response
from llama_index.core.callbacks.base import CallbackManager
from llama_index.core.prompts.mixin import PromptMixinType
from llama_index.core.schema import NodeWithScore, QueryBundle, TextNode

from assistant.answering import Answer, Citation
from assistant.passages import Passage
from assistant.payloads import answer_payload, as_text
from assistant.retrieval import Hit

if TYPE_CHECKING:
    from assistant.assistant import Assistant

# What a language or embedding model reads with the text; the rest of the metadata is for programs.
READ_BY_MODELS = frozenset({"title", "heading", "page"})


class AssistantRetriever(BaseRetriever):
    """`Assistant.search` for LlamaIndex: passages as text nodes with scores, best first."""

    def __init__(
        self,
        assistant: "Assistant",
        *,
        limit: int = 10,
        within: Sequence[str] | None = None,
        callback_manager: CallbackManager | None = None,
    ) -> None:
        """Search with `assistant`, which must stay open; `limit` and `within` as in `search`."""
        super().__init__(callback_manager=callback_manager)
        self._assistant = assistant
        self._limit = limit
        self._within = within

    def _retrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
        hits = self._assistant.search(
            query_bundle.query_str, limit=self._limit, within=self._within
        )
        return [hit_node(hit) for hit in hits]

    async def _aretrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
        return await asyncio.to_thread(self._retrieve, query_bundle)


class AssistantQueryEngine(BaseQueryEngine):
    """`Assistant.ask` for LlamaIndex.

    The response is the answer's text, or its refusal; unsupported sentences and the answer's
    notice, if there are such, are told in it. `source_nodes` are the citations in order of number,
    and `metadata` is all of the answer: refused, confidence, sentences with verdicts, model,
    notice. Where a language model writes the answers, it is the assistant's own; cancelling
    `aquery` ends its work.
    """

    def __init__(
        self,
        assistant: "Assistant",
        *,
        within: Sequence[str] | None = None,
        callback_manager: CallbackManager | None = None,
    ) -> None:
        """Ask `assistant`, which must stay open; `within` as in `ask`."""
        super().__init__(callback_manager=callback_manager)
        self._assistant = assistant
        self._within = within

    def _get_prompt_modules(self) -> PromptMixinType:
        return {}

    def _query(self, query_bundle: QueryBundle) -> Response:
        return response(self._assistant.ask(query_bundle.query_str, within=self._within))

    async def _aquery(self, query_bundle: QueryBundle) -> Response:
        unwanted = threading.Event()

        def answered() -> Answer | None:
            events = self._assistant.stream(query_bundle.query_str, within=self._within)
            with closing(events):
                for event in events:
                    if isinstance(event, Answer):
                        return event
                    if unwanted.is_set():
                        break
            return None

        try:
            answer = await asyncio.to_thread(answered)
        finally:
            unwanted.set()
        assert answer is not None
        return response(answer)


def response(answer: Answer) -> Response:
    """An answer as a LlamaIndex response."""
    return Response(
        as_text(answer),
        source_nodes=[citation_node(citation) for citation in answer.citations],
        metadata=answer_payload(answer),
    )


def hit_node(hit: Hit) -> NodeWithScore:
    """A hit as a node."""
    return _node(hit.passage, text=hit.text, score=hit.score)


def citation_node(citation: Citation) -> NodeWithScore:
    """A citation as a node: the words cited; they have a number, but no score of their own."""
    return _node(citation, text=citation.quote)


def _node(place: Passage | Citation, *, text: str, score: float | None = None) -> NodeWithScore:
    metadata: dict[str, str | int | float | None] = {
        "source": place.source,
        "title": place.title,
        "page": place.page,
        "heading": " > ".join(place.heading),
        "start": place.start,
        "end": place.end,
    }
    if isinstance(place, Citation):
        metadata["number"] = place.number
    if score is not None:
        metadata["score"] = score
    unread = [key for key, value in metadata.items() if key not in READ_BY_MODELS or not value]
    node = TextNode(
        # The same in every process and after every rebuild, as long as the text stands there.
        id_=f"{place.source}#{place.start}-{place.end}",
        text=text,
        metadata=metadata,
        excluded_llm_metadata_keys=unread,
        excluded_embed_metadata_keys=unread,
        start_char_idx=place.start,
        end_char_idx=place.end,
    )
    return NodeWithScore(node=node, score=score)
