"""Make `assistant/answering/words.npz` anew: what the embedded model makes of single words.

    python -m evals.word_table [--dimensions N]

Each plain wordpiece of the model's vocabulary is encoded by itself, as `model2vec` does; the mean
is taken away, the rest turned to its main axes, cut to a few, scaled to length 1 and to bytes. The
file is small and read in milliseconds, where encoding the words of eight passages would take a
second. `assistant.answering.likeness` says what it is for.
"""

import argparse
import json
import re

import numpy as np

from assistant.answering.likeness import TABLE
from assistant.embedding.minilm import MODEL_FOLDER, MiniLM, unit

PLAIN = re.compile(r"(?:##)?[a-z]+")
DIMENSIONS = 96


def main() -> None:
    """Write the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--dimensions", type=int, default=DIMENSIONS)
    arguments = parser.parse_args()
    tokenizer = json.loads((MODEL_FOLDER / "tokenizer.json").read_text(encoding="utf-8"))
    vocabulary = tokenizer["model"]["vocab"]
    words = sorted(word for word in vocabulary if PLAIN.fullmatch(word))
    session = MiniLM()._loaded().session
    outside = [vocabulary["[CLS]"], vocabulary["[SEP]"]]
    vectors = np.stack(
        [
            session.run(None, {"ids": np.array([outside[0], vocabulary[word], outside[1]])})[
                0
            ].mean(0)
            for word in words
        ]
    )
    whole = [len(word) > 2 and word.isalpha() for word in words]
    centred = vectors - vectors[whole].mean(axis=0)
    axes = np.linalg.svd(centred[whole], full_matrices=False)[2]
    table = np.rint(127 * unit(centred @ axes[: arguments.dimensions].T)).astype(np.int8)
    np.savez_compressed(
        TABLE, words=np.frombuffer("\n".join(words).encode(), np.uint8), table=table
    )
    print(f"{len(words)} wordpieces, {table.shape[1]} dimensions, {TABLE.stat().st_size} bytes")


if __name__ == "__main__":
    main()
