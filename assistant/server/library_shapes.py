"""What the HTTP API for the documents takes and gives, described."""

from pydantic import BaseModel, ConfigDict, Field, create_model

from assistant.catalog import Failure, ListedDocument
from assistant.server.schemas import Body, described
from assistant.sync import SyncReport

DocumentLine = create_model(
    "DocumentLine", __doc__="A document in the list.", **described(ListedDocument)
)
FailureShape = create_model(
    "Failure", __doc__="A file that could not be read at the last sync.", **described(Failure)
)


class DocumentList(BaseModel):
    """What is indexed."""

    total: int = Field(description="How many documents there are that fit the filters.")
    documents: list[DocumentLine] = Field(description="By source.")  # type: ignore[valid-type]
    counts: dict[str, int] = Field(description="What the whole index holds.")
    failures: list[FailureShape]  # type: ignore[valid-type]
    folder: str | None = Field(description="The folder that is synced.")
    synced_at: str | None = Field(description="When it last was.")
    problem: str | None = Field(description="What is wrong with the search indexes, or null.")


class DocumentText(BaseModel):
    """A document, and a part of its text."""

    source: str
    title: str
    type: str
    date: str | None
    content_hash: str = Field(description="SHA-256 of the file when it was indexed, hex.")
    hidden_characters: int
    pages: int | None = Field(description="How many pages its text is on, or null.")
    length: int = Field(description="Characters (code points) of the whole text.")
    offset: int = Field(description="Where `text` begins in it.")
    text: str


class FailedFile(BaseModel):
    """A file that could not be read; `kind` is a stable word for programs."""

    source: str
    kind: str
    reason: str
    remedy: str


class ReceivedFile(BaseModel):
    """What became of one file of an upload."""

    name: str = Field(description="What you called it.")
    source: str = Field(description="The document's source, by which it is cited.")
    failed: FailedFile | None = Field(description="Why it is not indexed, or null if it is.")


_REPORT = described(SyncReport) | {"failed": (list[FailedFile], ...)}
ReportShape = create_model("SyncReport", __doc__="What a sync did.", **_REPORT)
UploadReportShape = create_model(
    "UploadReport",
    __doc__="What an upload did.",
    **_REPORT,
    files=(list[ReceivedFile], Field(description="In the order they were sent.")),
)


class MovedFile(BaseModel):
    """A file under another name than before."""

    model_config = ConfigDict(populate_by_name=True)

    old: str = Field(alias="from")
    new: str = Field(alias="to")


class PlanShape(BaseModel):
    """What a sync would do: the sources concerned, by what would become of them."""

    folder: str
    rebuild: bool
    added: list[str]
    changed: list[str]
    moved: list[MovedFile]
    removed: list[str]
    unchanged: int
    failed: list[FailedFile]
    skipped: dict[str, int] = Field(description="Files left aside, by extension.")


class Removed(BaseModel):
    """How many documents were removed."""

    removed: int


class SyncOptions(Body):
    """How to sync."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"rebuild": False}]})

    rebuild: bool = Field(default=False, description="Read and index every document anew.")
    allow_empty: bool = Field(
        default=False, description="Let a folder without documents empty the index."
    )
