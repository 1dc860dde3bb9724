"""Make model.onnx from the published weights of all-MiniLM-L6-v2.

    python assistant/embedding/model/build.py UPSTREAM [--float PATH]

UPSTREAM is a folder with the published `model.safetensors` and `tokenizer.json`. Written beside
this script: `model.onnx` (int8) and a copy of `tokenizer.json`. With `--float PATH` only the
float32 twin of the graph is written, to PATH: the peer for measurements. Needs the packages
`onnx` and `onnxruntime`; the result is the same on every run.

How the model is made small and fast without losing what it knows:

* The graph takes ONE text (`ids`, shape (tokens,)) and yields `hidden`, shape (tokens, 384).
  Without a batch there is no padding and no mask, a text's vector cannot depend on its
  companions, and the activations of a text stay in the processor's cache.
* Weights are int8 with one scale for each output column. Activations are quantised while
  running, with one scale for each token: one outlier token does not cost the others precision.
* A few channels of a LayerNorm output are ten times as large as the rest, which is what int8
  suffers from. They are divided by a factor by which the weights are multiplied (SmoothQuant,
  Xiao et al. 2023, arXiv:2211.10438, with alpha .7). The factors come from random wordpieces, so
  that no data set has had a part in it, and are rounded to quarter powers of two, so that the
  last bits of the machine's arithmetic have none either.
* Weights are scaled so that no processor's 16-bit intermediate sums can overflow. The model then
  needs neither a slower mode nor a check of the processor: an emulated Haswell (AVX2, no VNNI)
  gives the vectors of a Sapphire Rapids to 5e-7.
* GELU is never below -.17, so its output is quantised with a zero point of 16, not 128.
* The word embeddings are int8 with a scale for each word.

Mean cosine to the float model, on 32 abstracts cut to 120 tokens: .9948 with one activation scale
for a whole text, .9975 with one for each token, .9992 with smoothing, .9990 without overflow.
"""

import argparse
import hashlib
import json
import os
import shutil
import sys
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

UPSTREAM_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
LAYERS, HEADS, DIMENSIONS, WINDOW = 6, 12, 384, 256
SMOOTHING = 0.7
GELU_FLOOR = 0.17
GELU_ZERO_POINT = 16
CONTRIBUTED = "com.microsoft"

Array = NDArray[np.float32]
Weights = dict[str, Array]


class Graph:
    """An ONNX graph under construction; every method that adds a node returns its output."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.constants: dict[str, onnx.TensorProto] = {}

    def constant(self, name: str, value: object) -> str:
        """Add a constant; a name that is there already is the same constant."""
        self.constants[name] = numpy_helper.from_array(np.ascontiguousarray(value), name)
        return name

    def scalar(self, value: np.generic) -> str:
        """Add a scalar, named after its value."""
        name = f"{value.dtype}:{value}"
        self.constants[name] = numpy_helper.from_array(np.array(value), name)
        return name

    def integers(self, *values: int) -> str:
        """Add a one-dimensional int64 constant, such as a shape or axes."""
        return self.constant("x".join(map(str, values)), np.array(values, np.int64))

    def add(self, operator: str, *inputs: str, domain: str = "", **attributes: Any) -> str:
        """Add a node with one output."""
        return self.add_many(operator, *inputs, outputs=1, domain=domain, **attributes)[0]

    def add_many(
        self, operator: str, *inputs: str, outputs: int, domain: str = "", **attributes: Any
    ) -> list[str]:
        """Add a node with several outputs."""
        names = [f"{operator}_{len(self.nodes)}_{index}" for index in range(outputs)]
        self.nodes.append(helper.make_node(operator, inputs, names, domain=domain, **attributes))
        return names

    def model(self, outputs: dict[str, str]) -> onnx.ModelProto:
        """Close the graph; `outputs` maps the names it is to have to what is in it."""
        self.nodes += [helper.make_node("Identity", [old], [new]) for new, old in outputs.items()]
        graph = helper.make_graph(
            self.nodes,
            "all-MiniLM-L6-v2",
            [helper.make_tensor_value_info("ids", TensorProto.INT64, ["tokens"])],
            [
                helper.make_tensor_value_info(name, TensorProto.FLOAT, ["tokens", DIMENSIONS])
                for name in outputs
            ],
            list(self.constants.values()),
        )
        opsets = [helper.make_opsetid("", 18), helper.make_opsetid(CONTRIBUTED, 1)]
        model = helper.make_model(graph, opset_imports=opsets, ir_version=9)
        onnx.checker.check_model(model)
        return model


def build(weights: Weights, *, peaks: Weights | None, taps: bool = False) -> onnx.ModelProto:
    """Build the encoder: in int8 when the channels' `peaks` are given, else in float32.

    With `taps` the outputs of the LayerNorms are outputs of the graph as well.
    """
    graph = Graph()
    outputs: dict[str, str] = {}

    def norm(x: str, name: str) -> str:
        gain = graph.constant(f"{name}.gain", weights[f"{name}.weight"])
        bias = graph.constant(f"{name}.bias", weights[f"{name}.bias"])
        y = graph.add("LayerNormalization", x, gain, bias, axis=-1, epsilon=1e-12)
        if taps:
            outputs[name] = y
        return y

    def linear(x: str, name: str, matrix: Array, *, source: str = "", gelu: bool = False) -> str:
        if peaks is None:
            return graph.add("MatMul", x, graph.constant(f"{name}.weight", matrix))
        if source:
            factors = smoothing_factors(peaks[source], matrix)
            x = graph.add("Mul", x, graph.constant(f"{name}.smoothing", 1 / factors))
            matrix = matrix * factors[:, None]
        return quantised_linear(graph, x, name, matrix, gelu=gelu)

    x = norm(embeddings(graph, weights, quantised=peaks is not None), "embeddings.LayerNorm")
    source = "embeddings.LayerNorm"
    for layer in range(LAYERS):
        prefix = f"encoder.layer.{layer}."
        matrix, bias = attention_input(weights, prefix)
        y = linear(x, f"{prefix}attention.input", matrix, source=source)
        y = graph.add("Add", y, graph.constant(f"{prefix}attention.input.bias", bias))
        y = attend(graph, y)
        for name, inner in (("attention.output", None), ("output", "intermediate")):
            if inner:
                dense = f"{prefix}{inner}.dense"
                bias_name = graph.constant(f"{dense}.bias", weights[f"{dense}.bias"])
                y = linear(x, dense, weights[f"{dense}.weight"].T, source=source)
                y = graph.add("BiasGelu", y, bias_name, domain=CONTRIBUTED)
            dense, source = f"{prefix}{name}.dense", f"{prefix}{name}.LayerNorm"
            y = linear(y, dense, weights[f"{dense}.weight"].T, gelu=bool(inner))
            y = graph.add("Add", y, graph.constant(f"{dense}.bias", weights[f"{dense}.bias"]))
            x = norm(graph.add("Add", y, x), source)
    return graph.model({"hidden": x, **outputs})


def embeddings(graph: Graph, weights: Weights, *, quantised: bool) -> str:
    """Word, position and token-type embeddings (all tokens are of type 0), summed."""
    table = weights["embeddings.word_embeddings.weight"]
    if quantised:
        scales = (np.abs(table).max(axis=1, keepdims=True) / 127).astype(np.float32)
        codes = graph.constant("words", np.rint(table / scales).astype(np.int8))
        words = graph.add("Cast", graph.add("Gather", codes, "ids"), to=TensorProto.FLOAT)
        word_scales = graph.add("Gather", graph.constant("words.scale", scales), "ids")
        words = graph.add("Mul", words, word_scales)
    else:
        words = graph.add("Gather", graph.constant("words", table), "ids")
    places = weights["embeddings.position_embeddings.weight"][:WINDOW]
    places = places + weights["embeddings.token_type_embeddings.weight"][0]
    zero = graph.integers(0)
    end = graph.add("Shape", "ids")
    return graph.add("Add", words, graph.add("Slice", graph.constant("places", places), zero, end))


def attention_input(weights: Weights, prefix: str) -> tuple[Array, Array]:
    """Query, key and value as one matrix and bias, the query divided by sqrt(head size)."""
    parts = [f"{prefix}attention.self.{name}" for name in ("query", "key", "value")]
    divisor = np.float32(np.sqrt(DIMENSIONS // HEADS))
    factors = np.repeat(np.array([1 / divisor, 1, 1], np.float32), DIMENSIONS)
    matrix = np.concatenate([weights[f"{part}.weight"] for part in parts]).T * factors
    return matrix, np.concatenate([weights[f"{part}.bias"] for part in parts]) * factors


def attend(graph: Graph, x: str) -> str:
    """Let every token attend to every token; in and out are (tokens, channels)."""
    x = graph.add("Reshape", x, graph.integers(-1, 3, HEADS, DIMENSIONS // HEADS))
    x = graph.add("Transpose", x, perm=[1, 2, 0, 3])
    query, key, value = graph.add_many("Split", x, outputs=3, axis=0, num_outputs=3)
    key = graph.add("Transpose", key, perm=[0, 1, 3, 2])
    shares = graph.add("Softmax", graph.add("MatMul", query, key), axis=-1)
    y = graph.add("Transpose", graph.add("MatMul", shares, value), perm=[0, 2, 1, 3])
    return graph.add("Reshape", y, graph.integers(-1, DIMENSIONS))


def quantised_linear(graph: Graph, x: str, name: str, matrix: Array, *, gelu: bool) -> str:
    """Multiply by an int8 matrix; each row of `x` is quantised to uint8 by a scale of its own."""
    last = graph.integers(-1)
    if gelu:
        zero_point = GELU_ZERO_POINT
        peak = graph.add("ReduceMax", x, last, keepdims=1)
        scale = graph.add("Mul", peak, graph.scalar(np.float32(1 / (255 - zero_point))))
        scale = graph.add("Max", scale, graph.scalar(np.float32(GELU_FLOOR / zero_point)))
    else:
        zero_point = 128
        peak = graph.add("ReduceMax", graph.add("Abs", x), last, keepdims=1)
        scale = graph.add("Mul", peak, graph.scalar(np.float32(1 / 127)))
    zero = graph.scalar(np.uint8(zero_point))
    scales = graph.add("Reshape", scale, last)
    zeros = graph.add("Expand", zero, graph.add("Shape", scales))
    codes = graph.add("QuantizeLinear", x, scales, zeros, axis=0)
    column_scales = scales_without_overflow(matrix)
    product = graph.add(
        "MatMulIntegerToFloat",
        codes,
        graph.constant(f"{name}.weight", np.rint(matrix / column_scales).astype(np.int8)),
        graph.scalar(np.float32(1)),
        graph.constant(f"{name}.scale", column_scales),
        zero,
        domain=CONTRIBUTED,
    )
    return graph.add("Mul", product, scale)


def scales_without_overflow(matrix: Array) -> Array:
    """One scale for each column, such that no processor's int8 products can overflow.

    x86 processors without VNNI add the products of two neighbouring rows in 16 bits that saturate.
    Activations are at most 255, so neighbours of one sign may sum up to 128 (255 x 128 < 2^15):
    127 before rounding.
    """
    pairs = matrix.reshape(-1, 2, matrix.shape[1])
    sums = np.maximum(pairs.clip(min=0).sum(axis=1), -pairs.clip(max=0).sum(axis=1))
    scales: Array = (sums.max(axis=0) / 127).astype(np.float32)
    return scales


def smoothing_factors(peaks: Array, matrix: Array) -> Array:
    """What to divide each input channel by, so that activations and weights share the burden."""
    factors = peaks**SMOOTHING / np.abs(matrix).max(axis=1) ** (1 - SMOOTHING)
    exponents = np.log2(factors) - np.log2(factors).mean()
    rounded: Array = np.exp2(np.rint(4 * exponents) / 4).astype(np.float32)
    return rounded


def channel_peaks(weights: Weights, vocabulary: dict[str, int]) -> Weights:
    """The largest magnitude of each channel of each LayerNorm over texts of random wordpieces."""
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"
    import onnxruntime  # type: ignore[import-untyped]

    tapped = build(weights, peaks=None, taps=True).SerializeToString()
    session = onnxruntime.InferenceSession(tapped, providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    words = np.array(sorted(n for word, n in vocabulary.items() if not word.startswith("[")))
    random = np.random.RandomState(0)
    start, end = vocabulary["[CLS]"], vocabulary["[SEP]"]
    peaks: Weights = {}
    for _ in range(24):
        ids = np.array([start, *random.choice(words, 118), end], np.int64)
        for name, values in zip(names, session.run(names, {"ids": ids}), strict=True):
            peak = np.abs(values).max(axis=0)
            peaks[name] = np.maximum(peaks.get(name, peak), peak)
    return peaks


def read_weights(path: Path) -> Weights:
    """Read a safetensors file: a length, a JSON header, and the tensors' bytes."""
    data = path.read_bytes()
    if hashlib.sha256(data).hexdigest() != UPSTREAM_SHA256:
        raise SystemExit(f"{path} is not the published file; its SHA-256 must be {UPSTREAM_SHA256}")
    body = 8 + int.from_bytes(data[:8], "little")
    weights: Weights = {}
    for name, entry in json.loads(data[8:body]).items():
        if entry.get("dtype") == "F32":
            start, end = entry["data_offsets"]
            tensor = np.frombuffer(data[body + start : body + end], np.float32)
            weights[name] = tensor.reshape(entry["shape"])
    return weights


def build_float(upstream: Path, target: Path) -> None:
    """Write the float32 twin of the model."""
    weights = read_weights(upstream / "model.safetensors")
    target.write_bytes(build(weights, peaks=None).SerializeToString(deterministic=True))


def main() -> None:
    """Read the arguments and write what they ask for."""
    parser = argparse.ArgumentParser(description="Make model.onnx from the published weights.")
    parser.add_argument("upstream", type=Path, help="folder of model.safetensors, tokenizer.json")
    parser.add_argument("--float", type=Path, help="write only the float32 twin, to this path")
    arguments = parser.parse_args()
    if arguments.float:
        target = arguments.float
        build_float(arguments.upstream, target)
    else:
        target = Path(__file__).parent / "model.onnx"
        tokenizer = arguments.upstream / "tokenizer.json"
        vocabulary = json.loads(tokenizer.read_text(encoding="utf-8"))["model"]["vocab"]
        weights = read_weights(arguments.upstream / "model.safetensors")
        model = build(weights, peaks=channel_peaks(weights, vocabulary))
        target.write_bytes(model.SerializeToString(deterministic=True))
        shutil.copyfile(tokenizer, target.parent / "tokenizer.json")
    data = target.read_bytes()
    sys.stdout.write(f"{target}: {len(data)} bytes, SHA-256 {hashlib.sha256(data).hexdigest()}\n")


if __name__ == "__main__":
    main()
