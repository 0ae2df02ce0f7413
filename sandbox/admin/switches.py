"""What a test may switch: limits, and each behaviour of the CRM that its documentation leaves open."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any
from zoneinfo import available_timezones

from sandbox.admin.turning import Turning
from sandbox.company.clock import OFFICE_ZONE


@dataclass(slots=True)
class Switches(Turning):
    """How Zoho behaves where its pages do not say, or where a test needs a smaller limit.

    extras: whether the modules beside the core are there. ledger: whether what follows a won deal is lived and served,
    in both CRMs and the managers' spreadsheets. hidden: modules that settings/modules leaves out.
    denied: modules that the API user may not view (403). off: modules whose feature is off (400). no_fields: modules
    without field metadata (204). sparse: modules with a field that lacks keys. territories: whether there are any.
    deleted_lists: whether subform and linking modules have a deleted list. deleted_rows: how many rows of a deleted
    list can be paged to; deleted_order: newest, oldest or id first.
    rich_texts: whether fetch_full_data gives the rich texts that lists cut.
    time_zone: of the organisation (IANA name): with which offset its times are written, summer time included.
    exclusive_since: If-Modified-Since leaves out its own second.
    tokens: access tokens that the refresh token gives in ten minutes.
    scopes: what an access token may do (empty: read everything); scope_told: whether the token reply says so.
    token_life: seconds that a page token is good for; with 0 each has expired when it comes back.
    bulk_polls: answers to a poll that say QUEUED or IN PROGRESS before a bulk job is COMPLETED.
    bulk_rows: rows of one bulk job. bulk_id: how its CSV heads the id. bulk_separator: between the values of a
    multi-select. bulk_orphans: whether history rows without their parent are in it. bulk_converted: whether
    converted leads are in it.
    coql_rows: the most rows of one query. coql_count: whether aggregates go without `group by`. coql_names:
    whether lookups in its answers carry names.
    latency: seconds that every answer takes; concurrency, sub_concurrency: how many may be under way at once.
    """

    extras: bool = False
    ledger: bool = False
    hidden: list[str] = field(default_factory=list)
    denied: list[str] = field(default_factory=list)
    off: list[str] = field(default_factory=list)
    no_fields: list[str] = field(default_factory=list)
    sparse: list[str] = field(default_factory=list)
    territories: bool = True
    deleted_lists: bool = False
    deleted_rows: int = 1_000_000
    deleted_order: str = "newest"
    rich_texts: bool = True
    time_zone: str = OFFICE_ZONE
    exclusive_since: bool = False
    tokens: int = 10
    scopes: list[str] = field(default_factory=list)
    scope_told: bool = True
    token_life: int = 86_400
    bulk_polls: int = 2
    bulk_rows: int = 200_000
    bulk_id: str = "Id"
    bulk_separator: str = ";"
    bulk_orphans: bool = False
    bulk_converted: bool = True
    coql_rows: int = 2000
    coql_count: bool = True
    coql_names: bool = False
    latency: float = 0.0
    concurrency: int = 20
    sub_concurrency: int = 10

    def check(self, wanted: dict[str, Any]) -> None:
        """Raise ValueError for a value that cannot be."""
        if (zone := wanted.get("time_zone", OFFICE_ZONE)) not in available_timezones():
            raise ValueError(f"time_zone {zone!r} is no IANA time zone such as America/New_York")
