"""A whole module, by the way that the plan chose, and on behind where an earlier read was stopped.

COQL and Bulk Read give records in no order of change. What they promise is therefore known before they begin:
everything stamped before the newest change that there was then.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime

import msgspec

from connectors.core.contract import Page, Stream
from connectors.core.errors import Problem
from connectors.zoho import plan as planning
from connectors.zoho.api import Api
from connectors.zoho.bulk import PATH as BULK_PATH
from connectors.zoho.bulk import Bulk
from connectors.zoho.bulk_lists import confirm
from connectors.zoho.coql import PATH as COQL_PATH
from connectors.zoho.coql import Range, borders, walk_ranges
from connectors.zoho.counted import TOO_FEW, require, size_of
from connectors.zoho.errors import TOKEN_SPENT
from connectors.zoho.fields import Reading
from connectors.zoho.plan import Way
from connectors.zoho.records import read_records

_log = logging.getLogger(__name__)
_LACKING = 0.01  # of the records: lists and queries may differ in what they show


class _Mark(msgspec.Struct):
    """Where a read stands, as it is kept with a package. until: what it promises at its end; at: the ranges of ids
    that are left, or the token of the next job. rows: how many there were; got: of these,
    those already read."""

    way: Way
    until: datetime
    at: str
    page: int = 1
    rows: int = 0
    got: int = 0


def read_full(
    api: Api, stream: Stream, reading: Reading, wish: Way | None, resume: str = ""
) -> Iterator[Page]:
    """Every record. resume: of the last page that an earlier read delivered."""
    if resume and (mark := _mark(resume)):
        try:
            yield from _pages(api, stream, reading, mark)
            return
        except Problem as problem:
            if problem.transient and problem.code not in TOKEN_SPENT | {TOO_FEW}:
                raise
            _log.info("zoho/%s: the stopped read can no longer be continued; it begins anew", stream.name)
    extent = None if wish is Way.RECORDS else _extent(api, stream, reading)  # nothing to choose or to count
    if extent is None:
        yield from read_records(api, stream, reading, None)
        return
    rows, until = extent
    found = planning.plan(stream, reading, rows, wish)
    while found.way is not Way.RECORDS:
        _log.info("zoho/%s: %s", stream.name, found)
        pages = _pages(api, stream, reading, _Mark(found.way, until, "", rows=rows))
        try:
            first = next(pages, None)
        except Problem as problem:
            if problem.transient:
                raise
            found = planning.without(found, found.way, f"refused ({problem.code})", stream, reading)
            continue
        if first is not None:
            yield replace(first, request=f"{first.request}; planned: {found}")
            yield from pages
        return
    _log.info("zoho/%s: %s", stream.name, found)
    for number, page in enumerate(read_records(api, stream, reading, None)):
        yield page if number else replace(page, request=f"{page.request}; planned: {found}")


def _pages(api: Api, stream: Stream, reading: Reading, mark: _Mark) -> Iterator[Page]:
    """Raises Problem in the place of the last page where far fewer records came than Zoho counted."""
    pages, got, ended = _by_coql if mark.way is Way.COQL else _by_bulk, mark.got, False
    for page in pages(api, stream, reading, mark):
        got, ended = got + page.rows, page.watermark is not None
        if ended:
            require(api, stream, got, mark.rows, _LACKING)
        onward = _mark(page.resume) if page.resume else None
        yield replace(page, resume=_text(msgspec.structs.replace(onward, got=got))) if onward else page
    if not ended:
        require(api, stream, got, mark.rows, _LACKING)


def _by_coql(api: Api, stream: Stream, reading: Reading, mark: _Mark) -> Iterator[Page]:
    names = [stream.key, *_names(reading)]
    ranges = _ranges(mark.at) or borders(api, stream.api_name, mark.rows)
    for query, cut, left in walk_ranges(api, stream.api_name, names, reading.shape.stamp, ranges):
        at = " ".join(f"{ids.after}:{'' if ids.until is None else ids.until}" for ids in left)
        yield Page(
            cut.body, cut.rows, 0, f"{COQL_PATH} {len(names)} fields {query[query.index(' from ') :]}",
            watermark=None if left else mark.until,
            resume=_text(msgspec.structs.replace(mark, at=at)) if left else "",
        )  # fmt: skip


def _ranges(at: str) -> list[Range]:
    """The ranges of ids that a stopped read has left."""
    pairs = (part.split(":") for part in at.split())
    return [Range(int(after), int(until) if until else None) for after, until in pairs]


def _by_bulk(api: Api, stream: Stream, reading: Reading, mark: _Mark) -> Iterator[Page]:
    names = _names(reading)
    for batch in Bulk(api, stream.api_name, names).batches(mark.at, mark.page):
        if batch.page == mark.page:
            confirm(api, stream, reading, batch.archive)
        onward = msgspec.structs.replace(mark, at=batch.token, page=batch.page + 1)
        yield Page(
            batch.archive, batch.rows, 0, f"{BULK_PATH} {len(names)} fields, job {batch.job}, page {batch.page}",
            watermark=None if batch.more else mark.until,
            resume=_text(onward) if batch.more and batch.token else "",
            archive=True,
        )  # fmt: skip


def _names(reading: Reading) -> list[str]:
    return list(dict.fromkeys(name for chunk in reading.chunks for name in chunk))


def _extent(api: Api, stream: Stream, reading: Reading) -> tuple[int, datetime] | None:
    """How many records there are and what a read that begins now can promise; None where no query tells."""
    stamp = reading.shape.stamp
    if stamp is None:
        return None
    try:
        size = size_of(api, stream, stamp)
    except Problem as problem:
        if problem.transient:
            raise
        _log.info("zoho/%s: COQL does not count (%s); read by records", stream.name, problem.code)
        return None
    return (size.rows, api.by_now(size.newest)) if size and size.newest else None


def _text(mark: _Mark) -> str:
    return msgspec.json.encode(mark).decode()


def _mark(text: str) -> _Mark | None:
    try:
        return msgspec.json.decode(text, type=_Mark)
    except msgspec.DecodeError:
        return None  # of another version: begin anew
