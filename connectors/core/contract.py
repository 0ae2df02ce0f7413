"""What a source is to the rest of the house.

A source lists its streams, says how the records of a read look (`Shape`), and yields complete pages of
bytes. It never interprets a record beyond what paging needs: landing keeps the bytes, decoding comes later.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from itertools import islice
from pathlib import Path
from typing import Any

import yaml

from connectors.core.errors import Problem


class FieldType(StrEnum):
    """Logical types; `pipelines.landing.decode` maps them to the engine's."""

    TEXT = "text"
    BOOLEAN = "boolean"
    INTEGER = "integer"
    DECIMAL = "decimal"  # exact, with the field's own scale
    DOUBLE = "double"
    DATE = "date"
    DATETIME = "datetime"  # ISO 8601; a text without offset is read in the shape's time zone
    EPOCH_MS = "epoch_ms"  # a point in time as milliseconds since 1970 UTC
    LOOKUP = "lookup"  # {"id", "name"}: a reference to another record
    JSON = "json"  # anything else, kept as the JSON text


MOST_OPTIONS = 1_000
"""Of a field: they lie beside every package, and a list of more is a table of its own."""


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a record, named as the CRM's API names it.

    A LOOKUP may come as a bare code, or as a list of one, beside which the record says what the code is called.
    label_in: where it does: a member of the record, or `member.key` where that is an object. labels: (code, what it
    is called), for codes of which the record does not say it. JSON that is a list of codes becomes a list of
    `{"id", "name"}` by either; there label_in names a list of objects with `id` and the key.
    options: what the CRM's own list offers or ever offered, as records hold it (codes, where a record holds codes);
    empty where the field has no list, or one too long to keep with every read.
    """

    name: str
    type: FieldType
    scale: int = 0  # digits after the point, for DECIMAL
    label: str = ""  # as the CRM's users see it
    pii: bool = False  # personal data of contacts and leads: never published
    label_in: str = ""
    labels: tuple[tuple[str, str], ...] = ()
    options: tuple[str, ...] = ()

    def offering(self, options: Iterable[str]) -> Field:
        """The field with these options, each once; without any where they are more than MOST_OPTIONS."""
        distinct = tuple(dict.fromkeys(options))
        return replace(self, options=distinct if len(distinct) <= MOST_OPTIONS else ())


class CursorKind(StrEnum):
    """Why a read happens. Only INCREMENTAL moves the stream's cursor."""

    INCREMENTAL = "incremental"
    BACKFILL = "backfill"
    DELETED = "deleted"  # the CRM's own list of deleted records
    SWEEP = "sweep"  # the ids of all records that exist
    FILE = "file"


RECORD_KINDS = frozenset({CursorKind.INCREMENTAL, CursorKind.BACKFILL, CursorKind.FILE})
"""Reads that bring records; the others bring word of which exist."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stream:
    """One kind of record. `fields` are those our models need: they are columns even if never delivered.

    modelled: our models read it. Where they do not, it is landed and loaded as it comes: its columns are those
    its packages bring, and it needs no rules.
    """

    source: str
    name: str  # snake_case: folder, raw table and asset name
    api_name: str  # the CRM's own name
    label: str  # the business's word for it
    docs: str  # the vendor page that describes it; of a source that is no CRM it may be a page of ours
    fields: tuple[Field, ...]
    key: str = "id"
    stamp: str | None = None  # the field that moves when a record changes
    owner: str | None = None  # the field that says which sales person answers for a record
    deletes: bool = False  # the CRM lists deleted records of this stream
    whole: bool = False  # read from the beginning every time (small, or without a stamp to ask by)
    weak_keys: bool = (
        False  # its rows say by which number and name else the record may be known (see `Table`)
    )
    modelled: bool = True
    options: Mapping[str, Any] = field(default_factory=dict)  # facts only this source's connector reads

    @property
    def needed(self) -> bool:
        """Whether an organisation must have it: models read it, and its declaration does not call it `optional`."""
        return self.modelled and not self.options.get("optional")


@dataclass(frozen=True, slots=True)
class Shape:
    """How to find and type the records in the pages of one read; stored with the package.

    records: dotted path to the list of records in a page ("data", "data.dataList"); "" for a file.
    timezone: where a date and time without an offset was written.
    """

    records: str
    key: str
    stamp: str | None
    fields: tuple[Field, ...]
    timezone: str = "UTC"

    def to_json(self) -> dict[str, Any]:
        """Plain data; `from_json` gives an equal shape back."""
        data = asdict(self)
        for facts in data["fields"]:  # most have none
            for name in ("label_in", "labels", "options"):
                if not facts[name]:
                    del facts[name]
        return data

    @staticmethod
    def from_json(data: Mapping[str, Any]) -> Shape:
        """The shape that `to_json` wrote."""
        fields = tuple(
            Field(
                **{
                    **f,
                    "type": FieldType(f["type"]),
                    "labels": tuple(map(tuple, f.get("labels", ()))),
                    "options": tuple(f.get("options", ())),
                }
            )
            for f in data["fields"]
        )
        return Shape(data["records"], data["key"], data["stamp"], fields, data["timezone"])


@dataclass(frozen=True, slots=True)
class Window:
    """What to read: everything stamped at or after `since` (UTC); None means from the beginning.

    keys: only these records, as they are now; those that are gone are left out. resume: of the last page that a
    read which was stopped delivered: go on behind it where that is still possible.
    """

    kind: CursorKind
    since: datetime | None = None
    keys: tuple[str, ...] = ()
    resume: str = ""


@dataclass(frozen=True, slots=True)
class Page:
    """A complete page as the CRM sent it, or a complete file.

    rows: records in the body, counted and checked against the vendor's own count where there is one.
    chunk: 0 for the page itself, 1.. for further field chunks of the same records (merged by id).
    request: path and non-secret parameters, for the reader of a package.
    watermark: everything stamped before this has been delivered by the pages so far; None = no promise
        before the read ends. Lets a long read be cut into packages that each move the cursor.
    resume: the source's own note of where a read may go on behind this page; "" where it cannot.
    archive: the body is a ZIP of one CSV with a header of field names, references as bare ids, lists separated by
        semicolons, and the key's name in any case.
    redacted: personal data that the source took out of the body before anybody kept it, by the member's path.
    anew: the read saw everything from the beginning: its watermark stands even where the cursor lay further ahead.
    full: for files: somebody declared it to be the whole list, so that what it does not hold is gone. Of a list
        in parts (files exported within SAME_EXPORT of each other) only the last one is marked.
    """

    body: bytes | Path
    rows: int
    chunk: int = 0
    request: str = ""
    watermark: datetime | None = None
    file_stamp: datetime | None = None  # for files: when the export was made (its name, else its mtime)
    resume: str = ""
    archive: bool = False
    sha256: str = ""  # for files: of the bytes that were recognised; what is landed must be these
    redacted: frozenset[str] = frozenset()
    anew: bool = False
    full: bool = False


SAME_EXPORT = timedelta(hours=1)
"""Files exported within this time of each other may be parts of one list: none of them says what is not in another."""

RECORD_ID, NUMBER, NAME, CELLS = "_record_id", "_number", "_name", "_cells"
"""Columns of a `Table` that are no fields."""
BY_NUMBER, BY_NAME = "number:", "name:"
"""What the key of a record begins with where nothing stronger than its number or its name was at hand."""


BLOCK_ROWS = 2_000
"""Of a file at a time: few enough to stay in the processor's cache."""


@dataclass(frozen=True, slots=True)
class TableRow:
    """One row of a file: its position (the sheet's row number), texts by column, why it cannot be used."""

    position: int
    values: Sequence[str | None]
    misfit: str | None = None


@dataclass(frozen=True, slots=True)
class Block:
    """Some rows of a file, column by column: a Python statement per cell is dear where there are millions.

    positions: of each row. columns: as many as the table's, texts of equal number; "" is nothing. misfits: place in
    the block → why that row cannot be used.
    """

    positions: Sequence[int]
    columns: Sequence[Sequence[str]]
    misfits: Mapping[int, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Table:
    """A file cut into rows of text. Columns are field names; a lookup may come as `x.id` and `x.name`.

    blocks hold every data row in file order, each one once. skipped: rows that are not records, with the
    reason (blank, total, tips). `_record_id` is always there; `_cells` (as a JSON object the original texts that are
    not their column's text as they stand), `_number` and `_name` (by which the record may be known in files that lack
    its id; the name normalised) may be. totals: of the skipped rows that are totals, position and texts by column;
    complete, as `skipped` is, when the blocks are exhausted. sheet: its name, "" of a text. headers: column or field →
    where a person finds it (`D 商机金额`).
    """

    columns: Sequence[str]
    blocks: Iterable[Block]
    skipped: Collection[tuple[int, str]] = ()
    totals: Collection[tuple[int, Mapping[str, str]]] = ()
    sheet: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)

    @staticmethod
    def of_rows(columns: Sequence[str], rows: Iterable[TableRow], **facts: Any) -> Table:
        """A table from single rows. facts: its other attributes."""
        return Table(columns, _blocks(rows), **facts)

    @property
    def rows(self) -> Iterator[TableRow]:
        """Row by row, None for nothing."""
        for block in self.blocks:
            rows = zip(block.positions, zip(*block.columns, strict=True), strict=True)
            for place, (position, values) in enumerate(rows):
                yield TableRow(position, [value or None for value in values], block.misfits.get(place))


def _blocks(rows: Iterable[TableRow]) -> Iterator[Block]:
    remaining = iter(rows)
    while some := list(islice(remaining, BLOCK_ROWS)):
        columns = list(zip(*([value or "" for value in row.values] for row in some), strict=True))
        misfits = {place: row.misfit for place, row in enumerate(some) if row.misfit}
        yield Block([row.position for row in some], columns, misfits)


@dataclass(slots=True)
class Usage:
    """What a source has cost since it was opened."""

    calls: int = 0
    credits: int = 0
    bytes: int = 0

    def add(self, other: Usage) -> None:
        """Take over what something else has cost."""
        self.calls += other.calls
        self.credits += other.credits
        self.bytes += other.bytes


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that the doctor looked at; a bad one says what to do."""

    ok: bool
    sentence: str


@dataclass(frozen=True, slots=True)
class Totals:
    """What the CRM itself counts: living records that the source would deliver, and by field the exact sum of theirs.

    sums: of the fields that it sums; untold: why it does not sum the others that were asked for.
    """

    rows: int
    sums: Mapping[str, Decimal] = field(default_factory=dict)
    untold: str = ""


@dataclass(frozen=True, slots=True)
class Untold:
    """Why a CRM was not asked, or gave no answer that counts: a sentence part for people."""

    why: str


@dataclass(frozen=True, slots=True)
class Listed:
    """One record as the CRM lists it: its stamp (None where it has none), and exact values of the fields asked for."""

    id: str
    stamp: datetime | None
    values: Mapping[str, Decimal | None]


@dataclass(frozen=True, slots=True)
class Listing:
    """The first records of a range of ids, in the order of ids. ended: nothing of the range lies behind them."""

    records: Sequence[Listed]
    ended: bool


class Source(ABC):
    """One organisation of one CRM, opened with its settings. Thread-safe: streams are read in parallel."""

    name: str
    org: str
    usage: Usage

    @abstractmethod
    def streams(self) -> Sequence[Stream]:
        """The streams this source delivers. Raises Problem when the source cannot be reached or used."""

    @abstractmethod
    def kinds(self, stream: Stream) -> Sequence[CursorKind]:
        """The reads that a sync of this stream consists of, in order."""

    @abstractmethod
    def shape(self, stream: Stream, kind: CursorKind) -> Shape:
        """How the records of such a read look now, from the CRM's own metadata."""

    @abstractmethod
    def read(self, stream: Stream, window: Window) -> Iterator[Page]:
        """Pages of the window in order. Ending without an error means the window is complete."""

    def can_sweep(self, stream: Stream) -> bool:
        """Whether the ids of all records that exist can be listed (a SWEEP read) and records be read by key.
        Such a read is no part of every sync: who syncs decides when it is due."""
        return False

    listed_at_once: int = 0
    """Records that one call of `listed` gives at most."""
    numbers_as_ids: bool = False
    """Whether ids are in the order of numbers; else in that of texts."""

    tells_all_deletes: bool = True
    """Whether a deleted record is on the CRM's list of deletes for long; else it may be gone without a trace."""

    def can_total(self, stream: Stream) -> Untold | None:
        """Why this stream's records cannot be counted or listed by ranges of ids; None where they can."""
        return Untold("this source keeps no count of its own")

    def totals(
        self, stream: Stream, sums: Sequence[str] = (), after: str = "", until: str = ""
    ) -> Totals | Untold:
        """The CRM's own totals of records with ids behind `after`, up to and with `until` ("" is no end).

        One call, which is not made where it would touch what is kept for others. Raises Problem.
        """
        return Untold("this source keeps no count of its own")

    def listed(self, stream: Stream, fields: Sequence[str], after: str = "", until: str = "") -> Listing:
        """The first records of such a range, one call. Raises Problem."""
        raise NotImplementedError(f"{self.name} lists no ranges of ids")

    def gone(self, stream: Stream, ids: Collection[str], since: datetime) -> Mapping[str, datetime | None]:
        """Those of the ids that the CRM calls deleted, with the stamp by which its list of deletes tells it; at least
        what was deleted after `since`. A few calls. Raises Problem."""
        return {}

    def problems(self) -> Sequence[Problem]:
        """Faults found while opening that concern no readable stream (an unknown file in the inbox)."""
        return ()

    def clock(self) -> datetime | None:
        """The source's own time, as its newest answer told it; None where it tells none."""
        return None

    def examine(self) -> Iterator[Finding]:
        """What the doctor should tell of this source beyond its streams and problems. May ask the CRM."""
        yield from ()

    def tabulate(self, file: Path, stream: Stream) -> tuple[Shape, Table]:
        """File sources: the shape and rows of one landed file. Must depend on the file alone."""
        raise NotImplementedError(f"{self.name} does not read files")

    def parse(self, field: Field, text: str) -> str | None:
        """The canonical text of a cell that does not cast as it stands; None if it cannot be read."""
        return None

    def alias_key(self, key: str, alias: str) -> str | None:
        """The key under which an erased record is kept, where the key is a person's name; None where it tells
        nothing about anybody and stays."""
        return None

    def blank(
        self,
        file: Path,
        stream: Stream,
        cells: Mapping[int, Collection[str]],
        aliases: Mapping[int, str],
        target: Path,
    ) -> Path:
        """File sources: a copy of a landed file with some cells empty; returns where it is (`target` with the
        suffix of the format that was written).

        cells: position of a row → columns of its table to blank; `_cells` among them stands for every cell
        that is no column of the table. Cells that give the row its key stay, but a name that does becomes
        the row's alias. Raises Problem.
        """
        raise NotImplementedError(f"{self.name} does not read files")

    def close(self) -> None:
        """Give back connections."""
        return None

    def __enter__(self) -> Source:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


@dataclass(frozen=True, slots=True)
class Setting:
    """A setting of a source: its full environment name, and what a person must know to fill it."""

    name: str
    help: str
    secret: bool = False
    required: bool = True
    default: str = ""


@dataclass(frozen=True, slots=True)
class SourceContext:
    """What the house hands a source when it opens it.

    values: the source's settings by full name. inbox: where a file source looks. cache: a private folder
    for tokens. known_files: sha256 of files already landed, per stream name. known_streams: the source's own name
    (`Stream.api_name`) of each stream that was landed, per stream name. settle: seconds for which a file of the
    inbox must not have changed before it is taken for complete.
    """

    org: str
    values: Mapping[str, str] = field(repr=False)
    inbox: Path
    cache: Path
    timezone: str = "Asia/Shanghai"
    allow_loopback: bool = False
    known_files: Mapping[str, frozenset[str]] = field(default_factory=dict)
    known_streams: Mapping[str, str] = field(default_factory=dict)
    settle: float = 0


@dataclass(frozen=True, slots=True)
class SourceSpec:
    """A source before it is opened: its name, its settings, its declared streams, and how to open it.

    discovers: opened, it may deliver further streams, which are not modelled. crm: its records are those of a CRM,
    which the models union with those of the others; else each of its streams has a staging model of its own.
    templates: writes files to be filled in for these streams into a folder, for a source that reads such files; an
    existing file is a Problem and never replaced.
    """

    name: str
    label: str
    settings: tuple[Setting, ...]
    streams: Callable[[], tuple[Stream, ...]]
    open: Callable[[SourceContext], Source]
    discovers: bool = False
    crm: bool = True
    templates: Callable[[Collection[str], Path], Sequence[Path]] | None = None


_SafeLoader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # libyaml where the wheel has it
_TYPE = re.compile(r"^(?P<type>[a-z_]+)(?:\((?P<scale>\d+)\))?$")


def parse_field(name: str, text: str, *, pii: bool = False, label: str = "") -> Field:
    """A field from its short form: `text`, `decimal(2)`."""
    match = _TYPE.match(text)
    if match is None:
        raise ValueError(f"field {name}: {text!r} is not a type such as text or decimal(2)")
    return Field(name, FieldType(match["type"]), int(match["scale"] or 0), label, pii)


def load_streams(source: str, path: Path) -> tuple[Stream, ...]:
    """The streams declared in a YAML file: name → api_name, label, docs, stamp, fields, pii, options."""
    declared = _SafeLoader(path.read_text("utf-8")).get_single_data()
    streams = []
    for name, facts in declared.items():
        pii = set(facts.pop("pii", ()))
        labels = facts.pop("labels", {})
        fields = tuple(
            parse_field(f, text, pii=f in pii, label=labels.get(f, ""))
            for f, text in facts.pop("fields").items()
        )
        streams.append(Stream(source=source, name=name, fields=fields, **facts))
    return tuple(streams)
