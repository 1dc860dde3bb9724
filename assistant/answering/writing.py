"""A language model writes the answer; each of its sentences is checked as soon as it is there."""

import re
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field, replace
from functools import partial

from assistant.answering.answer import Citation, Draft, Piece
from assistant.answering.composing import Weighed
from assistant.answering.marks import Manuscript, Written
from assistant.answering.orders import about_orders, is_order
from assistant.answering.prompting import TOKENS_PER_TOKEN, messages
from assistant.answering.proving import Proof, Prover
from assistant.answering.statements import Statement
from assistant.answering.telling import Telling
from assistant.answering.waiting import meanwhile
from assistant.documents import Document
from assistant.embedding.embedding import Vectors
from assistant.grounding.judging import Judge
from assistant.grounding.words import tokens
from assistant.models import Calls
from assistant.settings import Settings
from assistant.tokens import count_tokens

# "The documents do not say.", and how models put it in their own words.
DECLINED = re.compile(
    r"(?:(?:i am|i'm|we are) sorry\W+|unfortunately\W+|sorry\W+)?(?:but )?"
    r"(?:the|these|those|none of the|your) (?:\w+ ){0,2}?"
    r"(?:documents?|passages?|sources?|texts?|context|information)(?: \w+){0,2}? "
    r"(?:(?:do(?:es)?|did) ?(?:not|n't)|don't|doesn't) (?:\w+ )?"
    r"(?:say|tell|mention|contain|provide|state|specify|include|hold|answer|give|indicate)\b"
    # What comes after "but" is an answer.
    r"(?:(?!\b(?:but|however|although|though)\b).)*"
    r"|(?:sorry\W+|unfortunately\W+|as an ai\b[^,]*\W+)?"
    r"(?:i (?:do not|don't|cannot|can't|could not|couldn't|am (?:not able|unable) to) "
    r"(?:know|say|tell|find|answer|determine|help|see)\b"
    r"|there is no (?:information|mention|answer|data)\b"
    r"|no (?:information|answer|mention)\b.{0,60}\b(?:found|given|provided|available)\b)"
    r"(?:(?!\b(?:but|however|although|though)\b).)*",
    re.IGNORECASE | re.DOTALL,
)
# What is said to whoever asks, and not about the documents.
CHAT = re.compile(
    r"sure\W*|(?:great|good) question\W*|i hope (?:this|that|it) (?:helps|answers)\b.{0,80}"
    r"|(?:please )?(?:let me know|feel free to)\b.{0,120}|as an ai\b.{0,120}"
    r"|(?:sure\W+)?here(?:'s| is| are)\b.{0,80}:",
    re.IGNORECASE,
)
HERE_IS = re.compile(
    r"^(?:sure\W+)?here(?:'s| is| are) (?:the|a|an|your|my)\b[^:.]{0,60}:\s+(?=\S)", re.I
)
ASSENT = re.compile(r"(?:yes|no)\b", re.IGNORECASE)
AN_ORDER = "it gives an order to a language model, which is nothing that an answer says"
UNPROVABLE = "that the documents do not say something is not to be found in a passage"
# Drafts are told no more often than this.
DRAFT_SECONDS = 0.05
# A model that says the same so often again is stopped.
MOST_REPEATS = 3
SENTENCE_END = re.compile(r"[.!?…:。！？؟][\"'”’»)\]]*$")


@dataclass
class Writing:
    """One answer by a language model, and what became of its sentences.

    Attributes:
        weighed: The question, and the passages to answer from.
        telling: Where the sentences go that are told.
        calls: The model, and how often it may still be asked; once for this.
        settings: What becomes of unsupported sentences, and how long the answer may be.
        document: The whole of an indexed document, by source.
        encode: A sentence's vector, from the model that made those of the passages.
        judge: Asked for a second opinion on weak sentences, or None.
        left_out: Unsupported sentences that were dropped.
        replaced: Unsupported sentences in whose place the document's own stand.
        cut: Whether the answer was cut off within a sentence, which is left out.
    """

    weighed: Weighed
    telling: Telling
    calls: Calls
    settings: Settings
    document: Callable[[str], Document | None]
    encode: Callable[[str], Vectors]
    judge: Judge | None = None
    left_out: int = 0
    replaced: int = 0
    cut: bool = False
    _said: set[str] = field(default_factory=set)
    _repeats: int = 0
    _before: str = ""  # what says nothing by itself ("Yes."), and goes with the next sentence
    _declined: Written | None = None
    _lead: str = ""
    _quotable: bool = False  # orders to language models are what is asked about

    @property
    def notice(self) -> str:
        """What the reader must know of what became of the sentences; mostly nothing."""
        told = []
        if self.left_out:
            were = "1 sentence" if self.left_out == 1 else f"{self.left_out} sentences"
            told.append(f"{were} that the documents do not bear out {_was(self.left_out)} left out")
        if self.replaced:
            were = "1 sentence" if self.replaced == 1 else f"{self.replaced} sentences"
            who = "they" if self.left_out else "the documents"
            told.append(f"{were} that {who} do not bear out {_was(self.replaced)} replaced")
        if self.cut:
            told.append(f"the answer was cut at answer_tokens ({self.settings.answer_tokens})")
        text = "; ".join(told)
        return f"{text[:1].upper()}{text[1:]}." if text else ""

    @property
    def assent(self) -> str:
        """A "Yes." or "No." that was all that the model wrote; else empty."""
        return self._before if not self.telling.sentences and ASSENT.match(self._before) else ""

    def write(self, question: str) -> Iterator[Draft | Piece]:
        """Ask the model, and tell its sentences as they come.

        Nothing is told if the model says that the documents do not hold the answer.

        Raises:
            ModelError: The model failed; what was told until then holds.
        """
        self._quotable = about_orders(question)
        asked, given = messages(
            question,
            self.weighed.readings[: self.settings.model_passages],
            context=self.calls.model.context,
            most_tokens=self.settings.answer_tokens,
            about_orders=self._quotable,
            prompts=self.settings.prompts,
        )
        passages = self.weighed.readings[:given]
        prover = Prover(passages, judge=self.judge)
        manuscript = Manuscript(known=[one.evidence.text for one in passages])
        length, draft, told = 0, "", 0.0
        reply = self.calls.write(asked, most_tokens=self.settings.answer_tokens)
        with closing(reply):  # type: ignore[type-var]
            for words in reply:
                if words is None:  # the last words may not have been told yet
                    draft = manuscript.draft
                    told = time.monotonic() if draft else 0.0
                    yield Draft(draft)
                    continue
                length += count_tokens(words)
                for written in manuscript.feed(words):
                    yield from self._tell(written, prover)
                    draft, told = "", 0.0
                if time.monotonic() - told >= DRAFT_SECONDS and (now := manuscript.draft) != draft:
                    draft, told = now, time.monotonic()
                    yield Draft(draft)
                if self._repeats >= MOST_REPEATS:
                    return
        for written in manuscript.end():
            # Of a reply as long as it may be, a last sentence without an end is a part of one.
            if length * TOKENS_PER_TOKEN >= self.settings.answer_tokens and not SENTENCE_END.search(
                written.text
            ):
                self.cut = True
                break
            yield from self._tell(written, prover)

    def _tell(self, written: Written, prover: Prover) -> Iterator[Draft | Piece]:
        """Tell a sentence, if it says something that was not said before."""
        said = " ".join(token.folded for token in tokens(written.text) if token.kind != "mark")
        if said in self._said:
            self._repeats += bool(said)
            return
        self._repeats = 0
        self._said.add(said)
        if CHAT.fullmatch(written.text):
            return
        written = written._replace(text=HERE_IS.sub("", written.text, count=1))
        if _says_nothing(written.text):
            self._before = f"{self._before} {written.text}".strip()
            return
        if DECLINED.fullmatch(written.text) and not prover.denied(
            written.text, vector=self.encode(written.text)
        ):
            # By itself it is a refusal; beside other sentences it is a remark.
            if not self.telling.sentences and self._declined is None:
                self._declined = written
                return
            yield self._remark(written)
            return
        if self._declined is not None:
            declined, self._declined = self._declined, None
            yield self._remark(declined)
        if self._before:
            written = written._replace(text=f"{self._before} {written.text}")
            self._before = ""
        told = self.telling.sentences
        prove = partial(
            prover.prove,
            written,
            vector=self.encode(written.text),
            before=told[-1].text if told else "",
        )
        # Another model may take its time over its opinion.
        waiting = self.judge is not None
        proof = (
            (yield from meanwhile(prove, self.calls, draft=written.text)) if waiting else prove()
        )
        if not self._quotable and is_order(written.text):
            verdict = replace(proof.verdict, label="unsupported", reason=AN_ORDER)
            proof = Proof(verdict, [], None)
        # The line break before a sentence that is left out stands before the next one.
        lead = written.lead if "\n" in written.lead or not self._lead else self._lead
        self._lead = ""
        if proof.verdict.label == "unsupported" and self.settings.unsupported != "mark":
            own = self._own(proof)
            if own is None:
                self.left_out += 1
                self._lead = lead if "\n" in lead else ""
                return
            self.replaced += 1
            yield self.telling.tell(
                own.text, verdict="quoted", cited=[self._citation(own)], lead=lead
            )
            return
        yield self.telling.tell(
            written.text,
            verdict=proof.verdict.label,
            cited=[self._citation(one) for one in proof.cited],
            reason=proof.verdict.reason,
            lead=lead,
        )

    def _own(self, proof: Proof) -> Statement | None:
        """The passage's own sentence in place of an unsupported one, if it is to be replaced."""
        own = proof.nearest if self.settings.unsupported == "replace" else None
        if own is None or self.telling.tells(self._citation(own)):
            return None
        return own

    def _citation(self, statement: Statement) -> Citation:
        return statement.citation(0, document=self.document)

    def _remark(self, written: Written) -> Piece:
        return self.telling.tell(
            written.text, verdict="weak", cited=[], reason=UNPROVABLE, lead=written.lead
        )


def _says_nothing(text: str) -> bool:
    """Whether a sentence holds nothing to check: "Yes.", "In short:"."""
    content = sum(token.content for token in tokens(text))
    return not content or (content == 1 and text.endswith(":"))


def _was(count: int) -> str:
    return "was" if count == 1 else "were"
