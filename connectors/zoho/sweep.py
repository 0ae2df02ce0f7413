"""The ids of all records that exist, with their stamps: what shows silent restores and vanished records.

By COQL where the module can be queried (2,000 records a call, and no page border to slip over), else by the
ordinary list. https://www.zoho.com/crm/developer/docs/api/v8/COQL-Overview.html
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime

from connectors.core.contract import Field, FieldType, Page, Shape, Stream
from connectors.core.errors import Problem
from connectors.zoho.api import Api
from connectors.zoho.coql import PATH, walk_ids
from connectors.zoho.counted import count_of, require
from connectors.zoho.errors import WINDOW_FULL
from connectors.zoho.fields import Reading
from connectors.zoho.records import TOO_LONG, read_records

_log = logging.getLogger(__name__)
_LACKING = 0.005  # of the records: both are asked of COQL


def sweep_shape(stream: Stream, reading: Reading) -> Shape:
    """Key and stamp. The stamp is a plain field here: a stamp that cannot be read must not cost an id."""
    stamp = reading.shape.stamp
    fields = (Field(stream.key, FieldType.TEXT), *([Field(stamp, FieldType.DATETIME)] if stamp else ()))
    return Shape("data", stream.key, None, fields)


def read_sweep(api: Api, stream: Stream, reading: Reading) -> Iterator[Page]:
    """Pages of ids. Only the last promises anything, since half a sweep says nothing: what was deleted before the
    sweep began."""
    counted = count_of(api, stream)
    return _closed(_ids(api, stream, reading, counted), api.clock)


def _closed(pages: Iterator[Page], until: datetime | None) -> Iterator[Page]:
    page = next(pages, None)
    while page is not None:
        following = next(pages, None)
        yield replace(page, watermark=None if following else until)
        page = following


def _ids(api: Api, stream: Stream, reading: Reading, counted: int | None) -> Iterator[Page]:
    stamp = reading.shape.stamp
    pages = walk_ids(api, stream.api_name, [stream.key, *([stamp] if stamp else ())], stamp)
    listed = 0
    try:
        for query, cut in pages:
            listed += cut.rows
            yield Page(cut.body, cut.rows, 0, f"{PATH} {query}")
    except Problem as problem:
        if problem.transient or listed:
            raise
        # No scope for COQL, no COQL in this edition, a module that it does not serve: the list serves all.
        _log.warning("zoho/%s: COQL cannot sweep (%s); the list is read instead", stream.name, problem.code)
        yield from _listed(api, stream, reading)
        return
    require(api, stream, listed, counted, _LACKING)


def _listed(api: Api, stream: Stream, reading: Reading) -> Iterator[Page]:
    """By id, where an edit moves nothing; beyond the list's end by stamp too, which reaches further."""
    # The id comes with every field and is refused alone.
    by_stamp = Reading(reading.shape, (reading.chunks[0][-1:],))
    if stamp := reading.shape.stamp:
        by_stamp = Reading(reading.shape, ((stamp,),))
    by_id = replace(by_stamp, shape=replace(reading.shape, stamp=None))
    try:
        yield from read_records(api, stream, by_id, None)
    except Problem as problem:
        if problem.code not in WINDOW_FULL | {TOO_LONG} or not stamp:
            raise
        yield from read_records(api, stream, by_stamp, None)
