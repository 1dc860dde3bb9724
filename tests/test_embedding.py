"""The embedded model as it ships, and LlamaIndex models behind real servers on loopback."""

import hashlib
import json
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assistant.embedding import Embedding, load_embedding
from assistant.embedding.llamaindex import ATTEMPTS, LlamaIndexEmbedding, load, require
from assistant.embedding.minilm import (
    MODEL_FOLDER,
    MODEL_SHA256,
    PIECE_CHARACTERS,
    TOKENIZER_SHA256,
    MiniLM,
    available_processors,
    pieces,
    windows,
)
from assistant.errors import EmbeddingError

SENTENCES = [
    "The agreement runs for twenty years and renews itself for five at a time.",
    "Cats sleep for most of the day, and hunt at dusk.",
    "Trade between both states is to be settled in national currencies.",
]
PASSAGE = " ".join(SENTENCES)
SPANS = [
    (PASSAGE.index(sentence), PASSAGE.index(sentence) + len(sentence)) for sentence in SENTENCES
]
UGLY = "😀 nai\u0308ve cafe\u0301! \ud800 İstanbul ½ 中文。\r\n\u200bשלום ﬁn"


@pytest.fixture(scope="module")
def model() -> MiniLM:
    return MiniLM(threads=2)


class TestModelFiles:
    def test_the_model_is_the_one_that_the_fingerprint_names(self) -> None:
        data = (MODEL_FOLDER / "model.onnx").read_bytes()
        assert hashlib.sha256(data).hexdigest() == MODEL_SHA256
        assert len(data) <= 25_000_000
        assert MODEL_SHA256[:16] in MiniLM.fingerprint

    def test_the_tokenizer_is_the_published_one(self) -> None:
        data = (MODEL_FOLDER / "tokenizer.json").read_bytes()
        assert hashlib.sha256(data).hexdigest() == TOKENIZER_SHA256
        assert TOKENIZER_SHA256 in (MODEL_FOLDER / "NOTICE").read_text()

    def test_no_processor_can_overflow_its_sums(self) -> None:
        """Without VNNI two neighbours' products with activations up to 255 are added in 16 bits."""
        onnx = pytest.importorskip("onnx")
        constants = onnx.load(MODEL_FOLDER / "model.onnx").graph.initializer
        matrices = [
            onnx.numpy_helper.to_array(constant).astype(int)
            for constant in constants
            if constant.data_type == onnx.TensorProto.INT8 and constant.name != "words"
        ]
        assert len(matrices) == 24
        for matrix in matrices:
            pairs = matrix.reshape(-1, 2, matrix.shape[1])
            assert 255 * pairs.clip(min=0).sum(axis=1).max() < 2**15
            assert 255 * pairs.clip(max=0).sum(axis=1).min() >= -(2**15)

    def test_a_damaged_model_says_what_to_do(self, tmp_path: Path) -> None:
        class Damaged(MiniLM):
            model_file = tmp_path / "model.onnx"

        Damaged.model_file.write_bytes((MODEL_FOLDER / "model.onnx").read_bytes()[:1000])
        with pytest.raises(EmbeddingError, match="install the package anew"):
            Damaged().encode_query("Who?")

    def test_no_heavy_library_is_loaded_before_a_text_is_encoded(self) -> None:
        code = (
            "import sys, assistant.embedding, assistant.embedding.minilm, "
            "assistant.embedding.llamaindex; "
            "assistant.embedding.load_embedding('embedded').fingerprint; "
            "heavy = {'onnxruntime', 'tokenizers', 'llama_index', 'openai', 'ollama'}; "
            "sys.exit(', '.join(heavy & set(sys.modules)) or 0)"
        )
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
        assert (done.returncode, done.stderr) == (0, "")


class TestMeaning:
    @pytest.mark.parametrize(
        ("question", "answer"),
        [
            ("How long will the treaty last?", 0),
            ("When are felines active?", 1),
            ("In which money do the countries pay each other?", 2),
        ],
    )
    def test_a_question_is_nearest_to_its_answer(
        self, model: MiniLM, question: str, answer: int
    ) -> None:
        vectors = np.stack([encoded.vector for encoded in model.encode(SENTENCES)])
        query = model.encode_query(question)
        assert np.argmax(vectors @ query) == answer
        sentences = model.encode([PASSAGE], [SPANS])[0].sentences
        assert sentences is not None
        assert np.argmax(sentences @ query) == answer

    def test_similarities_are_those_of_the_float_model(self, model: MiniLM) -> None:
        # Recorded from the float32 twin (build.py --float) for pairs of the three sentences.
        vectors = np.stack([encoded.vector for encoded in model.encode(SENTENCES)])
        similarities = vectors @ vectors.T
        pairs = [similarities[0, 1], similarities[0, 2], similarities[1, 2]]
        assert pairs == pytest.approx([0.0869, 0.1054, -0.0149], abs=0.015)

    def test_a_vector_is_the_published_one(self, model: MiniLM) -> None:
        # What sentence-transformers gives in float32 for this sentence, its first numbers.
        vector = model.encode_query("This is an example sentence")
        assert vector[:5] == pytest.approx([0.0677, 0.0635, 0.0487, 0.0793, 0.0374], abs=0.005)


class TestVectors:
    def test_shapes_types_and_lengths(self, model: MiniLM) -> None:
        encoded = model.encode([PASSAGE, "One."], [SPANS, []])
        assert encoded[0].sentences is not None
        assert encoded[1].sentences is not None
        assert encoded[0].vector.shape == (model.dimensions,)
        assert encoded[0].sentences.shape == (3, model.dimensions)
        assert encoded[1].sentences.shape == (0, model.dimensions)
        for vectors in (encoded[0].vector, encoded[0].sentences, model.encode_query("One?")):
            assert vectors.dtype == np.float32
            assert np.linalg.norm(vectors, axis=-1) == pytest.approx(1, abs=1e-5)

    def test_no_texts_are_no_vectors(self, model: MiniLM) -> None:
        assert model.encode([]) == []

    @pytest.mark.parametrize("text", ["", " \n", "\ud800", UGLY, "\x00", "x" * 5000, "é" * 300])
    def test_every_text_has_a_vector(self, model: MiniLM, text: str) -> None:
        assert np.linalg.norm(model.encode_query(text)) == pytest.approx(1, abs=1e-5)

    def test_company_changes_nothing(self, model: MiniLM) -> None:
        texts = [*SENTENCES, PASSAGE * 3, "", UGLY, "Short."] * 3
        together = model.encode(texts, [[(0, 40)]] * len(texts))
        for text, encoded in zip(texts, together, strict=True):
            alone = model.encode([text], [[(0, 40)]])[0]
            assert alone.sentences is not None
            assert encoded.sentences is not None
            assert np.array_equal(alone.vector, encoded.vector)
            assert np.array_equal(alone.sentences, encoded.sentences)

    def test_threads_do_not_disturb_each_other(self, model: MiniLM) -> None:
        texts = [f"Sentence number {number}, about {number % 7} cats." for number in range(40)]
        wanted = [model.encode_query(text) for text in texts]
        with ThreadPoolExecutor(8) as pool:
            queries = list(pool.map(model.encode_query, texts * 2))
            batches = list(pool.map(lambda _: model.encode(texts), range(4)))
        assert np.array_equal(queries, wanted * 2)
        for batch in batches:
            assert np.array_equal([encoded.vector for encoded in batch], wanted)

    def test_spans_and_texts_must_pair(self, model: MiniLM) -> None:
        with pytest.raises(ValueError, match="shorter"):
            model.encode(["a", "b"], [[]])


class TestLatePooling:
    def test_sentences_of_one_text_make_up_its_vector(self, model: MiniLM) -> None:
        """Spans that share out all tokens have sums that, with [CLS] and [SEP], are the text's."""
        middle = SPANS[1][0]
        parts = model.encode([PASSAGE], [[(0, middle), (middle, len(PASSAGE))]])[0]
        whole = model.encode([PASSAGE], [[(0, len(PASSAGE))]])[0]
        assert parts.sentences is not None
        assert whole.sentences is not None
        assert whole.sentences[0] @ whole.vector > 0.99
        basis, *_ = np.linalg.lstsq(parts.sentences.T, whole.sentences[0], rcond=None)
        assert parts.sentences.T @ basis == pytest.approx(whole.sentences[0], abs=1e-5)
        assert (basis > 0).all()

    def test_a_sentence_keeps_something_of_its_context(self, model: MiniLM) -> None:
        text = "Maria is a surgeon. She operates daily."
        sentence = (text.index("She"), len(text))
        within = model.encode([text], [[sentence]])[0].sentences
        assert within is not None
        alone = model.encode_query(text[slice(*sentence)])
        query = model.encode_query("What is Maria's profession?")
        assert within[0] @ query > alone @ query + 0.1

    def test_a_span_without_a_token_is_zeros(self, model: MiniLM) -> None:
        text = "One   two"
        sentences = model.encode([text], [[(3, 6), (0, 0), (0, 9), (90, 99)]])[0].sentences
        assert sentences is not None
        assert np.linalg.norm(sentences, axis=1) == pytest.approx([0, 0, 1, 0], abs=1e-5)

    def test_offsets_count_characters_of_the_text(self, model: MiniLM) -> None:
        """What stands before must not shift the tokens that a span takes in."""
        for prefix in ("😀 ", "nai\u0308ve ", "\ud800 ", "İİ ", "\u200b\u200b ", "ﬁ½ ", "中文"):
            _, starts = model.tokens(prefix + "zebra")
            assert starts[-1] == len(prefix), prefix

    @settings(max_examples=200, deadline=None)
    @given(st.text(max_size=60))
    def test_tokens_start_in_order_inside_the_text(self, text: str) -> None:
        ids, starts = load_embedding("embedded").tokens(text)  # type: ignore[attr-defined]
        assert len(ids) == len(starts)
        assert (np.diff(starts) >= 0).all()
        assert ((starts >= 0) & (starts < max(1, len(text)))).all()


class TestLongTexts:
    def test_the_end_of_a_long_text_counts(self, model: MiniLM) -> None:
        filler = "The weather was mild and the meeting began on time. " * 60
        text = filler + SENTENCES[1]
        span = (len(filler), len(text))
        encoded = model.encode([text], [[span]])[0]
        assert encoded.sentences is not None
        cats = model.encode_query(SENTENCES[1])
        assert encoded.sentences[0] @ cats > 0.6
        assert encoded.vector @ cats > model.encode_query(filler) @ cats + 0.02

    def test_a_line_of_a_megabyte(self, model: MiniLM) -> None:
        ids, starts = model.tokens("word " * 200_000)
        assert len(ids) == 200_000
        assert np.array_equal(starts, np.arange(0, 1_000_000, 5))
        assert np.linalg.norm(model.encode_query("x" * 1_000_000)) == pytest.approx(1, abs=1e-5)

    @given(st.text(alphabet="ab \n", max_size=50).map(lambda text: text * 2000))
    @settings(max_examples=30, deadline=None)
    def test_pieces_make_up_the_text(self, text: str) -> None:
        cut = list(pieces(text))
        assert "".join(piece for _, piece in cut) == text
        for offset, piece in cut:
            assert text.startswith(piece, offset)
            assert len(piece) <= PIECE_CHARACTERS

    @given(st.integers(0, 5000), st.integers(1, 300))
    def test_windows_are_few_and_nearly_equal(self, tokens: int, most: int) -> None:
        shares = list(windows(tokens, most))
        lengths = [last - first for first, last in shares]
        assert shares[0][0] == 0
        assert shares[-1][1] == tokens
        assert [last for _, last in shares[:-1]] == [first for first, _ in shares[1:]]
        assert max(lengths) <= most
        assert max(lengths) - min(lengths) <= 1
        assert len(shares) == max(1, -(-tokens // most))


class TestLoading:
    def test_the_embedded_model_is_loaded_once(self) -> None:
        model = load_embedding("embedded")
        assert model is load_embedding("embedded", threads=0)
        assert model is load_embedding("embedded", threads=available_processors())
        assert model is not load_embedding("embedded", threads=available_processors() + 1)
        assert (model.name, model.dimensions) == ("embedded", 384)

    @pytest.mark.parametrize(
        "name",
        [
            "",
            "minilm",
            "openai-like:",
            "openai-like:m",
            "openai-like:m@",
            "ollama:",
            "ollama:m@ftp://x",
        ],
    )
    def test_an_unknown_name_shows_the_known(self, name: str) -> None:
        with pytest.raises(EmbeddingError, match="use embedded, openai-like:MODEL@URL"):
            load_embedding(name)

    def test_a_missing_package_names_the_command(self) -> None:
        with pytest.raises(EmbeddingError, match=r"pip install 'cited-assistant\[ollama\]'"):
            require("llama_index.embeddings.nowhere", extra="ollama", name="ollama:m")
        with pytest.raises(EmbeddingError, match=r"pip install"):
            require("nowhere.at.all", extra="ollama", name="ollama:m")

    def test_a_password_in_the_url_is_not_taken(self) -> None:
        with pytest.raises(EmbeddingError, match="OPENAI_API_KEY") as caught:
            load_embedding("openai-like:m@http://me:hunter2@localhost/v1")
        assert "hunter2" not in str(caught.value)


KEY = "sk-secret-1234567890"


class Server:
    """Speaks OpenAI's /v1/embeddings and Ollama's /api/embed with vectors of four numbers."""

    def __init__(self) -> None:
        self.requests: list[dict[str, Any]] = []
        self.failures: list[tuple[int, str]] = []
        self.vector: Callable[[str], list[float]] = lambda text: [3.0, 4.0, len(text), 0.0]
        self.url = ""

    @contextmanager
    def running(self) -> Iterator["Server"]:
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["content-length"])))
                authorization = self.headers.get("authorization", "")
                outer.requests.append({**body, "key": authorization, "path": self.path})
                status, answer = 200, outer.answer(self.path, body)
                if outer.failures:
                    status, message = outer.failures.pop(0)
                    answer = {"error": {"message": message} if "v1" in self.path else message}
                data = json.dumps(answer).encode()
                self.send_response(status)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(data)))
                self.end_headers()
                with suppress(ConnectionError):  # the client may have given up
                    self.wfile.write(data)

            def log_message(self, *_: object) -> None:
                pass

        with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
            thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
            thread.start()
            self.url = f"http://127.0.0.1:{server.server_port}"
            yield self
            server.shutdown()
            thread.join()

    def answer(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        texts = body["input"] if isinstance(body["input"], list) else [body["input"]]
        vectors = [self.vector(text) for text in texts]
        if path == "/api/embed":
            return {"model": body["model"], "embeddings": vectors}
        data = [
            {"object": "embedding", "index": index, "embedding": vector}
            for index, vector in enumerate(vectors)
        ]
        usage = {"prompt_tokens": 1, "total_tokens": 1}
        return {"object": "list", "data": data, "model": body["model"], "usage": usage}


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    with Server().running() as running:
        yield running


def remote(server: Server, kind: str) -> LlamaIndexEmbedding:
    pytest.importorskip(f"llama_index.embeddings.{kind.replace('-', '_')}")
    suffix = "/v1" if kind == "openai-like" else ""
    model = load(f"{kind}:org/model:small@{server.url}{suffix}")
    model._retry_seconds = 0.001
    return model


@pytest.mark.parametrize("kind", ["openai-like", "ollama"])
class TestServers:
    def test_vectors_come_in_order_with_length_one(self, server: Server, kind: str) -> None:
        model: Embedding = remote(server, kind)
        texts = [UGLY, "", *("x" * length for length in range(100))]
        encoded = model.encode(texts, [[(0, 1)]] * len(texts))
        assert [one.sentences for one in encoded] == [None] * 102
        assert np.linalg.norm([one.vector for one in encoded], axis=1) == pytest.approx(1)
        shares = [float(one.vector[2] / one.vector[0]) * 3 for one in encoded[3:]]
        assert shares == pytest.approx(range(1, 100), rel=1e-5)
        assert model.dimensions == 4
        assert len(server.requests) == 2
        assert {request["model"] for request in server.requests} == {"org/model:small"}
        assert model.encode_query("xx") == pytest.approx(encoded[4].vector)
        assert model.fingerprint == f"{kind}/org/model:small"

    def test_a_busy_server_is_asked_again(self, server: Server, kind: str) -> None:
        server.failures = [(429, "slow down"), (503, "loading"), (500, "oops")]
        assert len(remote(server, kind).encode(["a", "b"])) == 2
        assert len(server.requests) == 4

    @pytest.mark.parametrize(
        ("status", "requests", "told"),
        [
            (400, 1, "rejected the request .400: .*too long"),
            (401, 1, "refused access .401.*OPENAI_API_KEY is not accepted"),
            (404, 1, "was not found .404.*check the model's name"),
            (503, ATTEMPTS, f"answered 503 {ATTEMPTS} times"),
        ],
    )
    def test_what_a_server_refuses(
        self, server: Server, kind: str, status: int, requests: int, told: str
    ) -> None:
        server.failures = [(status, f"too long, by the way: {KEY} is your key")] * 10
        with pytest.raises(EmbeddingError, match=told) as caught:
            remote(server, kind).encode_query("a")
        assert len(server.requests) == requests
        assert KEY not in str(caught.value)
        assert "secret" not in repr(caught.value)
        assert "\n" not in str(caught.value)

    @pytest.mark.parametrize(
        ("vector", "told"),
        [
            ([0.0, 0.0], "zeros, NaN or infinity"),
            ([1.0, float("nan")], "zeros, NaN or infinity"),
            ([], "check that the server runs an embedding model"),
        ],
    )
    def test_nonsense_is_no_vector(
        self, server: Server, kind: str, vector: list[float], told: str
    ) -> None:
        server.vector = lambda _: vector
        with pytest.raises(EmbeddingError, match=told):
            remote(server, kind).encode(["a", "b"])

    def test_vectors_of_different_lengths(self, server: Server, kind: str) -> None:
        model = remote(server, kind)
        server.vector = lambda text: [1.0] * len(text)
        with pytest.raises(EmbeddingError, match="equal vectors"):
            model.encode(["a", "bb"])
        assert model.dimensions == len("dimensions")
        with pytest.raises(EmbeddingError, match="gave vectors of 2 numbers after some of 10"):
            model.encode(["bb"])

    def test_a_server_that_is_down(self, server: Server, kind: str) -> None:
        model = remote(server, kind)
        with Server().running() as gone:
            pass
        down = load(model.name.replace(server.url, gone.url))
        with pytest.raises(EmbeddingError, match=f"cannot be reached; start {gone.url}"):
            down.encode(["a"])

    def test_a_server_that_never_answers(
        self, server: Server, kind: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("assistant.embedding.llamaindex.TIMEOUT_SECONDS", 0.2)
        release = threading.Event()
        server.vector = lambda _: [float(release.wait(30))]
        with pytest.raises(EmbeddingError, match="did not answer in time"):
            remote(server, kind).encode(["a"])
        release.set()


def test_the_key_goes_to_the_server_and_only_there(server: Server) -> None:
    model = remote(server, "openai-like")
    model.encode(["a"])
    assert server.requests[0]["key"] == f"Bearer {KEY}"
    assert KEY not in f"{model!r} {model.name} {model.fingerprint} {vars(model)}".replace(
        repr(vars(model).get("_model")), ""
    )


def test_a_missing_key_is_asked_for(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY")
    server.failures = [(401, "no key")]
    with pytest.raises(EmbeddingError, match="OPENAI_API_KEY is not set: set it to a valid key"):
        remote(server, "openai-like").encode(["a"])


def test_a_programs_own_llamaindex_model() -> None:
    from llama_index.core.base.embeddings.base import BaseEmbedding

    class Letters(BaseEmbedding):
        def _get_text_embedding(self, text: str) -> list[float]:
            return [float(text.count(letter) + 1) for letter in "abc"]

        def _get_query_embedding(self, query: str) -> list[float]:
            return self._get_text_embedding(query)

        async def _aget_query_embedding(self, query: str) -> list[float]:
            return self._get_text_embedding(query)

    model: Embedding = LlamaIndexEmbedding(Letters(model_name="letters"))
    assert model.dimensions == 3
    assert model.encode(["ab", "c"])[0].vector == pytest.approx(np.array([2, 2, 1]) / 3)
    assert "letters" in model.name
    assert "letters" in model.fingerprint
