"""How much is done at the same time, through all doors together."""

from anyio import CapacityLimiter

# Answers that are made at the same time. More would share two processors no better, as Python
# takes turns: with 50 people asking, the server spent 25 ms of a processor on a question with 2
# at a time, 26 with 4 and 28 with 8, and p95 was 1.24, 1.27 and 1.40 s (`evals.server`).
ASKING_AT_ONCE = 4
# Where a language model writes elsewhere, most of an answer's time is waiting for its words; one in
# a file works on these same processors.
WAITING_AT_ONCE = 32
CHECKING_AT_ONCE = 2  # it may take long
DRAWING_AT_ONCE = 2  # one process draws all pages; a page may take seconds


class Limits:
    """Whoever comes when a limit is reached waits for their turn; other work goes on meanwhile."""

    def __init__(self, *, writer: str = "extractive") -> None:
        """Limits for answers that this writes; see `Assistant.writer`."""
        here = writer == "extractive" or writer.startswith("gguf:")
        self.asking = CapacityLimiter(ASKING_AT_ONCE if here else WAITING_AT_ONCE)
        self.checking = CapacityLimiter(CHECKING_AT_ONCE)
        self.drawing = CapacityLimiter(DRAWING_AT_ONCE)
