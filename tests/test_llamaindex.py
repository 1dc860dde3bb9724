"""The assistant inside LlamaIndex, with its own retriever query engine, and async."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
from llama_index.core.base.response.schema import Response
from llama_index.core.llms.mock import MockLLM
from llama_index.core.query_engine import RetrieverQueryEngine
from llama_index.core.schema import MetadataMode, NodeWithScore, TextNode

from assistant import Assistant
from assistant.payloads import answer_payload

QUESTION = "Which payment system is Russia banned from?"
UNKNOWN = "Which yeast makes the best sourdough pancakes?"


@pytest.fixture(scope="module")
def assistant(seeds_index: Path) -> Iterator[Assistant]:
    with Assistant.open(seeds_index) as opened:
        yield opened


def test_nodes_are_the_hits_in_order(assistant: Assistant) -> None:
    nodes = assistant.as_retriever(limit=4).retrieve(QUESTION)
    hits = assistant.search(QUESTION, limit=4)
    assert [(node.text, node.score) for node in nodes] == [(hit.text, hit.score) for hit in hits]
    scores = [node.score or 0.0 for node in nodes]
    assert scores == sorted(scores, reverse=True)
    assert len({node.node_id for node in nodes}) == len(nodes)


def test_a_node_knows_its_place(assistant: Assistant) -> None:
    retrieved = assistant.as_retriever(within=["background.pdf"]).retrieve(QUESTION)
    assert retrieved
    for item in retrieved:
        node = item.node
        assert isinstance(node, TextNode)
        assert set(node.metadata) == {
            *("source", "title", "page", "heading", "start", "end", "score")
        }
        document = assistant.document(node.metadata["source"])
        assert document is not None
        assert node.metadata["source"] == "background.pdf"
        assert node.metadata["page"] >= 1
        assert document.text[node.start_char_idx : node.end_char_idx] == node.text
        assert node.metadata["title"] == document.title


def test_models_read_titles_and_not_numbers(assistant: Assistant) -> None:
    node = assistant.as_retriever().retrieve(QUESTION)[0].node
    for mode in (MetadataMode.LLM, MetadataMode.EMBED):
        read = node.get_content(metadata_mode=mode)
        assert node.metadata["title"] in read
        assert "score" not in read
        assert "start" not in read
        assert "None" not in read


def test_node_ids_are_the_same_after_reopening(seeds_index: Path) -> None:
    def ids() -> list[str]:
        with Assistant.open(seeds_index) as opened:
            return [node.node_id for node in opened.as_retriever().retrieve(QUESTION)]

    assert ids() == ids()


def test_the_engine_of_llama_index_runs_on_our_retriever(assistant: Assistant) -> None:
    engine = RetrieverQueryEngine.from_args(assistant.as_retriever(limit=3), llm=MockLLM())
    response = engine.query(QUESTION)
    # The mock repeats its prompt, in which the passages stand.
    assert "SWIFT" in str(response)
    assert [node.text for node in response.source_nodes] == [
        hit.text for hit in assistant.search(QUESTION, limit=3)
    ]


def test_our_engine_answers_with_citations_and_verdicts(assistant: Assistant) -> None:
    response = assistant.as_query_engine(within=["payments.txt", "overview.md"]).query(QUESTION)
    answer = assistant.ask(QUESTION, within=["payments.txt", "overview.md"])
    assert isinstance(response, Response)
    assert not answer.refused
    assert str(response) == answer.text
    assert [node.text for node in response.source_nodes] == [
        citation.quote for citation in answer.citations
    ]
    assert [node.metadata["number"] for node in response.source_nodes] == [
        citation.number for citation in answer.citations
    ]
    assert untimed(response.metadata) == untimed(answer_payload(answer))
    assert {sentence["verdict"] for sentence in (response.metadata or {})["sentences"]} <= {
        *("quoted", "supported", "weak", "unsupported")
    }


def test_a_refusal_has_no_sources(assistant: Assistant) -> None:
    response = assistant.as_query_engine().query(UNKNOWN)
    assert isinstance(response, Response)
    assert response.metadata is not None
    assert response.metadata["refused"] is True
    assert response.source_nodes == []
    assert UNKNOWN in str(response)


def test_async_gives_the_same(assistant: Assistant) -> None:
    async def both() -> tuple[list[NodeWithScore], object]:
        nodes, response = await asyncio.gather(
            assistant.as_retriever().aretrieve(QUESTION),
            assistant.as_query_engine().aquery(QUESTION),
        )
        return nodes, response

    nodes, response = asyncio.run(both())
    assert nodes == assistant.as_retriever().retrieve(QUESTION)
    assert str(response) == str(assistant.as_query_engine().query(QUESTION))


def untimed(payload: dict[str, object] | None) -> dict[str, object]:
    return {key: value for key, value in (payload or {}).items() if key != "timings"}
