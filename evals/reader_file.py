"""The reader's weights become the file that the package carries: int8, for onnxruntime.

The graph is that of the embedded model (`assistant/embedding/model/build.py` has the reasons), with
an embedding for whether a wordpiece is of the question or of the passage, a mean over the
wordpieces of each sentence, and the head. One text at a time.
"""

import hashlib
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import onnx
from onnx import TensorProto, helper

from assistant.answering.reader import FILE, WINDOW
from assistant.embedding.model.build import (
    CONTRIBUTED,
    Graph,
    Weights,
    attend,
    attention_input,
    quantised_linear,
    smoothing_factors,
)

if TYPE_CHECKING:
    from evals.reader import Example, Passage

LAYERS, DIMENSIONS = 6, 384
# Of how many held-out questions the channels' peaks are taken.
LOOKED_AT = 200


def build(weights: Weights, passages: "Sequence[Passage]") -> None:
    """Write the package's file; `passages` tell how large the channels become."""
    import tokenizers

    from evals.reader import TOKENIZER, example

    tokenizer = tokenizers.Tokenizer.from_file(str(TOKENIZER))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    chosen = [
        example(tokenizer, question, passage.title, passage.sentences, ())
        for passage in passages
        for question, _ in passage.questions
    ][:LOOKED_AT]
    data = graph(weights, peaks=channel_peaks(weights, chosen)).SerializeToString(
        deterministic=True
    )
    FILE.write_bytes(data)
    print(f"{FILE}: {len(data)} bytes, SHA-256 {hashlib.sha256(data).hexdigest()}")


def graph(weights: Weights, *, peaks: Weights | None, taps: bool = False) -> onnx.ModelProto:
    """Build the graph: in int8 when the channels' `peaks` are given, else in float32.

    With `taps` the outputs of the LayerNorms are outputs of the graph as well.
    """
    made = Graph()
    outputs: dict[str, str] = {}

    def constant(name: str) -> str:
        return made.constant(name, weights[name])

    def norm(x: str, name: str) -> str:
        gain, bias = constant(f"{name}.weight"), constant(f"{name}.bias")
        y = made.add("LayerNormalization", x, gain, bias, axis=-1, epsilon=1e-12)
        if taps:
            outputs[name] = y
        return y

    def linear(
        x: str, name: str, matrix: np.ndarray, *, source: str = "", gelu: bool = False
    ) -> str:
        if peaks is None:
            return made.add("MatMul", x, made.constant(f"{name}.weight", matrix))
        if source:
            factors = smoothing_factors(peaks[source], matrix)
            x = made.add("Mul", x, made.constant(f"{name}.smoothing", 1 / factors))
            matrix = matrix * factors[:, None]
        return quantised_linear(made, x, name, matrix, gelu=gelu)

    table = weights["words"]
    if peaks is None:
        words = made.add("Gather", made.constant("words", table), "ids")
    else:
        scales = (np.abs(table).max(axis=1, keepdims=True) / 127).astype(np.float32)
        codes = made.constant("words", np.rint(table / scales).astype(np.int8))
        words = made.add("Cast", made.add("Gather", codes, "ids"), to=TensorProto.FLOAT)
        word_scales = made.add("Gather", made.constant("words.scale", scales), "ids")
        words = made.add("Mul", words, word_scales)
    places = made.constant("places", weights["places"][:WINDOW])
    x = made.add("Slice", places, made.integers(0), made.add("Shape", "ids"))
    x = made.add("Add", words, x)
    x = made.add("Add", x, made.add("Gather", made.constant("kind", weights["kinds"]), "kinds"))
    source = "norm"
    x = norm(x, source)
    for layer in range(LAYERS):
        name = f"layer.{layer}"
        # The embedded model's functions know these weights by their published names.
        parts = {
            f"{name}.attention.self.{part}.{kind}": weights[f"{name}.{part}.{kind}"]
            for part in ("query", "key", "value")
            for kind in ("weight", "bias")
        }
        matrix, bias = attention_input(parts, f"{name}.")
        y = linear(x, f"{name}.attention", matrix, source=source)
        y = attend(made, made.add("Add", y, made.constant(f"{name}.attention.bias", bias)))
        y = linear(y, f"{name}.attended", weights[f"{name}.attended.weight"].T)
        y = made.add("Add", y, constant(f"{name}.attended.bias"))
        source = f"{name}.attended.norm"
        x = norm(made.add("Add", y, x), source)
        y = linear(x, f"{name}.inner", weights[f"{name}.inner.weight"].T, source=source)
        y = made.add("BiasGelu", y, constant(f"{name}.inner.bias"), domain=CONTRIBUTED)
        y = linear(y, f"{name}.outer", weights[f"{name}.outer.weight"].T, gelu=True)
        y = made.add("Add", y, constant(f"{name}.outer.bias"))
        source = f"{name}.outer.norm"
        x = norm(made.add("Add", y, x), source)
    outputs = {"logits": head(made, x, weights), **outputs}
    made.nodes += [helper.make_node("Identity", [old], [new]) for new, old in outputs.items()]
    shapes = {"logits": ["sentences and none"]}
    finished = helper.make_graph(
        made.nodes,
        "reader",
        [
            helper.make_tensor_value_info("ids", TensorProto.INT64, ["tokens"]),
            helper.make_tensor_value_info("kinds", TensorProto.INT64, ["tokens"]),
            helper.make_tensor_value_info("shares", TensorProto.FLOAT, ["sentences", "tokens"]),
        ],
        [
            helper.make_tensor_value_info(
                name, TensorProto.FLOAT, shapes.get(name, ["tokens", DIMENSIONS])
            )
            for name in outputs
        ],
        list(made.constants.values()),
    )
    opsets = [helper.make_opsetid("", 18), helper.make_opsetid(CONTRIBUTED, 1)]
    model = helper.make_model(finished, opset_imports=opsets, ir_version=9)
    onnx.checker.check_model(model)
    return model


def head(made: Graph, x: str, weights: Weights) -> str:
    """None's log-odds and those of each sentence, as one row."""
    sentences = made.add("MatMul", "shares", x)
    axis = made.constant("first axis", np.array([0], np.int64))
    whole = made.add("Slice", x, made.integers(0), made.integers(1), axis)
    matrix = weights["head.inner.weight"].T
    own = made.add("MatMul", sentences, made.constant("head.own", matrix[:DIMENSIONS]))
    all_of_it = made.add("MatMul", whole, made.constant("head.whole", matrix[DIMENSIONS:]))
    bias = made.constant("head.inner.bias", weights["head.inner.bias"])
    inner = made.add("BiasGelu", made.add("Add", own, all_of_it), bias, domain=CONTRIBUTED)
    found = []
    for name, y in (("none", whole), ("answers", inner)):
        y = made.add("MatMul", y, made.constant(f"head.{name}", weights[f"head.{name}.weight"].T))
        found.append(
            made.add("Add", y, made.constant(f"head.{name}.bias", weights[f"head.{name}.bias"]))
        )
    return made.add("Reshape", made.add("Concat", *found, axis=0), made.integers(-1))


def channel_peaks(weights: Weights, chosen: "Sequence[Example]") -> Weights:
    """The largest magnitude of each channel of each LayerNorm over some examples."""
    import onnxruntime

    data = graph(weights, peaks=None, taps=True).SerializeToString()
    session = onnxruntime.InferenceSession(data, providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs() if output.name != "logits"]
    peaks: Weights = {}
    for one in chosen:
        shares = np.zeros((len(one.spans), len(one.ids)), np.float32)
        for row, (start, end) in enumerate(one.spans):
            shares[row, start:end] = 1 / (end - start)
        inputs = {"ids": np.array(one.ids), "kinds": np.array(one.kinds), "shares": shares}
        for name, values in zip(names, session.run(names, inputs), strict=True):
            peak = np.abs(values).max(axis=0)
            peaks[name] = np.maximum(peaks.get(name, peak), peak)
    return peaks
