"""How far a read has come: what it may promise, and where a new window starts when one is used up."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta

from connectors.core.errors import Actor, Problem
from connectors.core.verdicts import LATER
from connectors.zoho.errors import TOKEN_SPENT

_SECOND = timedelta(seconds=1)
_SAME_START = 3  # times a window whose token expired may begin again at the same moment


class Turning:
    """Notices a list that gives one page again and again and calls it the next."""

    def __init__(self, where: str) -> None:
        self._where = where
        self._last: bytes | None = None

    def turn(self, page: bytes) -> None:
        """Take in the next page. Raises Problem when it is the last one once more."""
        if page == self._last:
            raise Problem(
                "Zoho gives the same page again as the next one, so the list has no end",
                do=LATER,
                actor=Actor.OPERATOR,
                where=self._where,
                code="SAME_PAGE",
                transient=True,
            )
        self._last = page


class Progress:
    """Follows the stamps of one read. Not thread-safe: a read belongs to one thread.

    by_now: no later than the CRM's own time (`Api.by_now`); a list may hold stamps of the future.
    """

    def __init__(self, by_now: Callable[[datetime], datetime]) -> None:
        self._by_now = by_now
        self.newest: datetime | None = None
        self._last: datetime | None = None
        self._ordered = True
        self._same_start = 0

    def see(self, moments: Sequence[datetime]) -> None:
        """Take in one page's stamps, in page order."""
        for moment in moments:
            if self._last is not None and moment < self._last:
                self._ordered = False
            self._last = moment
        if moments:
            page_newest = self._by_now(max(moments).astimezone(UTC))
            self.newest = max(self.newest, page_newest) if self.newest else page_newest

    def promise(self, *, complete: bool) -> datetime | None:
        """Everything stamped before this has been seen; None while stamps came in no order."""
        return self.newest if complete or self._ordered else None

    def restart(self, start: datetime | None, code: str) -> datetime:
        """Where the next window starts after Zoho refused to go on with `code`. Raises Problem."""
        if self.newest is None or not self._ordered:
            raise self.stuck("the rest of a list that has no order", code)
        self._last = None
        # One second earlier: whether If-Modified-Since includes its own second is not documented.
        for candidate in (self.newest - _SECOND, self.newest):
            if start is None or candidate > start:
                self._same_start = 0
                return candidate
        self._same_start += 1
        if code in TOKEN_SPENT and start is not None and self._same_start <= _SAME_START:
            return start
        raise self.stuck("all records that changed in one second", code)

    def stuck(self, rest: str, code: str) -> Problem:
        """The Problem of a list that Zoho ends before its last record."""
        seen = f", {self.newest:%Y-%m-%d %H:%M:%S} UTC being the newest change seen" if self.newest else ""
        return Problem(
            f"Zoho's lists end before {rest} can be read{seen}",
            do="Report this: these records need another way to be read, such as Zoho's Bulk Read",
            actor=Actor.DEVELOPER,
            code=code,
        )
