"""Rich texts whole: lists cut them after 500 characters.

https://www.zoho.com/crm/developer/docs/api/v8/get-rich-text-fields.html: by up to 200 ids, with nothing but the
texts. That page does not say whether a record without any is left out, nor what a call costs (we count 1 credit).
"""

from __future__ import annotations

import logging
from collections.abc import Sequence

import msgspec

from connectors.core.contract import Stream
from connectors.core.errors import Problem
from connectors.core.http import BadBody
from connectors.zoho.api import Api
from connectors.zoho.cut import Cut
from connectors.zoho.fields import Reading

_log = logging.getLogger(__name__)


class _Row(msgspec.Struct):
    id: str


class _Reply(msgspec.Struct):
    data: list[msgspec.Raw]


class RichTexts:
    """The rich texts of a stream; false where it has none. A Zoho that does not give them whole is asked once, and
    the cut ones have to do."""

    def __init__(self, api: Api, stream: Stream, reading: Reading) -> None:
        self._api, self._stream, self._names = api, stream, reading.rich
        self._records, self._refused = reading.shape.records, False

    def __len__(self) -> int:
        return len(self._names)

    def of(self, ids: Sequence[str]) -> Cut:
        """A page of these records, each with its texts. Raises Problem."""
        rows = self._rows(ids)
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
                if problem.transient:
                    raise
                self._refused = True
                _log.warning(
                    "zoho/%s: Zoho does not give %s whole (%s); texts end after 500 characters",
                    self._stream.name, ", ".join(self._names), problem.code,
                )  # fmt: skip
        return self._api.get(module, {**asked, "per_page": "200"}, _rows) or {}


def _rows(body: bytes) -> dict[str, bytes]:
    """Records by id, as received."""
    try:
        rows = msgspec.json.decode(body, type=_Reply).data
        return {msgspec.json.decode(row, type=_Row).id: bytes(row) for row in rows}
    except msgspec.DecodeError as error:
        raise BadBody("it does not hold the texts of records") from error
