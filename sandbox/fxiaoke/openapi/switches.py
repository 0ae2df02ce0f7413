"""What a test may switch of Fxiaoke: limits, and each behaviour that no page settles (reference grade A)."""

from __future__ import annotations

from dataclasses import dataclass, field

from sandbox.admin.turning import Turning


@dataclass(slots=True)
class Switches(Turning):
    """How Fxiaoke behaves where its pages do not say, or where a test needs a smaller limit.

    ledger: whether the objects that follow a won deal are there (turned with the switch of Zoho's that has this name).
    generations: of authentication that are accepted: both, legacy or oauth. trace: whether thirdTraceId is enforced.
    tokens: token calls of a minute. calls, seconds: how many calls of one endpoint in how many (real) seconds.
    daily: calls of a day; 0: none were bought. page: the most rows of a query.
    denied: objects that the user has no right to; hidden: objects that are not there for the user; unlisted: objects
    that object/list leaves out though they answer; unshared: objects of which the user sees no record;
    unseen: ids of records that the user has no right to see.
    invalid_shown: whether a query that does not ask for it gives invalid rows. invalid_stamps, recover_stamps:
    whether 作废 and 恢复 move last_modified_time. invalid_field: whether life_status says so, or is_deleted alone.
    companions: whether `x__r` and `x__l` are there. numbers: as text or as json. totals: whether a query counts.
    between: whether BETWEEN holds its ends. short_page: the most rows that a page really has, whatever its limit
    (0: as many as the limit). strings: whether times are texts of digits. latency: seconds that every answer takes.
    """

    ledger: bool = False
    generations: str = "both"
    trace: bool = False
    tokens: int = 10
    calls: int = 100
    seconds: float = 20.0
    daily: int = 100_000
    denied: list[str] = field(default_factory=list)
    unlisted: list[str] = field(default_factory=list)
    unshared: list[str] = field(default_factory=list)
    unseen: list[str] = field(default_factory=list)
    hidden: list[str] = field(default_factory=list)
    page: int = 100
    invalid_shown: bool = True
    invalid_stamps: bool = False
    recover_stamps: bool = False
    invalid_field: bool = True
    companions: bool = True
    numbers: str = "text"
    totals: bool = True
    between: bool = True
    short_page: int = 0
    strings: bool = False
    latency: float = 0.0
