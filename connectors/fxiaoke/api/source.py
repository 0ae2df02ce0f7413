"""One tenant of Fxiaoke behind the `Source` contract."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
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
from connectors.core.errors import Actor, Problem
from connectors.core.http import HttpClient
from connectors.core.limits import Limiter, Meter
from connectors.fxiaoke.api.api import POLICY, Api
from connectors.fxiaoke.api.areas import Labels, areas
from connectors.fxiaoke.api.auth import OAUTH, TOKEN_PATHS, Credentials, keeper
from connectors.fxiaoke.api.clouds import DEFAULT, hosts
from connectors.fxiaoke.api.describe import IS_DELETED, LIFE_STATUS, Reading, describe, has_areas, reading
from connectors.fxiaoke.api.errors import QUOTA_REACHED, STOPS
from connectors.fxiaoke.api.examine import Examination
from connectors.fxiaoke.api.objects import Offer, offer
from connectors.fxiaoke.api.pace import Pace
from connectors.fxiaoke.api.query import (
    LIMIT,
    deleted_shape,
    read_by_ids,
    read_gone,
    read_listed,
    read_records,
    read_sweep,
    read_totals,
    read_void,
    sweep_shape,
)
from connectors.fxiaoke.api.quota import Quota
from connectors.fxiaoke.api.selection import OBJECTS

Clients = Callable[[str], HttpClient]


class FxiaokeApi(Source):
    """Opening it asks nothing; the first call that needs Fxiaoke does."""

    name = "fxiaoke"
    listed_at_once = LIMIT
    tells_all_deletes = False  # what is removed from among the void records is shown nowhere

    def __init__(
        self, context: SourceContext, declared: Sequence[Stream], clients: Clients | None = None
    ) -> None:
        values = context.values
        self.org, self.usage = context.org, Usage()
        self._declared, self._known = declared, context.known_streams
        self._timezone = context.timezone
        try:
            credentials = Credentials(
                base_url=(values.get("FXIAOKE_BASE_URL") or DEFAULT).strip().rstrip("/"),
                app_id=values["FXIAOKE_APP_ID"],
                app_secret=values["FXIAOKE_APP_SECRET"],
                permanent_code=values["FXIAOKE_PERMANENT_CODE"],
                user_id=values["FXIAOKE_USER_ID"].strip(),
                generation=values.get("FXIAOKE_AUTH") or OAUTH,
            )
            self._selection = OBJECTS.parse(values.get(OBJECTS.allow, ""), values.get(OBJECTS.deny, ""))
            self._personal = _choice(values.get("FXIAOKE_PERSONAL_DATA") or "off", ("off", "on")) == "on"
            self._void = _choice(
                values.get("FXIAOKE_VOID_FIELD") or LIFE_STATUS,
                (LIFE_STATUS, IS_DELETED),
                "FXIAOKE_VOID_FIELD",
            )
            self._quota = Quota.of(values, context.cache / f"fxiaoke-{credentials.digest()}.calls")
            self._clients = _Clients(context, credentials.base_url, Meter(self.usage), self._quota)
        except Problem as problem:
            raise problem.located(source=self.name) from problem.__cause__
        client = clients or self._clients
        tokens = keeper(credentials, client(TOKEN_PATHS[credentials.generation]), context.cache)
        self._api = Api(client, tokens, credentials)
        self._lock = threading.Lock()
        self._offer: Offer | None = None
        self._areas: Mapping[str, Labels] | None = None
        self._readings: dict[str, Reading] = {}

    def streams(self) -> Sequence[Stream]:
        """The selected objects that the tenant shows to the API user."""
        return self._offered().streams

    def problems(self) -> Sequence[Problem]:
        """Objects that the declaration or the settings need and the API user does not see."""
        return self._offered().problems

    def kinds(self, stream: Stream) -> Sequence[CursorKind]:
        """Changes first: a record made void in between is then among the void ones."""
        return (CursorKind.INCREMENTAL, CursorKind.DELETED)

    def can_sweep(self, stream: Stream) -> bool:
        """Every object: whether making a record void moves its stamp is not documented."""
        return True

    def can_total(self, stream: Stream) -> Untold | None:
        """Every object."""
        return None

    def totals(
        self, stream: Stream, sums: Sequence[str] = (), after: str = "", until: str = ""
    ) -> Totals | Untold:
        """Living records by Fxiaoke's `total`; it gives no sums."""
        if self._quota.left() == 0:
            return Untold("the calls of this day that are ours are used up")
        try:
            return read_totals(self._api, stream, self._reading(stream), sums, after, until)
        except Problem as problem:
            if problem.code in {*STOPS, QUOTA_REACHED.code}:
                return Untold(problem.what)
            raise _advised(stream, problem) from problem.__cause__

    def listed(self, stream: Stream, fields: Sequence[str], after: str = "", until: str = "") -> Listing:
        """Living records in the order of `_id`."""
        try:
            return read_listed(self._api, stream, self._reading(stream), fields, after, until)
        except Problem as problem:
            raise _advised(stream, problem) from problem.__cause__

    def gone(self, stream: Stream, ids: Collection[str], since: datetime) -> Mapping[str, datetime | None]:
        """Those that are void, whenever they became so."""
        try:
            return read_gone(self._api, stream, self._reading(stream), ids)
        except Problem as problem:
            raise _advised(stream, problem) from problem.__cause__

    def shape(self, stream: Stream, kind: CursorKind) -> Shape:
        """Asks for the object's describe each time; the next `read` of the stream goes by it."""
        if kind is CursorKind.DELETED:
            return deleted_shape(stream)
        found = self._read_metadata(stream)
        return sweep_shape(stream, found) if kind is CursorKind.SWEEP else found.shape

    def read(self, stream: Stream, window: Window) -> Iterator[Page]:
        """Pages by `_id`. A read goes on behind any page, and only its last page moves the cursor."""
        try:
            yield from self._pages(stream, window)
        except Problem as problem:
            raise _advised(stream, problem) from problem.__cause__

    def clock(self) -> datetime | None:
        """By the Date of its answers."""
        return self._api.clock

    def examine(self) -> Iterator[Finding]:
        """Objects that cannot be read and what to grant, people, the day's calls, and what a run costs."""
        look = Examination(self._api, self._offered(), self._quota, self._read_metadata)
        yield from look.findings()

    def close(self) -> None:
        """Give back connections."""
        self._clients.close()

    def _pages(self, stream: Stream, window: Window) -> Iterator[Page]:
        found = self._reading(stream)
        if window.kind is CursorKind.SWEEP:
            return read_sweep(self._api, stream, found)
        if window.kind is CursorKind.DELETED:
            return read_void(self._api, stream, found, window.since, window.resume)
        if window.kind not in (CursorKind.INCREMENTAL, CursorKind.BACKFILL):
            raise ValueError(f"{self.name} has no {window.kind} read")
        if window.keys:
            return read_by_ids(self._api, stream, found, window.keys)
        return read_records(self._api, stream, found, window.since, window.resume)

    def _reading(self, stream: Stream) -> Reading:
        return self._readings.get(stream.name) or self._read_metadata(stream)

    def _read_metadata(self, stream: Stream) -> Reading:
        try:
            metas = describe(self._api, stream.api_name)
            found = reading(
                stream,
                metas,
                self._timezone,
                void=self._void,
                personal=self._personal,
                areas=self._named_areas(stream) if has_areas(metas) else {},
            )
        except Problem as problem:
            raise _advised(stream, problem) from problem.__cause__
        self._readings[stream.name] = found
        return found

    def _named_areas(self, stream: Stream) -> Mapping[str, Labels]:
        """The same for all objects, so asked for once."""
        with self._lock:
            if self._areas is None:
                self._areas = areas(self._api, stream.api_name)
            return self._areas

    def _offered(self) -> Offer:
        with self._lock:
            if self._offer is None:
                try:
                    self._offer = offer(self._api, self.name, self._declared, self._selection, self._known)
                except Problem as problem:
                    raise problem.located(source=self.name) from problem.__cause__
            return self._offer


class _Clients:
    """An HTTP client for each endpoint, since each has its own rate. Thread-safe."""

    def __init__(self, context: SourceContext, base_url: str, meter: Meter, quota: Quota) -> None:
        self._hosts, self._quota = hosts(base_url, loopback=context.allow_loopback), quota
        self._meter, self._lock = meter, threading.Lock()
        self._made: dict[str, HttpClient] = {}

    def __call__(self, path: str) -> HttpClient:
        with self._lock:
            if path not in self._made:
                self._made[path] = HttpClient(
                    hosts=self._hosts,
                    limiter=self._limiter(path),
                    meter=self._meter,
                    policy=POLICY,
                    threads=4,
                )
            return self._made[path]

    def _limiter(self, path: str) -> Limiter:
        """Tokens are no calls of the day, and are asked for one at a time."""
        if path in TOKEN_PATHS.values():
            return Limiter(1)
        return Pace(each=lambda: self._quota.spend(f"POST {path}"))

    def close(self) -> None:
        """Give back all connections."""
        with self._lock:
            for client in self._made.values():
                client.close()


def _advised(stream: Stream, problem: Problem) -> Problem:
    """The same problem, placed; of an object that nobody needs it also says how to leave it out."""
    if not stream.needed and problem.actor is Actor.CRM_ADMIN and problem.code == "15003":
        problem.do = f"{problem.do}; or leave it out: {OBJECTS.deny}={stream.api_name}"
    return problem.located(source=stream.source, stream=stream.name)


def _choice(text: str, choices: tuple[str, ...], setting: str = "FXIAOKE_PERSONAL_DATA") -> str:
    if text not in choices:
        raise Problem(
            f"the setting {setting} is {text!r}", do=f"Set it to {' or '.join(choices)}", code="SETTINGS"
        )
    return text
