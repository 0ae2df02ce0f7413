"""Taking personal data out of a page before it is kept (law 1's only exception), every other byte as it was.

Three things go: fields that nobody wants, everything personal of an erased person's record, and what other
records say of that person beside the key (`{"id", "name", "email"}` keeps its id). What goes becomes null.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

from connectors.core.contract import Field, Page, Shape, Stream
from connectors.core.errors import Actor, Problem
from pipelines.landing.redaction.spans import NULL, Node, name_of, scan, spliced
from pipelines.manifest import Redaction

FIELD, RECORD, REFERENCE, SOURCE = "field", "record", "reference", "source"
_REASONS = {
    FIELD: "CRM_WAREHOUSE_UNWANTED_FIELDS",
    RECORD: "the person was erased",
    REFERENCE: "the person was erased",
    SOURCE: "personal data is off in the settings of the source",
}
_TEXTS = re.compile(rb'"((?:[^"\\]|\\.)*+)"|(-?[0-9]+)', re.DOTALL)
# What a record says of a field beside it: names, lists of objects, free text, masked and other forms.
_SUFFIXES = ("__r", "__l", "__o", "__p", "__v")
_FEW = 200  # searching a page for a key takes some 15 microseconds; cutting it into texts 15 milliseconds
_PLAIN = re.compile(r"^[0-9A-Za-z_ .:-]*$")  # what no CRM spells in escapes
Found = set[tuple[str, str]]
"""What was taken out: (what, name) as in `Redaction`."""


@dataclass(frozen=True, slots=True)
class Policy:
    """What must not be kept of one stream's records.

    unwanted: fields nobody wants. erased: keys of erased records of the stream; keep: the fields that stay of
    them. referred: keys of erased records of any stream of the organisation.
    """

    unwanted: frozenset[str] = frozenset()
    erased: frozenset[str] = frozenset()
    keep: frozenset[str] = frozenset()
    referred: frozenset[str] = frozenset()
    _needles: tuple[bytes, ...] = field(init=False, repr=False)
    _keys: frozenset[bytes] = field(init=False, repr=False)
    _escaped: bool = field(init=False, repr=False)

    def __post_init__(self) -> None:
        needles = (f'"{name}{end}' for name in sorted(self.unwanted) for end in ('"', "__"))
        object.__setattr__(self, "_needles", tuple(map(str.encode, needles)))
        object.__setattr__(self, "_keys", frozenset(k.encode() for k in self.erased | self.referred))
        words = "".join(self.unwanted | self.erased | self.referred)
        object.__setattr__(self, "_escaped", not _PLAIN.match(words))

    def __bool__(self) -> bool:
        return bool(self.unwanted or self.erased or self.referred)

    def may_concern(self, text: bytes) -> bool:
        """False when nothing of the text can have to go; cheap, for the many pages that it holds for."""
        if not self:
            return False
        if self._escaped and b"\\u" in text:
            return True
        if any(needle in text for needle in self._needles):
            return True
        if len(self._keys) <= _FEW:
            return any(key in text for key in self._keys)
        return any(m[1] in self._keys or m[2] in self._keys for m in _TEXTS.finditer(text))


def kept_fields(stream: Stream, shape: Shape | None = None) -> frozenset[str]:
    """What stays of an erased person's record: key, stamp and the declared fields without personal data."""
    names = {stream.key, *(f.name for f in stream.fields if not f.pii)}
    names |= {shape.key, shape.stamp or shape.key} if shape else set()
    return frozenset(names | ({stream.stamp} if stream.stamp else set()))


def redacted(text: bytes, shape: Shape, policy: Policy, found: Found, *, inside: str = "") -> bytes:
    """A page with nothing in it that the policy forbids; the same object if nothing had to go.

    inside: path of the page within `text`, for a line of a page file. Adds to `found`. Raises ValueError when
    the text is no JSON.
    """
    if not policy.may_concern(text):
        return text
    top = scan(text)
    records = top.at(f"{inside}.{shape.records}" if inside else shape.records)
    own = {record.start for record in records}
    keep = policy.keep | {shape.key, shape.stamp or shape.key}
    gone = [node for record in records for node in _of_record(text, record, shape, keep, policy, found)]
    starts = {node.start for node in gone}
    gone += [n for n in _references(text, top, policy.referred, own, found) if n.start not in starts]
    gone += [n for record in records for n in _beside(text, record, shape, policy.referred, found)]
    return spliced(text, _outermost(gone)) if gone else text


Redactor = Callable[[bytes, Shape, Policy, Found], bytes]
"""What was received, without what must not be kept; ValueError when it cannot be looked through."""


def cleaned(page: Page, shape: Shape, policy: Policy, found: Found, redactor: Redactor = redacted) -> Page:
    """The page as it may be kept. Raises Problem when it cannot be looked through."""
    assert isinstance(page.body, bytes)
    try:
        body = redactor(page.body, shape, policy, found)
    except ValueError as error:
        raise unsearchable(page) from error
    return page if body is page.body else replace(page, body=body)


def unsearchable(page: Page) -> Problem:
    """The Problem of a page that nobody can vouch for."""
    return Problem(
        "a page cannot be searched for personal data that must not be kept, so it was not kept at all",
        do="sync again; if it stays so, report it with the name of the stream",
        actor=Actor.DEVELOPER,
        where=page.request,
    )


def unreadable(path: Path, what: str, error: ValueError) -> Problem:
    """The Problem of a landed file, or a part of it, that has to be looked through and cannot be."""
    return Problem(
        f"{what} in package {path.parent.name} cannot be read ({error})",
        do="restore the package folder from a backup and run the command again",
        where=str(path),
    )


def redacted_text(text: str, referred: frozenset[str]) -> str:
    """A cell that holds JSON (a field kept as its text) without what it says of erased persons.

    What only looks like JSON and holds no reference comes back as it is.
    """
    raw = text.encode("utf-8", "surrogatepass")
    try:
        top = scan(raw)
    except ValueError:
        return text
    gone = _outermost(_references(raw, top, referred, set(), set()))
    return spliced(raw, gone).decode("utf-8", "surrogatepass") if gone else text


def redactions(found: Found, at: datetime, reason: str = "") -> list[Redaction]:
    """Entries for the manifest."""
    return [
        Redaction(what=what, name=name, at=at, reason=reason or _REASONS[what])
        for what, name in sorted(found)
    ]


def _of_record(
    text: bytes, record: Node, shape: Shape, keep: frozenset[str], policy: Policy, found: Found
) -> Iterator[Node]:
    # What a code is called goes with it.
    called = {name for f in shape.fields if f.name in policy.unwanted for name in _members(f)}
    called |= {f"{name}{suffix}" for name in policy.unwanted for suffix in _SUFFIXES}
    keys = {name_of(text[node.start : node.end]) for node in record.named(shape.key)} & policy.erased
    found.update((RECORD, name) for name in keys)
    for name, value in record.members:
        if text[value.start : value.end] == NULL:
            continue
        if keys and name not in keep:
            yield value
        elif name in policy.unwanted or name in called:
            found.add((FIELD, name))
            yield value


def _references(
    text: bytes, top: Node, referred: frozenset[str], records: set[int], found: Found
) -> Iterator[Node]:
    """What objects with the id of an erased record hold beside it, at any depth."""
    stack = [top] if referred else []
    while stack:
        node = stack.pop()
        stack += node.inner()
        if not node.is_object or node.start in records:
            continue
        ids = {name_of(text[value.start : value.end]) for value in node.named("id")} & referred
        for name, value in node.members if ids else ():
            if name != "id" and text[value.start : value.end] != NULL:
                found.update((REFERENCE, key) for key in ids)
                yield value


def _beside(
    text: bytes, record: Node, shape: Shape, referred: frozenset[str], found: Found
) -> Iterator[Node]:
    """What a record says of an erased record beside the bare id of it."""
    for told in (f for f in shape.fields if f.label_in) if referred else ():
        texts = (text[value.start : value.end].strip(b"[] ") for value in record.named(told.name))
        if ids := {name_of(one) for one in texts} & referred:
            for value in (value for name in _members(told) for value in record.named(name)):
                if text[value.start : value.end] != NULL:
                    found.update((REFERENCE, key) for key in ids)
                    yield value


def _members(told: Field) -> set[str]:
    """The members of a record that say what a field's code is called."""
    own = {f"{told.name}{suffix}" for suffix in _SUFFIXES}
    return own | {told.label_in.partition(".")[0]} if told.label_in else set()


def _outermost(nodes: list[Node] | Iterator[Node]) -> list[Node]:
    kept: list[Node] = []
    for node in sorted(nodes, key=lambda n: (n.start, -n.end)):
        if not kept or node.start >= kept[-1].end:
            kept.append(node)
    return kept
