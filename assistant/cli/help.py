"""What `--help` says: of the whole, and of each command what it does, with examples."""

from textwrap import indent

DESCRIPTION = "Ask your documents; every sentence of the answer is cited and checked."

EPILOG = """\
begin with these three:
  assistant sync FOLDER           index the documents in a folder (the shipped examples if none)
  assistant ask "QUESTION"        an answer from them, with sources and verdicts, or a refusal
  assistant status                what is indexed, and which files could not be read

examples:
  assistant sync ~/papers --index indexes/papers
  assistant ask "Who signed it, and when?" --index indexes/papers
  assistant ask "Who signed it?" --within 2024/ minutes.pdf --json
  assistant search "payment systems" --limit 5
  assistant check draft.md --against ~/papers
  assistant chat                  a conversation on the terminal
  assistant serve                 the same in a page, over HTTP and MCP
  assistant eval                  measure the answers, and what they are worth
  assistant calibrate CASES       fit confidence and refusals to your documents
  assistant models                language models that could write the answers: list, and try

Every command has its own help: assistant COMMAND --help

exit codes:
  0   fine; an answer that refuses ("the documents do not say") is fine too
  1   an error, told in one line with its remedy; or some files could not be read or mended
  2   the command was not understood
  130 stopped from the keyboard

Results go to standard output, progress and errors to standard error.
Settings: assistant.toml in the working folder, or ASSISTANT_INDEX, ASSISTANT_EMBEDDING and so on.
"""

SYNC = """\
Bring the index in step with a folder: new and changed files are read, files that are gone are
removed, the rest is left alone. A file that cannot be read is named with the reason and the
remedy; its earlier version stays, the others are indexed, and the exit code is 1. Stopped at any
moment, the same command goes on where it was.
"""
SYNC_EXAMPLES = """\
examples:
  assistant sync                  the folder of the index; for a new index, the shipped examples
  assistant sync ~/papers         another folder
  assistant sync ~/papers --dry-run
  assistant sync --rebuild        read everything anew, e.g. after choosing another model
"""

ASK = """\
Answer a question from the indexed documents alone. Each sentence is cited and was checked against
its source: quoted (word for word), supported, weak or unsupported. If the documents do not hold
the answer, the reply says so, and that is not an error.
"""
ASK_EXAMPLES = """\
examples:
  assistant ask "How long will the treaty last?"
  assistant ask "Who spoke of SWIFT?" --within statements/ overview.md
  assistant ask "What changed?" --type pdf docx --since 2024-01-01 --json
  assistant ask "What do both reports say of SWIFT?" --model ollama:qwen3:4b

--json prints one object: question, search_query, text, refused, confidence,
sentences [{text, verdict, citations, reason, lead}],
citations [{number, source, title, page, page_end, heading, sheet, row, start, end, quote,
content_hash, passage, passage_start, score, cosine, dense_rank, lexical_rank, lexical_score,
matched, why}], model, timings, closest [hits as of assistant search --json], choices, unclear,
searches, model_calls, notice.
A heading is the list of headings above the quote, outermost first; start and end count characters
in the document's text. closest is filled if refused. Where choices is filled, the text asks which
of these is meant by the words in unclear. notice is what the reader must know beside the answer,
such as that the language model failed and the documents' own sentences stand in.
"""

SEARCH = """\
Find the passages that fit a query best, by meaning and by words, each with the reason it is there.
"""
SEARCH_EXAMPLES = """\
examples:
  assistant search SWIFT
  assistant search "payment systems" --limit 3 --within reports/
  assistant search sanctions --type pdf --json
"""

STATUS = """\
Tell what the index is and holds: its folder, model and size, every document, and the files that
could not be read at the last sync.
"""
STATUS_EXAMPLES = """\
examples:
  assistant status
  assistant status --json         all documents, however many
"""

DOCTOR = """\
Look at everything that can go wrong with an index, thoroughly. The search indexes can be mended;
the catalog is the truth, from which they are built. The exit code is 1 if something is wrong.
"""
DOCTOR_EXAMPLES = """\
examples:
  assistant doctor
  assistant doctor --mend
"""

CHECK = """\
Judge each sentence of any text by the sources you name: quoted, supported, weak or unsupported,
with the place that bears it out or contradicts it. Needs no index. Unsupported sentences are a
result, not an error.
"""
CHECK_EXAMPLES = """\
examples:
  assistant check draft.md --against sources/ minutes.pdf
  pbpaste | assistant check - --against report.docx --json
"""

CHAT = """\
Hold a conversation: follow-ups ("And when did it end?") are understood in the light of what was
asked before, and what was searched is shown where it differs. Answers come sentence by sentence,
each with its verdict, and with numbered sources.

The conversation is kept in the index only from /save (or --resume) on, and every later turn at
once. Ctrl-C stops the present answer; Ctrl-C again, or Ctrl-D, leaves. When standard input is not
a terminal, each line is a question (or a command), answered in plain text, and the first error
ends it.
"""
CHAT_COMMANDS = """\
/sources [N]      the sources of the last answer, or the whole passage of one
/search QUERY     ask the last question again, searching this
/retry            ask the last question again
/history          what was asked and answered so far
/save [TITLE]     keep the conversation in the index from now on; or give it another title
/export FILE      write it as Markdown with footnotes
/good, /bad [WHY] rate the last answer (keeps the conversation; see assistant feedback)
/new              begin another conversation
/help, /quit
"""
CHAT_EXAMPLES = f"""\
while chatting:
{indent(CHAT_COMMANDS, "  ")}
examples:
  assistant chat
  assistant chat --within reports/2024/ --type pdf
  assistant chat --model gguf:~/models/qwen3-4b.gguf
  assistant chat --resume ID      go on with one that was kept: assistant conversations
  printf 'Who signed it?\\nWhen?\\n' | assistant chat --json

--json prints one object a turn, each on a line: the fields of assistant ask --json, and
conversation, the id if it is kept.
"""

CONVERSATIONS = """\
List the conversations that are kept in the index, those changed last first; print one as Markdown
with footnotes, or delete one. Those that people keep in the page are among them.
"""
CONVERSATIONS_EXAMPLES = """\
examples:
  assistant conversations
  assistant conversations --export ID > treaty.md
  assistant conversations --delete ID

to go on with one: assistant chat --help
"""

FEEDBACK = """\
Print every answer that was rated, one JSON object a line: the cases of an eval set. What was rated
good has its sources and quotes as the right ones; of what was rated bad, what would have been
right is left for you to fill in.
"""
FEEDBACK_EXAMPLES = """\
examples:
  assistant feedback > rated.jsonl

fields: id, question, answerable, answers, sources, tags, rating, comment, history, answer
"""

EVAL = """\
Ask every case of an eval set, and tell whether the answers can be trusted: whether they are right
and borne out by their sources, whether what the documents do not say is refused, what the
confidence is worth, what the search finds, and how long it takes. Each figure has its 95 % interval
and the number of cases it is over. A case that crashes is told, and is not the end.

CASES has a JSON object a line, documented in evals/cases/README.md; without it, the cases of the
shipped examples are taken where the index is of these. Conversations are asked with their history.
With --out (or --html), a run that is stopped goes on where it was when it is started again.

With --self-test the metrics themselves are measured. Good answers (the documents' own words; what
the cases accept) are made bad: a number, name, date, unit, comparison or negation is swapped, a
sentence invented, another question's answer put in their place; and each metric must score 95 % of
them below the good ones, while changes of no consequence cost it little. The exit code is 1, and
the metric is named, if it does not.
"""
EVAL_EXAMPLES = """\
examples:
  assistant eval --make draft.jsonl --cases 50    draft cases from your documents, to be corrected
  assistant eval cases.jsonl --tags
  assistant eval cases.jsonl --out now.json --html now.html --baseline before.json
  assistant eval cases.jsonl --fail-under faithfulness=0.98,accepted=0.9,false_refusals=0.1
  assistant eval cases.jsonl --baseline baseline.json --most-drop 0.005
  assistant eval cases.jsonl --out baseline.json --no-texts       make a baseline, or renew it
  assistant eval --self-test                      can the metrics tell good from bad?
  assistant eval cases.jsonl --model ollama:qwen3:4b --judge openai-like:M@http://localhost:1234/v1

metrics for --fail-under (at least; at most where less is better):
  accepted right exact_match token_f1 rouge_l question_likeness
  faithfulness groundedness citation_recall citation_precision
  citation_recall_by_model judge_agreement             with --judge
  refusal_precision refusal_recall refusal_f1 false_refusals (at most)
  calibration_error risk_coverage_area                 at most
  recall@5 recall@10 precision@5 mrr map ndcg@10 context_precision context_recall
  seconds_p50 seconds_p90 seconds_p99 seconds_max      at most

--out writes JSON lines. The first is what was run: eval (1, the format), cases, threads, seconds,
made_at, version, code (a hash of the program), git, model, settings, calibration, prompts,
embedding, index, judge, outcomes, notices, and the figures (overall, dev, test, tags). Then a line
a case: case_key
(changes with the case), case (as in CASES), id, key (changes with the case and with what was run),
half, cluster, tags, answerable, answer (as assistant ask --json), refused, confidence, scores,
groundedness (of each sentence), reasons, seconds, error. With --no-texts, only what is compared.
--json prints the first line, compared (with --baseline) and problems (why the exit code is 1).
"""

CALIBRATE = """\
Ask the cases of an eval set, and fit to them what a confidence comes to on your documents: the
probability that they hold the answer. The threshold below which is refused is chosen so that no
more than --false-refusals of the answerable questions are. Both are kept in the index, and used by
every answer from then on; a sync keeps them, a rebuild with another embedding model drops them.

What it is worth is told for cases that it was not fitted to: the cases are parted into five, whole
conversations and documents together, and each part is judged by what was fitted to the others. At
least 30 cases are needed, 8 of them answerable and 8 not. The confidence holds for questions of
which as many can be answered as in the cases, so that these should be such as your readers ask. No
language model has a part in it. A refusal_threshold that is set goes before the one kept.
"""
CALIBRATE_EXAMPLES = """\
examples:
  assistant calibrate cases.jsonl --dry-run
  assistant calibrate cases.jsonl --false-refusals 0.05
  assistant calibrate cases.jsonl --half dev      then: assistant eval cases.jsonl --half test
  assistant calibrate --forget

--json prints one object: kept, calibration {method, threshold, knots, model, cases, unanswerable,
cases_hash, fitted_at, wanted, figures}, as_shipped and calibrated, each with figures by name
{value, cases, low, high} and reliability [{low, high, cases, confidence, share}].
"""

MODELS = """\
List the language models that this machine can reach, by the names that the setting "model" and the
option --model take, and try the one that is set and, for five seconds each and without keys, the
first of each server here; or try those that are named. A trial is one short question: it tells how
soon the first word comes and how fast the others, or what is wrong and what to do about it. The
exit code is 1 if the one that is set, or one that is named, does not work.

Without a language model (extractive, the default) answers are made of the documents' own sentences.
With one they are its own words, and each sentence is checked against the documents all the same.
"""
MODELS_EXAMPLES = """\
names:
  extractive                      no language model; always works
  gguf:PATH                       a model file on this machine (pip install 'cited-assistant[gguf]')
  ollama:MODEL                    Ollama on this machine, or where OLLAMA_HOST says
  openai-like:MODEL@URL           LM Studio, llama.cpp, vLLM, OpenAI, ...: any compatible server
  anthropic:MODEL                 Anthropic

examples:
  assistant models                what there is, and what of it works
  assistant models gguf:~/models/qwen3-4b.gguf
  assistant models ollama:qwen3:4b openai-like:qwen3-4b@http://localhost:1234/v1
  OPENAI_API_KEY=... assistant models openai-like:gpt-5-mini@https://api.openai.com/v1
  ANTHROPIC_API_KEY=... assistant models anthropic:claude-haiku-4-5

to use one: assistant ask "QUESTION" --model NAME, or model = "NAME" in assistant.toml, or
ASSISTANT_MODEL=NAME. Keys are read from the environment only, and never stored. Listing asks only
addresses of this machine; what is asked of a model goes to where its name says, with the passages
that were found for it.
"""

SERVE = """\
Serve the chat page, the HTTP API and MCP from one address, until stopped with Ctrl-C. By default
that is http://127.0.0.1:7860, which only this machine can reach, and nobody has to log in.

  /                      the chat page
  /v1/ask, /v1/search, /v1/check, /v1/documents, /v1/conversations, /v1/sync
                         the HTTP API; /openapi.json describes all of it
  /v1/chat/completions   the same for clients of the OpenAI API
  /mcp                   the Model Context Protocol, over streamable HTTP
  /healthz, /readyz      whether it runs, and whether it can answer
  /metrics               figures for Prometheus
"""
SERVE_EXAMPLES = """\
examples:
  assistant serve
  assistant serve --index indexes/papers --port 8080
  assistant serve --model openai-like:qwen3-4b@http://localhost:1234/v1

to open it to others, name the users (each line of the file has a name, and a password as a hash):
  assistant user anna --file users.txt
  assistant serve --host 0.0.0.0 --auth users.txt

The page then asks for name and password; programs send a token as "Authorization: Bearer TOKEN":
  assistant user anna --file users.txt --token

What is sent is not encrypted; put a reverse proxy with TLS before it where others can listen.
--no-auth lets everybody in who can reach the address: only where something else stands guard.
"""

USER = """\
Add a user to the file that assistant serve --auth reads, or give one another password. The password
is asked for, or read from standard input; the file holds only its hash.
"""
USER_EXAMPLES = """\
examples:
  assistant user anna --file users.txt
  assistant user anna --file users.txt --token     make a token for a program; it is shown once
  assistant user anna --file users.txt --remove
"""

MCP = """\
Offer the tools ask, search, check and list_documents to another program's model, over the Model
Context Protocol on standard input and output. Such programs start this command themselves; what
they want to know is in the examples. It reads the index and changes nothing. (Over HTTP: the
address of assistant serve, with /mcp.)
"""
MCP_EXAMPLES = """\
examples:
  assistant mcp --index indexes/papers

in the configuration of the client (in many programs a file with "mcpServers"), with full paths:
  {
    "mcpServers": {
      "papers": {
        "command": "assistant",
        "args": ["mcp", "--index", "/home/anna/indexes/papers"]
      }
    }
  }
"""
