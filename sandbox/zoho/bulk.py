"""Bulk Read: a job is asked for, waits in a queue, and leaves a file behind.

https://www.zoho.com/crm/developer/docs/api/v8/bulk-read/overview.html
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sandbox.admin.switches import Switches
from sandbox.company.clock import DAY
from sandbox.serving.rows import Served
from sandbox.zoho import bulk_query, errors
from sandbox.zoho.bulk_csv import archive
from sandbox.zoho.call import Attachment, Call, Reply
from sandbox.zoho.offer import Offer
from sandbox.zoho.store import Store
from sandbox.zoho.views import Token, Views, Wish

JOB_CREDITS = 50
DOWNLOADS = 10  # in a minute
KEPT = 1 * DAY  # how long a file can be fetched


@dataclass(slots=True)
class Job:
    """A job and what it will give; `file` is written when it is completed."""

    id: str
    query: bulk_query.Query
    created: int
    page: int
    rows: Sequence[Served]
    more: bool
    following: str | None
    state: str = "ADDED"
    polls: int = 0
    count: int = 0
    file: bytes = b""


class BulkRead:
    """`/crm/bulk/v8`. A job's records are chosen when it is asked for and written as they are when it completes."""

    def __init__(self, store: Store, switches: Switches, views: Views) -> None:
        self._store, self._switches, self._views = store, switches, views
        self._offer = Offer(switches, store.customised.modules)
        self._jobs: dict[str, Job] = {}
        self._downloads = 0

    def answer(self, call: Call) -> Reply:
        """Find the handler of a path. Raises Refusal."""
        match call.method, call.path:
            case "POST", ("read",):
                return self._create(call)
            case "GET", ("read", id):
                return self._status(self._job(id, call.now))
            case "GET", ("read", id, "result"):
                return self._result(self._job(id, call.now))
        raise errors.no_such_url()

    def fail(self, id: str) -> None:
        """The job breaks over there (a planted fault)."""
        if id in self._jobs:
            self._jobs[id].state = "FAILURE"

    def _create(self, call: Call) -> Reply:
        query = bulk_query.parse(call.body, self._store, self._offer)
        id = str(554_023_900_000_000_000 + (len(self._jobs) + 1) * 1000)
        self._jobs[id] = Job(id, query, call.now, *self._select(query, call.now))
        details = {
            "id": id, "operation": "read", "state": "ADDED", "created_by": self._creator(),
            "created_time": self._store.stamper()(call.now),
        }  # fmt: skip
        added = {"status": "success", "code": "ADDED_SUCCESSFULLY", "message": "Added successfully."}
        return Reply(201, {"data": [{**added, "details": details}], "info": {}}, JOB_CREDITS)

    def _select(self, query: bulk_query.Query, now: int) -> tuple[int, list[Served], bool, str | None]:
        module, size = query.module, self._switches.bulk_rows
        table = self._store.table(module)
        view = self._views.of(table, Wish(module.entity, "id", False, None, self._converted(module.api_name)))
        rows, start, page = view.rows, (query.page - 1) * size, query.page
        if query.test is not None:
            rows = [row for row in rows if query.test(row)]
        if module.parent and not self._switches.bulk_orphans:
            there = self._store.there(module.fields[module.parent].target or "")
            rows = [row for row in rows if row.values[module.parent] in there]
        if query.token is not None:
            token = Token.parse(query.token, query.bound, now, self._switches.token_life)
            rows, start, page = [row for row in rows if row.id > token.key[1]], 0, token.page
        part, more = rows[start : start + size], len(rows) > start + size
        following = Token(query.bound, (0, part[-1].id), start + size, page + 1, now).text() if more else None
        return page, part, more, following

    def _converted(self, module: str) -> bool | None:
        return False if module == "Leads" and not self._switches.bulk_converted else None

    def _creator(self) -> dict[str, Any]:
        me = self._store.me()
        return {"id": me.id, "name": me.values["full_name"]}

    def _job(self, id: str, now: int) -> Job:
        job = self._jobs.get(id)
        if job is None or now - job.created >= KEPT:
            raise errors.not_found(id)
        return job

    def _status(self, job: Job) -> Reply:
        """Each poll is a step: QUEUED, IN PROGRESS as often as the switch says, COMPLETED."""
        if job.state not in ("COMPLETED", "FAILURE"):
            job.polls += 1
            if job.polls > self._switches.bulk_polls:
                self._complete(job)
            else:
                job.state = "QUEUED" if job.polls == 1 else "IN PROGRESS"
        query = job.query
        described = {
            "id": job.id, "operation": "read", "state": job.state, "file_type": "csv",
            "query": {**query.asked, "module": {"api_name": query.module.api_name, "id": query.module.id}},
            "created_by": self._creator(), "created_time": self._store.stamper()(job.created),
        }  # fmt: skip
        done = job.state == "COMPLETED"
        # Zoho's samples show a result before there is one: only the state says whether it counts.
        described["result"] = {
            "page": job.page, "per_page": self._switches.bulk_rows, "count": job.count,
            "download_url": f"/crm/bulk/v8/read/{job.id}/result", "more_records": done and job.more,
        }  # fmt: skip
        if done and job.following:
            described["result"]["next_page_token"] = job.following
        return Reply(200, {"data": [described]})

    def _complete(self, job: Job) -> None:
        switches = self._switches
        job.file = archive(
            job.id, self._store, job.query.fields, job.rows, switches.bulk_id, switches.bulk_separator
        )
        job.count, job.state, job.rows = len(job.rows), "COMPLETED", ()

    def _result(self, job: Job) -> Reply:
        """The file. The eleventh download of a minute is refused; whoever was refused has waited the minute."""
        if job.state != "COMPLETED":
            raise errors.not_found("result")
        if self._downloads >= DOWNLOADS:
            self._downloads = 0
            raise errors.too_many_requests()
        self._downloads += 1
        return Reply(200, Attachment(f"{job.id}.zip", job.file))
