"""Rich texts whole: lists cut them after 500 characters.

https://www.zoho.com/crm/developer/docs/api/v8/get-rich-text-fields.html: by up to 200 ids, with nothing but the
texts. That page does not say whether a record without any is left out, nor what a call costs (we count 1 credit).
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence

import msgspec

from connectors.core.contract import Stream
from connectors.core.errors import Actor, Problem
from connectors.core.http import BadBody
from connectors.core.surrogates import decoded
from connectors.core.verdicts import LATER
from connectors.zoho.api import VERSION, Api
from connectors.zoho.cut import Cut
from connectors.zoho.fields import Reading
from connectors.zoho.tolerance import NO_LIST

_log = logging.getLogger(__name__)

# What an edition that does not know the function says; any other refusal is one.
_UNKNOWN = NO_LIST | {"FEATURE_NOT_SUPPORTED", "FEATURE_NOT_ENABLED", "NO_SUCH_FUNCTION"}


class _Row(msgspec.Struct):
    id: str


class _Reply(msgspec.Struct):
    data: list[msgspec.Raw]


class RichTexts:
    """The rich texts of a stream; false where it has none. A Zoho that does not give them whole is asked once, and
    the cut ones have to do. listing: the parameters of each list of the stream."""

    def __init__(self, api: Api, stream: Stream, reading: Reading, listing: Mapping[str, str]) -> None:
        self._api, self._stream, self._names = api, stream, reading.rich
        self._records, self._list, self._refused = reading.shape.records, dict(listing), False

    def __len__(self) -> int:
        return len(self._names)

    def of(self, ids: Sequence[str]) -> Cut:
        """A page of these records, each with its texts. Raises Problem."""
        rows = self._rows(ids)
        if lacking := [id for id in ids if id not in rows]:
            self._require_none(lacking)
        rows |= {id: b'{"id":' + msgspec.json.encode(id) + b"}" for id in ids if id not in rows}
        body = b'{"' + self._records.encode() + b'":[' + b",".join(rows[id] for id in ids) + b"]}"
        return Cut(body, len(ids), dict.fromkeys(ids), [], False, None)

    def _rows(self, ids: Sequence[str]) -> dict[str, bytes]:
        module = self._stream.api_name
        asked = {"ids": ",".join(ids), "fields": ",".join(self._names)}
        if not self._refused:
            try:
                return self._api.get(f"{module}/actions/fetch_full_data", asked, _rows) or {}
            except Problem as problem:
                if problem.code not in _UNKNOWN:
                    raise
                self._refused = True
                _log.warning(
                    "zoho/%s: Zoho does not give %s whole (%s); texts end after 500 characters",
                    self._stream.name, ", ".join(self._names), problem.code,
                )  # fmt: skip
        return self._cut(ids)

    def _cut(self, ids: Sequence[str]) -> dict[str, bytes]:
        """As lists show them, by id."""
        asked = {**self._list, "ids": ",".join(ids), "fields": ",".join(self._names)}
        return self._api.get(self._stream.api_name, asked, _rows) or {}

    def _require_none(self, ids: Sequence[str]) -> None:
        """Raises Problem where records that were left out have texts all the same."""
        cut = (msgspec.json.decode(row) for row in self._cut(ids).values())
        if any(row.get(name) for row in cut for name in self._names):
            raise Problem(
                f"Zoho leaves out the texts ({', '.join(self._names)}) of records that have some",
                do=LATER,
                actor=Actor.OPERATOR,
                where=f"GET {VERSION}{self._stream.api_name}/actions/fetch_full_data",
                code="RICH_TEXTS",
                transient=True,
            )


def _rows(body: bytes) -> dict[str, bytes]:
    """Records by id, as received."""
    try:
        return decoded(_by_id, body)
    except msgspec.DecodeError as error:
        raise BadBody("it does not hold the texts of records") from error


def _by_id(body: bytes) -> dict[str, bytes]:
    msgspec.json.decode(body)  # what is kept raw below is not looked into
    rows = msgspec.json.decode(body, type=_Reply).data
    return {msgspec.json.decode(row, type=_Row).id: bytes(row) for row in rows}
