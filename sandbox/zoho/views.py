"""Rows in the order a request asks for, cut into pages; and the tokens that lead from page to page.

https://www.zoho.com/crm/developer/docs/api/v8/get-records.html
"""

from __future__ import annotations

import base64
import binascii
from bisect import bisect_left, bisect_right
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

import msgspec

from sandbox.serving.rows import Served, Table
from sandbox.zoho import errors

Key = tuple[int, str]

SORTS: dict[str, Callable[[Served], Key]] = {
    "id": lambda row: (0, row.id),
    "Created_Time": lambda row: (row.created, row.id),
    "Modified_Time": lambda row: (row.modified, row.id),
}


@dataclass(frozen=True, slots=True)
class Wish:
    """Which rows in which order. since: lowest Modified_Time in seconds. converted: None where it does not apply."""

    entity: str
    sort_by: str
    descending: bool
    since: int | None
    converted: bool | None


class View:
    """The rows of a wish, ascending."""

    def __init__(self, table: Table, wish: Wish) -> None:
        rows = list(table.rows.values())
        if wish.since is not None:
            rows = [row for row in rows if row.modified >= wish.since]
        if wish.converted is not None:
            rows = [row for row in rows if bool(row.values.get("Converted__s")) is wish.converted]
        self.key = SORTS[wish.sort_by]
        rows.sort(key=self.key)
        self.version, self.rows = table.version, rows
        self._descending = wish.descending

    def page(self, start: int, length: int) -> tuple[list[Served], bool]:
        """Rows from the start-th on in the order asked for, and whether more follow."""
        count = len(self.rows)
        if self._descending:
            rows = self.rows[max(0, count - start - length) : max(0, count - start)][::-1]
        else:
            rows = self.rows[start : start + length]
        return rows, start + length < count

    def after(self, key: Key) -> int:
        """How many rows come before the one that follows this key, in the order asked for."""
        if self._descending:
            return len(self.rows) - bisect_left(self.rows, key, key=self.key)
        return bisect_right(self.rows, key, key=self.key)


class Views:
    """The last views asked for, so that a walk sorts once."""

    def __init__(self, room: int = 12) -> None:
        self._kept: OrderedDict[Wish, View] = OrderedDict()
        self._room = room

    def forget(self) -> None:
        """The tables are others now."""
        self._kept.clear()

    def of(self, table: Table, wish: Wish) -> View:
        """The view of a wish on the table as it is now."""
        view = self._kept.pop(wish, None)
        if view is None or view.version != table.version:
            view = View(table, wish)
        self._kept[wish] = view
        while len(self._kept) > self._room:
            self._kept.popitem(last=False)
        return view


class Token(msgspec.Struct, array_like=True):
    """Where a walk stands. bound: what the request's other parameters were; served: rows delivered so far."""

    bound: str
    key: tuple[int, str]
    served: int
    page: int
    issued: int

    def text(self) -> str:
        """As it travels."""
        return base64.urlsafe_b64encode(msgspec.json.encode(self)).decode("ascii").rstrip("=")

    @staticmethod
    def parse(text: str, bound: str, now: int, life: int) -> Token:
        """The token of a text. Raises Refusal when it is not one, has expired or was given for another request."""
        try:
            token = msgspec.json.decode(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)), type=Token)
        except (binascii.Error, msgspec.DecodeError, UnicodeEncodeError) as error:
            raise errors.invalid_value("page_token") from error
        if token.bound != bound:
            raise errors.token_of_other_request()
        if now >= token.issued + life:
            raise errors.token_expired()
        return token
