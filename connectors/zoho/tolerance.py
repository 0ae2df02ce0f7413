"""What a stream that nobody needs may lack without failing: a feature, a deleted list.

https://www.zoho.com/crm/developer/docs/api/v8/status-codes.html
"""

from __future__ import annotations

import logging
from collections.abc import Iterator

from connectors.core.contract import CursorKind, Page, Stream
from connectors.core.errors import Actor, Problem
from connectors.zoho.errors import FEATURE_OFF
from connectors.zoho.selection import MODULES

_log = logging.getLogger(__name__)

# No page says which modules have a deleted list, or tags; one that has none is read without.
NO_LIST = frozenset({"INVALID_MODULE", "INVALID_URL_PATTERN", "NOT_SUPPORTED", "MODULE_NOT_SUPPORTED"})

_NO_ADDRESS = frozenset({"INVALID_URL_PATTERN"})


def excused(stream: Stream, problem: Problem, kind: CursorKind = CursorKind.INCREMENTAL) -> bool:
    """Whether there is simply nothing to read, which is not a fault of anybody's: it stands in the log."""
    codes = FEATURE_OFF | (NO_LIST if kind is CursorKind.DELETED else frozenset())
    if "recipe" in stream.options:  # an edition without territories may have no such address at all
        codes |= _NO_ADDRESS
    if stream.needed or problem.code not in codes:
        return False
    _log.warning("zoho/%s: %s (%s); nothing is read", stream.name, problem.what, problem.code)
    return True


def unless_excused(stream: Stream, pages: Iterator[Page], kind: CursorKind) -> Iterator[Page]:
    """The same pages, or none where that is excused: before the first, and never of a sweep, which would bury."""
    begun = kind is CursorKind.SWEEP
    try:
        for page in pages:
            begun = True
            yield page
    except Problem as problem:
        if begun or not excused(stream, problem, kind):
            raise


def advised(stream: Stream, problem: Problem) -> Problem:
    """The same problem, placed; of a module that nobody needs it also says how to leave it out."""
    if not stream.needed and problem.actor is Actor.CRM_ADMIN and MODULES.deny not in problem.do:
        name = stream.name if "path" in stream.options else stream.api_name
        problem.do = f"{problem.do}; or leave it out: {MODULES.deny}={name}"
    return problem.located(source=stream.source, stream=stream.name)
