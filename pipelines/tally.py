"""What a reconciliation found, as plain data: for the diary, the ops tables and people."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from enum import StrEnum

import msgspec

MOST_ITEMS = 100  # of a measure, kept; `more` counts the others


class Verdict(StrEnum):
    """EXPLAINED: every difference heals by itself at a time that is told, or a person decided it. NOT_ASKED: the
    source could not or should not be asked; `why` says it."""

    AGREES = "agrees"
    EXPLAINED = "explained"
    DIFFERS = "differs"
    NOT_ASKED = "not_asked"


class What(StrEnum):
    """How a record differs."""

    MISSING_HERE = "missing_here"
    MISSING_THERE = "missing_there"
    DIFFERS = "differs"


class Because(StrEnum):
    """Why a record differs. The first group heals, or somebody decided it; the second is nobody's wish."""

    SET_ASIDE = "set_aside"
    DROPPED = "dropped"
    WAITING = "waiting"
    CHANGED_SINCE = "changed_since"
    DELETED_SINCE = "deleted_since"
    DELETED_WITHOUT_STAMP = "deleted_without_stamp"
    CHANGED_WITHOUT_STAMP = "changed_without_stamp"
    RESTORED_WITHOUT_STAMP = "restored_without_stamp"
    NO_DELETED_LIST = "no_deleted_list"
    GONE_WITHOUT_TRACE = "gone_without_trace"
    UNREADABLE = "unreadable"

    NEVER_RECEIVED = "never_received"
    LOST_HERE = "lost_here"
    ALTERED_HERE = "altered_here"
    STALE_HERE = "stale_here"
    NOT_BROUGHT = "not_brought"
    BURIED_ONLY_IN_NAME = "buried_only_in_name"
    DOUBLED = "doubled"
    SHOWN_NEITHER = "shown_neither"
    MISREAD = "misread"
    WRONG_TOTAL = "wrong_total"


EXPLAINED = frozenset(
    {
        Because.SET_ASIDE, Because.DROPPED, Because.WAITING, Because.CHANGED_SINCE, Because.DELETED_SINCE,
        Because.DELETED_WITHOUT_STAMP, Because.CHANGED_WITHOUT_STAMP, Because.RESTORED_WITHOUT_STAMP,
        Because.NO_DELETED_LIST,
        Because.GONE_WITHOUT_TRACE, Because.UNREADABLE,
    }
)  # fmt: skip

BROUGHT_BY_KEY = frozenset(
    {
        Because.NEVER_RECEIVED, Because.NOT_BROUGHT, Because.STALE_HERE, Because.RESTORED_WITHOUT_STAMP,
        Because.CHANGED_WITHOUT_STAMP,
    }
)  # fmt: skip
"""What reading these records by their keys mends."""

SENTENCES: dict[Because, str] = {
    Because.SET_ASIDE: "it waits in quarantine: `crm-warehouse quarantine list`",
    Because.DROPPED: "somebody decided to leave it out of the warehouse",
    Because.WAITING: "it lies in a package that is not loaded yet",
    Because.CHANGED_SINCE: "it changed there after it was read; the next sync brings it",
    Because.DELETED_SINCE: "it was deleted there after it was read; the next sync marks it",
    Because.DELETED_WITHOUT_STAMP: "it was deleted there and no list of deletes since then says so; the next sweep "
    "marks it",
    Because.CHANGED_WITHOUT_STAMP: "its value changed there without a new stamp, as formulas and rollups do; the next "
    "full read (CRM_WAREHOUSE_REFRESH_DAYS) renews it",
    Because.RESTORED_WITHOUT_STAMP: "it was restored there without a new stamp; the next sweep brings it back",
    Because.NO_DELETED_LIST: "it is gone there and the CRM keeps no deleted list of its kind; the next sweep marks it",
    Because.GONE_WITHOUT_TRACE: "the CRM shows it no more, neither as living nor as void: it was removed for good, or "
    "is hidden from the API user; the next sweep marks it",
    Because.NEVER_RECEIVED: "no read ever brought it, though it is older than what was read; run `crm-warehouse sync "
    "--sweep`, which reads it by key",
    Because.LOST_HERE: "it was received and loaded, and is not in the table; run `crm-warehouse rebuild`",
    Because.ALTERED_HERE: "the table does not hold the value that was loaded; run `crm-warehouse rebuild`",
    Because.STALE_HERE: "a newer version, which the last read should have brought, is not here; run "
    "`crm-warehouse sync --full`",
    Because.NOT_BROUGHT: "the last run said that this sync would bring it, and it did not; run `crm-warehouse sync "
    "--full`",
    Because.BURIED_ONLY_IN_NAME: "the CRM said that it was deleted, and the table shows it still; run `crm-warehouse "
    "rebuild`",
    Because.DOUBLED: "the table holds it twice; run `crm-warehouse rebuild`",
    Because.SHOWN_NEITHER: "the CRM shows it neither among its records nor among the deleted ones: it may be hidden "
    "from the API user; the next sweep marks it as deleted",
    Because.UNREADABLE: "a cell cannot be read as a number, so its row is set aside",
    Because.MISREAD: "the cell was not typed as it stands in the file; report it with the package folder",
    Because.WRONG_TOTAL: "the file's own row of totals says something else than its rows add up to",
}


class Item(msgspec.Struct, frozen=True, kw_only=True):
    """One difference. record: its key; of a file the place of the cell. field: empty where the whole record is meant.

    stamp: of the CRM's version. ours, theirs: values; None is nothing.
    """

    record: str
    what: What
    because: Because
    field: str = ""
    ours: Decimal | None = None
    theirs: Decimal | None = None
    stamp: datetime | None = None

    @property
    def explained(self) -> bool:
        """It heals, or somebody decided it."""
        return self.because in EXPLAINED


class Measure(msgspec.Struct, frozen=True, kw_only=True):
    """One total of one stream. measure: `rows`, or the field that is summed.

    ours: of the living records in the table (of a file: as its rows were typed). set_aside: records that wait for
    somebody or for a package before them. why: what a person should know beside the items. calls: API calls, told
    with the first measure of a stream. more: items beyond those that are kept.
    """

    rule: str
    measure: str
    verdict: Verdict
    ours: Decimal | None = None
    theirs: Decimal | None = None
    set_aside: int = 0
    why: str = ""
    calls: int = 0
    items: list[Item] = []
    more: int = 0

    @property
    def difference(self) -> Decimal | None:
        """Theirs less ours; None where they were not asked."""
        return None if self.ours is None or self.theirs is None else self.theirs - self.ours
