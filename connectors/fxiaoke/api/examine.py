"""What the doctor tells of a Fxiaoke tenant: objects, people, the day's calls, and what a run costs.

Costs about two calls an object.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from connectors.core.contract import Finding, Stream
from connectors.core.errors import Actor, Problem
from connectors.fxiaoke.api.api import Api, query_path
from connectors.fxiaoke.api.describe import Reading
from connectors.fxiaoke.api.objects import Offer
from connectors.fxiaoke.api.query import cut_page
from connectors.fxiaoke.api.quota import SETTING, Quota
from connectors.fxiaoke.api.selection import OBJECTS

PERSONNEL = "PersonnelObj"
# Of an object in which nothing changed: its describe, and of what changed in the overlap and of what is void the
# page and its empty end.
_IDLE = 5
_ONCE = 2  # the objects, and what areas are called


class Examination:
    """One look at a tenant. read_metadata: how a stream is read now; it raises Problem."""

    def __init__(
        self, api: Api, offer: Offer, quota: Quota, read_metadata: Callable[[Stream], Reading]
    ) -> None:
        self._api, self._offer, self._quota, self._read_metadata = api, offer, quota, read_metadata

    def findings(self) -> Iterator[Finding]:
        """Raises Problem when Fxiaoke cannot be asked at all."""
        read = []
        for stream in self._offer.streams:
            try:
                found = self._read_metadata(stream)
                rows = self._api.post(
                    query_path(stream.api_name), _one(stream), lambda body: len(cut_page(body, None).ids)
                )
            except Problem as problem:
                yield Finding(False, str(problem.located(source=stream.source, stream=stream.name)))
                continue
            read.append(stream.api_name)
            if not rows and stream.api_name == PERSONNEL:
                yield Finding(False, str(_nobody(stream)))
            if not found.void:
                yield Finding(
                    True,
                    f"{stream.api_name} says nothing of void records (作废): only a sweep finds what is gone.",
                )
        yield Finding(True, f"{len(read)} objects can be read: {', '.join(read)}.")
        if self._offer.unread:
            names = ", ".join(self._offer.unread)
            yield Finding(
                True,
                f"Not selected, though they could be read: {names}. {OBJECTS.allow}=default,<name> adds one.",
            )
        yield self._calls()
        yield Finding(
            True,
            f"A sync in which nothing changed makes at most {_ONCE + _IDLE * len(self._offer.streams):,} calls; 100 "
            "changed records of an object make 1 more.",
        )

    def _calls(self) -> Finding:
        left = self._quota.left()
        if left is None:
            return Finding(True, f"Calls of a day are not bounded by us ({SETTING} is not set).")
        said = f"{left:,} of the {self._quota.most:,} calls of {SETTING} are left of this day"
        if left > 0:
            return Finding(True, f"{said}.")
        return Finding(
            False, f"{said}: syncs wait until 00:00 Beijing time. Next (operator): wait, or raise it."
        )


def _one(stream: Stream) -> dict[str, object]:
    """A query of one record."""
    info = {"limit": 1, "offset": 0, "filters": [], "orders": [], "fieldProjection": [stream.key]}
    return {
        "data": {
            "dataObjectApiName": stream.api_name,
            "find_explicit_total_num": False,
            "search_query_info": info,
        }
    }


def _nobody(stream: Stream) -> Problem:
    return Problem(
        "the API user sees nobody in 人员 (PersonnelObj), so owners have no department and no leader",
        do="Add a data sharing rule for 人员 to the user of FXIAOKE_USER_ID: being a CRM administrator is not enough",
        actor=Actor.CRM_ADMIN,
        source=stream.source,
        stream=stream.name,
        code="NOBODY",
    )
