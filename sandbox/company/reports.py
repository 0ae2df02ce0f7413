"""What Fxiaoke's tenant keeps in an object of its own: reports of visits.

It has dice and ids of its own, so that the sales of a seed are the same with and without it.
"""

from __future__ import annotations

from sandbox.company.chance import Chance
from sandbox.company.clock import HISTORY_BEGINS, OPENING, day_starts, local_day, office_iso
from sandbox.company.side import Side

_FIRST, _OPENING = local_day(HISTORY_BEGINS), local_day(OPENING)
_EVERY = 3  # days between two reports before the opening
MOODS, TOPICS = ("积极", "犹豫", "着急"), ("报价", "交期", "售后")


class Reports:
    """One every few days; after the opening one is made and one edited daily, and one made void every third day."""

    def __init__(self, side: Side, seed: int) -> None:
        self._side, self._chance = side, Chance(seed + 104_729)
        self._ids: list[str] = []
        self._serial = 0

    def begin(self) -> None:
        """The first day; each plans the next."""
        self._side.agenda.at(day_starts(_FIRST + 1), self._day)

    def _day(self) -> None:
        agenda, day = self._side.agenda, self._side.agenda.today
        opened, due = day >= _OPENING, not day % _EVERY
        for act, wanted in (
            (self._make, opened or due),
            (self._edit, opened or not day % 7),
            (self._drop, due if opened else not day % 60),
        ):
            if wanted:
                agenda.at(day_starts(day) + 9 * 3600 + self._chance.below(32_000), act)
        agenda.at(day_starts(day + 1), self._day)

    def _make(self) -> None:
        side, chance = self._side, self._chance
        account = chance.favour(side.accounts)
        self._serial += 1
        id = f"{side.agenda.now:08x}beef0000{self._serial:08x}"
        changes = {
            "name": f"BF{self._serial:06d}", "account_id__c": account.id, "owner": account.owner.id,
            "visited__c": office_iso(side.agenda.now), "mood__c": chance.pick(MOODS),
            "topics__c": list(TOPICS[: chance.below(4)]) or None, "people__c": 1 + chance.below(6),
            "score__c": chance.below(1000) / 10, "done__c": chance.percent(50), "life_status": "正常",
        }  # fmt: skip
        if chance.percent(60):
            changes["cost__c"] = chance.below(90_000) / 100
        side.created("visit_reports", id, account.owner.id, changes)
        self._ids.append(id)

    def _edit(self) -> None:
        if self._ids:
            changes = {"done__c": True, "notes__c": f"回访 {self._chance.below(99)}"}
            self._side.updated("visit_reports", self._chance.pick(self._ids), self._side.admin, changes)

    def _drop(self) -> None:
        if len(self._ids) > 3:
            self._side.deleted("visit_reports", self._ids.pop(self._chance.below(len(self._ids))))
