"""Which modules an organisation shows to the API user, and which of them become streams.

https://www.zoho.com/crm/developer/docs/api/v8/modules-api.html
"""

from __future__ import annotations

import logging
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, count
from typing import Any

import msgspec

from connectors.core.contract import Stream
from connectors.core.errors import Actor, Problem
from connectors.core.http import BadBody
from connectors.core.selection import Selection
from connectors.zoho.api import Api

_log = logging.getLogger(__name__)

RECORDS_PAGE = "https://www.zoho.com/crm/developer/docs/api/v8/get-records.html"
# Lines and links end with the record they belong to; no page promises a deleted list for them.
_LISTS_DELETES = frozenset({"default", "custom"})
_NO_ORPHANS = "its files leave out the entries of deleted records, as those of DealHistory do"
_LONGEST_NAME = 80  # characters: it becomes a folder and a table
_WORDS = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")


class Module(msgspec.Struct):
    """The keys we read of one module; anything may be missing."""

    api_name: Any = None
    id: Any = None
    generated_type: Any = None
    plural_label: Any = None
    api_supported: Any = True
    viewable: Any = True

    @property
    def readable(self) -> bool:
        """Whether the API serves it and the API user's profile may see it."""
        return bool(isinstance(self.api_name, str) and self.api_name and self.api_supported and self.viewable)


class _Reply(msgspec.Struct):
    modules: list[Module]


@dataclass(frozen=True, slots=True)
class Offer:
    """The streams that are read, a Problem for each needed module that cannot be seen, and the names of the
    modules that could be read and are not selected."""

    streams: tuple[Stream, ...]
    problems: tuple[Problem, ...]
    unread: tuple[str, ...] = ()


def offer(
    api: Api, declared: Sequence[Stream], selection: Selection, known: Mapping[str, str] | None = None
) -> Offer:
    """Compare declaration and selection with the organisation. Raises Problem when Zoho cannot be asked.

    known: the module that each stream has been of so far, by stream name.

    A module hidden by a profile looks like one that is not there, so a missing module is a Problem, unless
    its stream is declared `optional`: then a line in the log, of all of them, is enough. Streams with a `path` are no
    modules: they are there unless denied, users always.
    """
    modules = [m for m in api.get("settings/modules", {}, _parse) or [] if m.readable]
    seen = {m.api_name: m for m in modules}
    streams, problems, unread, unseen = [], [], [], []
    settings = [s for s in declared if "recipe" in s.options]
    for stream in declared:
        if stream in settings:
            continue
        if "path" in stream.options:
            streams.append(stream)
        elif not selection.wants(_names(stream), "", modelled=True):
            if stream.api_name in seen:
                unread.append(stream.api_name)
        elif stream.api_name in seen:
            streams.append(stream)
        elif stream.options.get("optional"):
            unseen.append(stream.api_name)
        else:
            problems.append(_hidden(stream))
    if unseen:
        _log.info("zoho: the API user sees no module %s; their tables stay as they are", ", ".join(unseen))
    found = _discovered(modules, declared, known or {})
    for stream, module in found:
        if selection.wants(_names(stream), _kind(module), modelled=False):
            streams.append(stream)
        else:
            unread.append(stream.api_name)
    # Last: by then the modules have asked for the metadata that some of these are made of.
    streams += [stream for stream in settings if not selection.denies(_names(stream))]
    everything = [*declared, *(stream for stream, _ in found)]
    problems += selection.unknown(name for stream in everything for name in _names(stream))
    return Offer(tuple(streams), tuple(problems), tuple(unread))


def _discovered(
    modules: Sequence[Module], declared: Sequence[Stream], known: Mapping[str, str]
) -> list[tuple[Stream, Module]]:
    """A stream for each module that is not declared. A name stays with its module; of new modules the oldest gets
    the plain one."""
    own = {api_name: name for name, api_name in known.items()}
    seen = {stream.api_name.casefold() for stream in declared}
    taken = {stream.name for stream in declared}
    found = []
    for module in sorted(modules, key=lambda m: (len(str(m.id)), str(m.id), m.api_name)):
        if module.api_name.casefold() in seen:
            continue
        seen.add(module.api_name.casefold())
        name = own.get(module.api_name, "")
        if not name or name in taken:
            name = _free(stream_name(module.api_name), str(module.id or ""), taken | known.keys())
        taken.add(name)
        found.append((_stream(name, module), module))
    return found


def stream_name(api_name: str) -> str:
    """snake_case of the CRM's own name: `Sales_Orders` and `SalesOrders` give `sales_orders`."""
    name = re.sub(r"[^a-z0-9]+", "_", _WORDS.sub("_", api_name).lower()).strip("_")
    return name[:_LONGEST_NAME].rstrip("_") or "module"


def _free(name: str, id: str, taken: Collection[str]) -> str:
    """Two modules may differ in their spelling only; the younger one carries its id, or a number where it has none."""
    suffixes = chain([""], [f"_{id}"] if id.isalnum() else [], (f"_{number}" for number in count(2)))
    return next(free for suffix in suffixes if (free := f"{name}{suffix}") not in taken)


def _stream(name: str, module: Module) -> Stream:
    label = module.plural_label if isinstance(module.plural_label, str) else ""
    return Stream(
        source="zoho", name=name, api_name=module.api_name, label=label or module.api_name, docs=RECORDS_PAGE,
        fields=(), stamp="Modified_Time", deletes=_kind(module) in _LISTS_DELETES, modelled=False,
        options={"no_bulk": _NO_ORPHANS} if module.api_name.endswith("History") else {},
    )  # fmt: skip


def _kind(module: Module) -> str:
    return str(module.generated_type or "")


def _names(stream: Stream) -> tuple[str, str]:
    return stream.api_name, stream.name


def _parse(body: bytes) -> list[Module]:
    try:
        return msgspec.json.decode(body, type=_Reply).modules
    except msgspec.DecodeError as error:
        raise BadBody("it is not a list of modules") from error


def _hidden(stream: Stream) -> Problem:
    return Problem(
        f"the API user sees no module {stream.api_name}",
        do=f"Show {stream.api_name} to the API user's profile and allow API access to it",
        actor=Actor.CRM_ADMIN,
        source=stream.source,
        stream=stream.name,
        where="GET /crm/v8/settings/modules",
        code="MODULE_NOT_VISIBLE",
    )
