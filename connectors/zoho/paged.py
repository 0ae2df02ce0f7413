"""Lists that Zoho pages by number: users, and the deleted records of a module.

https://www.zoho.com/crm/developer/docs/api/v8/get-users.html
https://www.zoho.com/crm/developer/docs/api/v8/get-deleted-records.html
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from connectors.core.contract import Field, FieldType, Page, Shape, Stream
from connectors.core.errors import Problem
from connectors.zoho.api import VERSION, Api
from connectors.zoho.cut import cutter
from connectors.zoho.errors import WINDOW_FULL
from connectors.zoho.progress import Progress, Turning

PER_PAGE = "200"

# Who or what the record was about (`display_name`) is personal data and proves nothing about a delete.
DELETED = Shape(
    records="data",
    key="id",
    stamp="deleted_time",
    fields=(
        Field("id", FieldType.TEXT),
        Field("deleted_time", FieldType.DATETIME),
        Field("type", FieldType.TEXT),
    ),
)


@dataclass(frozen=True, slots=True)
class _List:
    api: Api
    path: str
    params: Mapping[str, str]
    shape: Shape
    credits: int = 1


def read_users(api: Api, stream: Stream, shape: Shape) -> Iterator[Page]:
    """Every user, active or not: the gone ones still own records."""
    progress = Progress(api.by_now)
    listed = _List(api, str(stream.options["path"]), {"type": "AllUsers"}, shape)
    if code := (yield from _window(listed, None, progress)):
        raise progress.stuck("the rest of the users", code)


def read_deleted(api: Api, stream: Stream, since: datetime | None) -> Iterator[Page]:
    """Records deleted at or after `since`. Zoho keeps the recycle bin 60 days, deleted ids 120 days."""
    progress, start = Progress(api.by_now), since
    listed = _List(api, f"{stream.api_name}/deleted", {"type": "all"}, DELETED, credits=2)
    while code := (yield from _window(listed, start, progress)):
        # The order is not documented; where it is by time, the list goes on in a new window.
        start = progress.restart(start, code)


def _window(what: _List, since: datetime | None, progress: Progress) -> Generator[Page, None, str]:
    """Pages from `since` on; "" when complete, else the code that says why not."""
    cut_page = cutter(what.shape.records, what.shape.stamp)
    turning = Turning(f"GET {VERSION}{what.path}")
    at: dict[str, str] = {"page": "1"}
    number = 1
    while True:
        params = {**what.params, "per_page": PER_PAGE, **at}
        try:
            cut = what.api.get(what.path, params, cut_page, since=since, credits=what.credits)
        except Problem as problem:
            if problem.code in WINDOW_FULL:
                return problem.code
            raise
        if cut is None:
            return ""
        turning.turn(cut.body)
        progress.see(cut.moments)
        kind = "&".join(f"{name}={value}" for name, value in what.params.items())
        asked = f"{VERSION}{what.path}?{kind}&page={number}"
        # Order is documented for neither list, so only the end promises anything.
        yield Page(cut.body, cut.rows, 0, asked, None if cut.more else progress.newest)
        if not cut.more:
            return ""
        number += 1
        # No token is documented for these lists; where one comes, it reaches further than a number.
        at = {"page_token": cut.token} if cut.token else {"page": str(number)}
