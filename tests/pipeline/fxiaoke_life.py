"""Fxiaoke's part of a life: its acts, rights that shrink, its truth as an API user sees it, and what it neither stamps
nor lists."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any, ClassVar

from connectors.fxiaoke.api import query as query_room
from connectors.fxiaoke.api import source as source_room
from connectors.fxiaoke.api.source import FxiaokeApi
from tests.conftest import Sandbox
from tests.contract.fxiaoke_api_truth import STREAMS, FxiaokeApiTruth
from tests.pipeline.life import RECOMPUTED, REMOVED, RESTORED, Life, Once, begun
from tests.pipeline.observer import Snapshot, filled

ENTITIES = {
    "account_obj": "accounts",
    "contact_obj": "contacts",
    "new_opportunity_obj": "deals",
    "visit_report_c": "visit_reports",
}
SEED, SIZE = 11, 60
CLOCK = "2026-07-03T13:30:00+08:00"
PAGE = 15  # records: several pages of most objects
KINDS_OF_FIELDS = ("integer", "boolean", "text", "date", "currency")
QUERY, CUSTOM_QUERY = "/cgi/crm/v2/data/query", "/cgi/crm/custom/v2/data/query"
DESCRIBE, LIST = "/cgi/crm/v2/object/describe", "/cgi/crm/v2/object/list"
PATHS = (QUERY, QUERY, CUSTOM_QUERY, DESCRIBE, LIST)
_STAGES = ("验证客户", "需求确定", "方案/报价", "谈判审核", "赢单", "输单")
# What Fxiaoke neither stamps nor lists, so that no increment can see it.
VOIDED = "made void without a stamp"
LOST = "deleted for good, which no list tells"
HIDDEN = "out of the API user's sight"
SHOWN = "back in the API user's sight without a stamp"
COUNTED = "a version that was counted without a stamp"
_SWEPT, _READ = frozenset({"swept"}), frozenset({"full", "swept"})


class FxiaokeLife(Life):
    """One home and one tenant of Fxiaoke. stamps: whether 作废 moves last_modified_time."""

    crm = source = "fxiaoke"
    entities: ClassVar = ENTITIES
    stamp = "last_modified_time"
    reader = FxiaokeApi
    heals: ClassVar = {RESTORED: _READ, SHOWN: _READ, VOIDED: _SWEPT, LOST: _SWEPT, HIDDEN: _SWEPT}

    def __init__(self, sandbox: Sandbox, folder: Path) -> None:
        super().__init__(sandbox, folder)
        self.stamps = False
        self._denied: set[str] = set()
        self._unshared: set[str] = set()
        self._unseen: dict[str, set[str]] = defaultdict(set)
        self._was_unseen: dict[str, set[str]] = defaultdict(set)

    def snapshots(self) -> dict[str, Snapshot]:
        asked = Once(self.sandbox)
        truth = FxiaokeApiTruth(asked)
        found = {}
        for stream, entity in ENTITIES.items():
            unseen = self._unseen[stream]
            if stream in self._unshared:
                found[stream] = Snapshot({}, {}, {}, self.stamp)
                continue
            records = {id: filled(r) for id, r in truth.records(stream).items() if id not in unseen}
            gone = {
                id: datetime.fromisoformat(delete["time"])
                for id, delete in asked.truth("fxiaoke", entity)["deleted"].items()
                if not delete["permanent"] and id not in unseen
            }
            # A void record is on the list from the moment that its stamp says.
            maybe = gone.keys() & self._was_unseen[stream] if self.stamps else gone.keys()
            types = {name: field.type for name, field in truth.facts(stream).fields.items()}
            found[stream] = Snapshot(records, gone, types, self.stamp, frozenset(maybe))
        return found

    def created(self, entity: str, number: int) -> dict[str, Any]:
        made = {
            "accounts": {"name": f"新客户 {number}", "employee_count": number, "life_status": "正常"},
            "contacts": {"name": f"张 {number}", "account_id": self.pick("accounts", number), "life_status": "正常"},
            "visit_reports": {"name": f"R-{number}", "people__c": number, "life_status": "正常"},
            "deals": {
                "name": f"商机 {number}", "account_id": self.pick("accounts", number), "sales_stage": _STAGES[0],
                "sales_status": "进行中", "amount": number + 0.5, "probability": 10, "close_date": "2026-12-01",
                "life_status": "正常",
            },
        }  # fmt: skip
        return made[entity]

    def changed(self, entity: str, number: int) -> dict[str, Any]:
        changes = {
            "accounts": {"employee_count": number, "account_level": "重点客户" if number % 2 else None},
            "contacts": {"job_title": f"经理 {number}", "account_id": self.pick("accounts", number)},
            "visit_reports": {
                "cost__c": number + 0.25,
                "mood__c": "犹豫" if number % 3 else None,
                "topics__c": ["报价", "售后"][: number % 3],
            },
            "deals": {"amount": number + 0.25, "sales_stage": _STAGES[number % len(_STAGES)]},
        }
        return changes[entity]

    def own_name(self, kind: str, number: int) -> str:
        return f"Own_{kind}_{number}__c"

    def excuse(self, name: str, expected: Any, got: Any, truth: Snapshot) -> str:
        if name not in truth.types and name != "_id":
            return REMOVED
        return {"version": COUNTED, "probability": RECOMPUTED}.get(name, "")

    def late(self, stream: str, id: str, *, held: bool) -> str:
        return SHOWN if id in self._was_unseen[stream] else super().late(stream, id, held=held)

    def vanished(self, stream: str, id: str) -> str:
        if id in self._unseen[stream] or stream in self._unshared:
            return HIDDEN
        gone = self.sandbox.truth("fxiaoke", ENTITIES[stream])["deleted"][id]
        return LOST if gone["permanent"] else VOIDED

    def troubled(self, *, sweep: bool) -> set[str]:
        shrunk = {stream for stream, ids in self._unseen.items() if ids}
        return self._denied | self._unshared | shrunk

    def plant(self, *where: int) -> None:
        path, skip = where
        self.sandbox.fault("error_code", code=15003, times=1000, skip=skip, path=PATHS[path % len(PATHS)])

    def _recompute(self, pick: int, number: int) -> None:
        if id := self.pick("deals", pick):
            self.act("recompute", "deals", id=id, changes={"probability": number})

    def _rights(self, how: str, entity: str, number: int) -> None:
        """The administrator takes rights of the API user away, or gives all of them back."""
        stream = next(stream for stream, called in ENTITIES.items() if called == entity)
        if how == "denied":
            self._denied.add(stream)
        elif how == "unshared":
            self._unshared.add(stream)
            self._was_unseen[stream] |= self._ids(entity)
        elif how == "unseen":
            self._unseen[stream] |= set(sorted(self.sandbox.truth("fxiaoke", entity)["records"])[-number:])
            self._was_unseen[stream] |= self._unseen[stream]
        else:
            for stream in self._unshared:  # what came meanwhile, too
                self._was_unseen[stream] |= self._ids(ENTITIES[stream])
            self._denied.clear(), self._unshared.clear(), self._unseen.clear()
        self.sandbox.set(
            fxiaoke={
                "denied": [STREAMS[stream] for stream in sorted(self._denied)],
                "unshared": [STREAMS[stream] for stream in sorted(self._unshared)],
                "unseen": sorted(id for ids in self._unseen.values() for id in ids),
            }
        )

    def _ids(self, entity: str) -> set[str]:
        found = self.sandbox.truth("fxiaoke", entity)
        return found["records"].keys() | found["deleted"].keys()


@contextmanager
def life(home: Path | None, folder: Path, stamps: bool) -> Iterator[FxiaokeLife]:
    """A life in a tenant of which 作废 moves the stamp of a record, or does not."""
    sandbox = Sandbox(seed=SEED, size=SIZE, clock=CLOCK)
    with begun(FxiaokeLife, sandbox, home, folder, sandbox.fxiaoke) as (lived, patch):
        patch.setattr(query_room, "LIMIT", PAGE)
        patch.setattr(source_room, "POLICY", replace(source_room.POLICY, first_pause=0.0))
        sandbox.set(
            fxiaoke={"tokens": 100_000, "calls": 1_000_000, "daily": 10_000_000, "invalid_stamps": stamps}
        )
        lived.stamps = stamps
        yield lived
