"""Which objects a tenant shows to the API user, and which of them become streams."""

from __future__ import annotations

import logging
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from connectors.core.contract import Stream
from connectors.core.errors import Actor, Problem
from connectors.core.http import BadBody
from connectors.core.selection import Selection
from connectors.fxiaoke.api.api import LIST, Api

_log = logging.getLogger(__name__)
DOCS = "https://open.fxiaoke.com"
STAMP = "last_modified_time"
_WORDS = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")


class ObjectMeta(msgspec.Struct):
    """The keys we read of one object; anything may be missing."""

    describeApiName: Any = None
    describeDisplayName: Any = None
    isActive: Any = True


class _Data(msgspec.Struct):
    objects: list[ObjectMeta]


class _Reply(msgspec.Struct):
    data: _Data


@dataclass(frozen=True, slots=True)
class Offer:
    """The streams that are read, a Problem for each needed object that cannot be seen, and the names of the objects
    that could be read and are not selected."""

    streams: tuple[Stream, ...]
    problems: tuple[Problem, ...]
    unread: tuple[str, ...] = ()


def offer(
    api: Api,
    source: str,
    declared: Sequence[Stream],
    selection: Selection,
    known: Mapping[str, str] | None = None,
) -> Offer:
    """Compare declaration and selection with the tenant. Raises Problem when Fxiaoke cannot be asked.

    known: the object that each stream has been of so far, by stream name.

    An object hidden by a right looks like one that is not there, so one that is missing is a Problem, unless its
    stream is declared `optional`. One that is declared `unlisted` is asked for all the same: whether the list holds
    people and departments is not known.
    """
    seen = {o.describeApiName: o for o in api.post(LIST, {}, _parse) if _readable(o)}
    streams, problems, unread, unseen = [], [], [], []
    for stream in declared:
        if not selection.wants(_names(stream), modelled=True):
            unread.append(stream.api_name)
        elif stream.api_name in seen or stream.options.get("unlisted"):
            streams.append(stream)
        elif stream.options.get("optional"):
            unseen.append(stream.api_name)
        else:
            problems.append(_hidden(stream))
    if unseen:
        _log.info(
            "%s: the API user sees no object %s; their tables stay as they are", source, ", ".join(unseen)
        )
    found = _discovered(source, list(seen.values()), declared, known or {})
    for stream in found:
        if selection.wants(_names(stream), modelled=False):
            streams.append(stream)
        else:
            unread.append(stream.api_name)
    problems += selection.unknown(name for stream in (*declared, *found) for name in _names(stream))
    for problem in problems:
        problem.located(source=source)
    return Offer(tuple(streams), tuple(problems), tuple(unread))


def stream_name(api_name: str) -> str:
    """snake_case of the CRM's own name: `SalesOrderObj` gives `sales_order_obj`, `visit__c` gives `visit_c`."""
    return re.sub(r"[^a-z0-9]+", "_", _WORDS.sub("_", api_name).lower()).strip("_") or "object"


def _discovered(
    source: str, objects: Sequence[ObjectMeta], declared: Sequence[Stream], known: Mapping[str, str]
) -> list[Stream]:
    """A stream for each object that is not declared, in the order of their names. A name stays with its object."""
    own = {api_name: name for name, api_name in known.items()}
    seen = {stream.api_name for stream in declared}
    taken = {stream.name for stream in declared}
    found = []
    for facts in sorted(objects, key=lambda o: str(o.describeApiName)):
        name = str(facts.describeApiName)
        if name in seen:
            continue
        free = own.get(name, "")
        if not free or free in taken:
            free = _free(stream_name(name), taken | known.keys())
        taken.add(free)
        label = facts.describeDisplayName if isinstance(facts.describeDisplayName, str) else ""
        found.append(
            Stream(
                source=source, name=free, api_name=name, label=label or name, docs=DOCS, fields=(), key="_id",
                stamp=STAMP, deletes=True, modelled=False,
            )
        )  # fmt: skip
    return found


def _free(name: str, taken: Collection[str]) -> str:
    """Two names may differ in their spelling only; the later one carries a number."""
    number = 2
    free = name
    while free in taken:
        free, number = f"{name}_{number}", number + 1
    return free


def _readable(facts: ObjectMeta) -> bool:
    return (
        isinstance(facts.describeApiName, str) and bool(facts.describeApiName) and facts.isActive is not False
    )


def _names(stream: Stream) -> tuple[str, str]:
    return stream.api_name, stream.name


def _parse(body: bytes) -> list[ObjectMeta]:
    try:
        return msgspec.json.decode(body, type=_Reply).data.objects
    except msgspec.DecodeError as error:
        raise BadBody("it is not a list of objects") from error


def _hidden(stream: Stream) -> Problem:
    return Problem(
        f"the API user sees no object {stream.api_name} ({stream.label})",
        do=f"Give the API user the right to see {stream.label}, or leave it out: FXIAOKE_OBJECTS_EXCEPT="
        f"{stream.api_name}",
        actor=Actor.CRM_ADMIN,
        source=stream.source,
        stream=stream.name,
        where=f"POST {LIST}",
        code="OBJECT_NOT_VISIBLE",
    )
