"""E-mail messages."""

import re
from email import message_from_bytes, policy
from email.message import EmailMessage

from assistant.documents.builder import Builder
from assistant.documents.cleaning import one_line
from assistant.documents.days import day_of
from assistant.documents.encodings import declared_encoding, decode

_HEADERS = ("From", "To", "Cc", "Date")
# The marks of what is quoted from earlier messages: "> > Dear all,".
_QUOTED = re.compile(r"^(?:>[ \t]?)+", re.MULTILINE)
_ABOVE_QUOTE = re.compile(r"^([^>\r\n].*)\n(?=>)", re.MULTILINE)
_TELLING = ("From", "To", "Subject", "Date", "Received", "Message-ID", "MIME-Version")


def read_mail(data: bytes, builder: Builder) -> None:
    """Read a message: subject, who wrote to whom and when, and its text; attachments by name."""
    message = message_from_bytes(data, policy=policy.default)
    if not any(name in message for name in _TELLING):
        reason = "its name ends in .eml, but it has no e-mail headers"
        raise builder.failure("wrong-extension", reason)
    if message.get_content_type() == "multipart/encrypted":
        remedy = "decrypt it in your mail program and save it from there"
        raise builder.failure("encrypted", "the message is encrypted", remedy)
    subject = _header(message, "Subject")
    builder.call_it(subject)
    builder.date = day_of(_header(message, "Date"))
    builder.heading(subject, 1)
    lines = [f"{name}: {value}" for name in _HEADERS if (value := _header(message, name))]
    builder.add("\n".join(lines))
    before = len(builder.blocks)
    body = message.get_body(preferencelist=("plain", "html"))
    if isinstance(body, EmailMessage) and not body.is_multipart():
        _add_body(body, builder)
    names = [one_line(part.get_filename() or "") for part in message.iter_attachments()]
    if any(names):
        builder.add("Attachments: " + ", ".join(filter(None, names)))
    if len(builder.blocks) == before and not subject:
        raise builder.failure("empty")


def _header(message: EmailMessage, name: str) -> str:
    try:
        return one_line(str(message[name] or ""))
    # The standard library's parser of structured headers fails on some broken ones.
    except (ValueError, IndexError, AttributeError, TypeError, KeyError):
        return ""


def _add_body(body: EmailMessage, builder: Builder) -> None:
    payload = body.get_payload(decode=True)
    content = payload if isinstance(payload, bytes) else b""
    charset = body.get_content_charset()
    if body.get_content_subtype() == "html":
        from assistant.documents.web import add_html

        declared = charset or declared_encoding(content)
        add_html(decode(content, declared=declared), builder, everything=True)
    else:
        text = _ABOVE_QUOTE.sub(r"\1\n\n", decode(content, declared=charset))
        builder.paragraphs(_QUOTED.sub("", text))
