"""Bulk Read: a job is asked for, waited for and fetched as a ZIP of one CSV, 200,000 records for 50 credits.

https://www.zoho.com/crm/developer/docs/api/v8/bulk-read/overview.html. The id heads the first column as `Id` (or
`id`), lookups are bare ids, no `$` properties. Whether jobs run side by side is not documented (measured: one
after the other), so a module's jobs are asked for one by one, and waited for long.
"""

from __future__ import annotations

import csv
import io
import time
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import msgspec

from connectors.core.errors import Actor, Problem
from connectors.core.http import BadBody, Policy
from connectors.core.verdicts import BAD_BODY, LATER
from connectors.zoho.api import Api

PATH = "/crm/bulk/v8/read"
JOB_CREDITS = 50
# Seconds. Whether a poll costs a credit is not documented, so few are made: no job was seen to end sooner.
_FIRST_PAUSE, _LONGEST_PAUSE, _PATIENCE = 3.0, 30.0, 3_600.0
_FETCH = Policy(read=120.0, deadline=1_800.0, largest_body=1 << 30)
_LARGEST_FILE, _LONGEST_CELL = 4 << 30, 64 << 20  # bytes
_FAILED = frozenset({"FAILURE", "FAILED"})


@dataclass(frozen=True, slots=True)
class Batch:
    """One job's file. token: leads to the next job; "" where there is none. more: there is a next job."""

    job: str
    page: int
    archive: bytes
    rows: int
    more: bool
    token: str


class _Details(msgspec.Struct):
    id: str


class _Added(msgspec.Struct):
    code: str = ""
    details: _Details | None = None


class _Creation(msgspec.Struct):
    data: list[_Added]


class _Result(msgspec.Struct):
    count: int
    more_records: bool = False
    next_page_token: str | None = None


class _Job(msgspec.Struct):
    state: str
    result: _Result | None = None


class _Status(msgspec.Struct):
    data: list[_Job]


class Bulk:
    """Jobs over one module. sleep, clock, patience: for tests."""

    def __init__(
        self,
        api: Api,
        module: str,
        fields: Sequence[str],
        *,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
        patience: Policy = _FETCH,
    ) -> None:
        self._api, self._module, self._fields = api, module, list(fields)
        self._sleep, self._clock, self._patience = sleep, clock, patience

    def batches(self, token: str = "", page: int = 1) -> Iterator[Batch]:
        """All records, job by job, or those behind a token. Raises Problem."""
        while True:
            job = self._ask(token, page)
            result = self._wait(job)
            # Fetched even when it holds nothing: the header proves that it is what was asked for.
            archive = self._fetch(job, result.count)
            token = result.next_page_token or ""
            yield Batch(job, page, archive, result.count, result.more_records, token)
            if not result.more_records:
                return
            page += 1

    def _ask(self, token: str, page: int) -> str:
        query: dict[str, Any] = {"module": {"api_name": self._module}, "fields": self._fields}
        query |= {"page_token": token} if token else {"page": page}
        added = self._api.post(
            PATH, {"query": query, "file_type": "csv"}, _of(_Creation), credits=JOB_CREDITS
        )
        details = added.data[0].details if added and added.data else None
        if details is None:
            raise self._problem("Zoho took no bulk job", "NO_JOB")
        return details.id

    def _wait(self, job: str) -> _Result:
        pause, ends = _FIRST_PAUSE, self._clock() + _PATIENCE
        while self._clock() < ends:
            self._sleep(pause)
            pause = min(_LONGEST_PAUSE, pause * 2)
            status = self._api.get_at(f"{PATH}/{job}", _of(_Status))
            found = status.data[0] if status and status.data else None
            if found and found.state == "COMPLETED" and found.result is not None:
                return found.result
            if found and found.state in _FAILED:
                raise self._problem(f"Zoho's bulk job {job} failed", "BULK_FAILED")
        raise self._problem(f"Zoho's bulk job {job} did not end within an hour", "BULK_SLOW")

    def _fetch(self, job: str, rows: int) -> bytes:
        def whole(body: bytes) -> bytes:
            with opened(body) as lines:
                header = next(lines, [])
                if missing := set(self._fields) - set(header):
                    what = f"Zoho's bulk file lacks {', '.join(sorted(missing))}"
                    raise self._problem(what, "BULK_FIELDS")
                found = _count(lines, len(header))
            if found != rows:
                raise BadBody(f"it announces {rows:,} records and holds {found:,}")
            return body

        try:
            archive = self._api.get_at(f"{PATH}/{job}/result", whole, policy=self._patience)
        except Problem as problem:
            if problem.code != BAD_BODY.code:
                raise
            raise self._problem(f"{problem.what} (bulk job {job})", "BULK_FILE") from problem
        if archive is None:
            raise self._problem(f"Zoho's bulk job {job} left no file", "BULK_FAILED")
        return archive

    def _problem(self, what: str, code: str) -> Problem:
        return unfit(what, self._module, code)


def unfit(what: str, module: str, code: str) -> Problem:
    """Not transient: what a job spoilt once it may spoil always, and there are other ways to read a module."""
    return Problem(what, do=LATER, actor=Actor.OPERATOR, where=f"{PATH} of {module}", code=code)


@contextmanager
def opened(archive: bytes) -> Iterator[Iterator[list[str]]]:
    """The lines of the CSV in an archive. Raises BadBody, also where the lines are read, when it is no such archive."""
    csv.field_size_limit(_LONGEST_CELL)
    try:
        with zipfile.ZipFile(io.BytesIO(archive)) as packed:
            (entry,) = packed.infolist()
            if entry.file_size > _LARGEST_FILE:
                raise BadBody(f"its file would have {entry.file_size:,} bytes")
            with packed.open(entry) as file:
                yield csv.reader(io.TextIOWrapper(file, "utf-8-sig", newline=""), strict=True)
    except (zipfile.BadZipFile, zlib.error, csv.Error, ValueError, EOFError, RuntimeError) as error:
        raise BadBody("it is not a ZIP of one CSV") from error


def _count(lines: Iterator[list[str]], width: int) -> int:
    """Records, every one read: what is kept can be read again."""
    count = 0
    for line in filter(None, lines):
        count += 1
        if len(line) != width:
            raise BadBody(f"its record {count:,} has {len(line)} cells for {width} columns")
    return count


def _of(kind: type[Any]) -> Callable[[bytes], Any]:
    decoder = msgspec.json.Decoder(kind)

    def parse(body: bytes) -> Any:
        try:
            return decoder.decode(body)
        except msgspec.DecodeError as error:
            raise BadBody("it does not describe a bulk job") from error

    return parse
