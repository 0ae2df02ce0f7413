"""One organisation of Zoho CRM behind the `Source` contract."""

from __future__ import annotations

import threading
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime

from connectors.core.contract import (
    CursorKind,
    Finding,
    Listing,
    Page,
    Shape,
    Source,
    SourceContext,
    Stream,
    Totals,
    Untold,
    Usage,
    Window,
)
from connectors.core.errors import Problem
from connectors.core.http import HttpClient
from connectors.core.limits import Limiter, Meter
from connectors.zoho.api import Api
from connectors.zoho.auth import Credentials, keeper
from connectors.zoho.centres import hosts
from connectors.zoho.coql import MOST_ROWS
from connectors.zoho.credits import allowance
from connectors.zoho.examine import Examination
from connectors.zoho.fields import FieldMeta, Reading, nothing, parse_fields, reading
from connectors.zoho.full import read_full
from connectors.zoho.modules import Offer, offer
from connectors.zoho.paged import DELETED, read_deleted, read_users
from connectors.zoho.plan import wish_of
from connectors.zoho.records import read_by_ids, read_records
from connectors.zoho.selection import MODULES
from connectors.zoho.settings import Asking, read_settings
from connectors.zoho.sweep import read_sweep, sweep_shape
from connectors.zoho.tolerance import advised, excused, unless_excused
from connectors.zoho.totals import Counter, deleted_among

# Calls at once per organisation and app: 5 in the smallest edition; 10 with sort_by in every edition.
# https://www.zoho.com/crm/developer/docs/api/v8/api-limits.html
CONCURRENCY, SUB_CONCURRENCY = 5, 10


class ZohoSource(Source):
    """Opening it asks nothing; the first call that needs Zoho does."""

    name = "zoho"
    listed_at_once = MOST_ROWS
    numbers_as_ids = True

    def __init__(
        self, context: SourceContext, declared: Sequence[Stream], http: HttpClient | None = None
    ) -> None:
        values = context.values
        credentials = Credentials(
            client_id=values["ZOHO_CLIENT_ID"],
            client_secret=values["ZOHO_CLIENT_SECRET"],
            refresh_token=values["ZOHO_REFRESH_TOKEN"],
            accounts_url=values.get("ZOHO_ACCOUNTS_URL") or "https://accounts.zoho.com",
            api_url=values.get("ZOHO_API_URL", ""),
        )
        self.org, self.usage = context.org, Usage()
        self._declared, self._known_streams = declared, context.known_streams
        self._selection = MODULES.parse(values.get(MODULES.allow, ""), values.get(MODULES.deny, ""))
        self._allowance = allowance(values, context.cache / f"credits-{context.org}.json")
        self._http = http or HttpClient(
            hosts=hosts(credentials.accounts_url, credentials.api_url, loopback=context.allow_loopback),
            limiter=Limiter(CONCURRENCY, sub_concurrency=SUB_CONCURRENCY),
            meter=Meter(self.usage),
            allowance=self._allowance,
        )
        self._api = Api(self._http, keeper(credentials, self._http, context.cache), credentials.api_url)
        self._counter = Counter(self._api, context.cache / f"counted-{context.org}.json")
        self._full_read = wish_of(values)
        self._lock = threading.Lock()
        self._offer: Offer | None = None
        self._readings: dict[str, Reading] = {}
        self._field_bodies: dict[str, bytes] = {}
        self._told: dict[tuple[str, str], bytes | None] = {}

    def streams(self) -> Sequence[Stream]:
        """The selected modules that the organisation shows to the API user, and its users."""
        return self._offered().streams

    def problems(self) -> Sequence[Problem]:
        """Modules that the declaration or the settings need and the API user does not see."""
        return self._offered().problems

    def kinds(self, stream: Stream) -> Sequence[CursorKind]:
        """Changes first: a record deleted in between is then on the deleted list."""
        if stream.deletes:
            return (CursorKind.INCREMENTAL, CursorKind.DELETED)
        return (CursorKind.INCREMENTAL,)

    def can_sweep(self, stream: Stream) -> bool:
        """Every module; users are read whole anyway and never vanish."""
        return not {"path", "recipe"} & stream.options.keys()

    def can_total(self, stream: Stream) -> Untold | None:
        """Modules; what is read whole at every sync is compared with its own page counts then."""
        if {"path", "recipe"} & stream.options.keys():
            return Untold("Zoho counts records of modules only; this is read whole at every sync")
        return None

    def totals(
        self, stream: Stream, sums: Sequence[str] = (), after: str = "", until: str = ""
    ) -> Totals | Untold:
        """By COQL; see `connectors.zoho.totals`."""
        return self.can_total(stream) or self._counter.totals(stream, sums, after, until)

    def listed(self, stream: Stream, fields: Sequence[str], after: str = "", until: str = "") -> Listing:
        """By COQL."""
        found = self._readings.get(stream.name) or self._read_metadata(stream)
        return self._counter.listed(stream, fields, found.shape.stamp, after, until)

    def gone(self, stream: Stream, ids: Collection[str], since: datetime) -> Mapping[str, datetime | None]:
        """By the deleted list."""
        return deleted_among(read_deleted(self._api, stream, since), ids) if stream.deletes else {}

    def shape(self, stream: Stream, kind: CursorKind) -> Shape:
        """Asks Zoho's metadata each time; the next `read` of the stream asks for the fields found here."""
        if kind is CursorKind.DELETED:
            return DELETED
        found = self._read_metadata(stream)
        return sweep_shape(stream, found) if kind is CursorKind.SWEEP else found.shape

    def read(self, stream: Stream, window: Window) -> Iterator[Page]:
        """Users and modules without a stamp come whole in every window."""
        try:
            yield from unless_excused(stream, self._pages(stream, window), window.kind)
        except Problem as problem:
            advised(stream, problem)
            raise

    def clock(self) -> datetime | None:
        """By the Date of its answers."""
        return self._api.clock

    def examine(self) -> Iterator[Finding]:
        """Scopes, modules that cannot be read and what to grant, credits, and what a run costs."""
        look = Examination(self._api, self._offered(), self._allowance, self._read_metadata)
        yield from look.findings()

    def close(self) -> None:
        """Give back connections."""
        self._http.close()

    def _pages(self, stream: Stream, window: Window) -> Iterator[Page]:
        if window.kind is CursorKind.DELETED:
            return read_deleted(self._api, stream, window.since)
        plan = self._readings.get(stream.name) or self._read_metadata(stream)
        if not plan.chunks:
            return iter(())
        if window.kind is CursorKind.SWEEP:
            return read_sweep(self._api, stream, plan)
        if window.kind not in (CursorKind.INCREMENTAL, CursorKind.BACKFILL):
            raise ValueError(f"zoho has no {window.kind} read")
        if window.keys:
            return read_by_ids(self._api, stream, plan, window.keys)
        if "recipe" in stream.options:
            return read_settings(self._asking(), stream)
        if "path" in stream.options:
            return read_users(self._api, stream, plan.shape)
        if window.since is None and plan.shape.stamp:
            return read_full(self._api, stream, plan, self._full_read, window.resume)
        return read_records(self._api, stream, plan, window.since)

    def _asking(self) -> Asking:
        # Lines and links have no deleted list, and no tags either.
        tagged = [stream.api_name for stream in self._offered().streams if stream.deletes]
        return Asking(self._api, self._module_names(), self._fields_of, self._told, tagged)

    def _read_metadata(self, stream: Stream) -> Reading:
        metas = None
        if "recipe" in stream.options:
            return reading(stream, None)
        try:
            metas = self._metadata_of(stream.api_name)
        except Problem as problem:
            if excused(stream, problem):
                return nothing(stream)
            # Users are no module, and no page promises field metadata for them: the declaration will do.
            if problem.transient or "path" not in stream.options:
                advised(stream, problem)
                raise
        found = reading(stream, metas)
        self._readings[stream.name] = found
        return found

    def _metadata_of(self, module: str) -> list[FieldMeta] | None:
        def kept(body: bytes) -> list[FieldMeta]:
            metas = parse_fields(body)
            self._field_bodies[module] = body
            return metas

        return self._api.get("settings/fields", {"module": module}, kept)

    def _fields_of(self, module: str) -> bytes | None:
        """The settings/fields reply of a module, as it was last given: its own stream may have asked for it."""
        if module not in self._field_bodies:
            self._metadata_of(module)
        return self._field_bodies.get(module)

    def _module_names(self) -> list[str]:
        return [stream.api_name for stream in self._offered().streams if "path" not in stream.options]

    def _offered(self) -> Offer:
        with self._lock:
            if self._offer is None:
                try:
                    self._offer = offer(self._api, self._declared, self._selection, self._known_streams)
                except Problem as problem:
                    problem.located(source=self.name)
                    raise
            return self._offer
