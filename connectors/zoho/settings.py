"""Settings of an organisation as rows: roles, profiles, currencies, pipelines, stages, tags, field metadata.

Where a reply's rows do not say what they belong to (the fields of which module, the stages of which pipeline),
what was asked for is written into each row, before what was received, which stays byte for byte.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from connectors.core.contract import Page, Stream
from connectors.core.errors import Problem
from connectors.core.http import BadBody
from connectors.core.verdicts import BAD_BODY
from connectors.zoho.api import VERSION, Api
from connectors.zoho.errors import STALE_TOKEN
from connectors.zoho.progress import Turning
from connectors.zoho.tolerance import NO_LIST

_log = logging.getLogger(__name__)

_STAGED = "Deals"  # the module that pipelines are of
# Codes that would meet every module alike.
FOR_ALL = STALE_TOKEN | {"OAUTH_SCOPE_MISMATCH", "NO_CREDITS"}
_NAME = msgspec.defstruct("_Name", [("id", Any, None), ("api_name", Any, None), ("display_value", Any, None)])


@dataclass(frozen=True, slots=True)
class Asking:
    """Whom to ask. modules: the modules that are read; fields_of: the settings/fields reply of a module; told:
    replies of which several streams are made, by path and what was asked; tagged: the modules that may have tags."""

    api: Api
    modules: Sequence[str]
    fields_of: Callable[[str], bytes | None]
    told: dict[tuple[str, str], bytes | None] = field(default_factory=dict)
    tagged: Sequence[str] = ()

    def tags_of(self, module: str) -> bytes | None:
        """The tags of a module. Raises Problem."""
        return self.api.get("settings/tags", {"module": module}, _checked("tags"))

    def once(self, path: str, name: str, value: str, records: str) -> bytes | None:
        """The reply of a path asked with one parameter. Raises Problem."""
        if (path, value) not in self.told:
            self.told[path, value] = self.api.get(path, {name: value}, _checked(records))
        return self.told[path, value]


def read_settings(asking: Asking, stream: Stream) -> Iterator[Page]:
    """All rows of a settings stream. Raises Problem."""
    try:
        yield from RECIPES[stream.options["recipe"]](asking, stream)
    except BadBody as bad:
        raise BAD_BODY.problem(f"GET {VERSION}{stream.options['path']}", detail=str(bad)) from bad


def rows_at(body: bytes, name: str) -> list[msgspec.Raw]:
    """The rows of a reply, as received. Raises BadBody when it is not such a reply."""
    try:
        if name not in msgspec.json.decode(body, type=dict[str, msgspec.Raw]):
            raise BadBody(f"it does not hold a list of {name}")
    except msgspec.DecodeError as error:
        raise BadBody(f"it does not hold a list of {name}") from error
    rows = _list_in(msgspec.Raw(body), name)
    for row in rows:
        _named(row)
    return rows


def _list_in(outer: msgspec.Raw, name: str) -> list[msgspec.Raw]:
    try:
        held = msgspec.json.decode(outer, type=dict[str, msgspec.Raw]).get(name)
        return [] if held is None else msgspec.json.decode(held, type=list[msgspec.Raw] | None) or []
    except msgspec.DecodeError as error:
        raise BadBody(f"it does not hold a list of {name}") from error


def _plain(asking: Asking, stream: Stream) -> Iterator[Page]:
    path, records, number, more = stream.options["path"], stream.options["records"], 1, True
    turning = Turning(f"GET {VERSION}{path}")

    def counted(body: bytes) -> tuple[bytes, int, bool]:
        return body, len(rows_at(body, records)), _has_more(body)

    while more:
        params = {} if number == 1 else {"page": str(number)}  # most of these lists know no pages
        got = asking.api.get(path, params, counted)
        if got is None:
            return
        body, rows, more = got
        turning.turn(body)
        yield Page(body, rows, 0, f"{VERSION}{path}?page={number}")
        number += 1


def _has_more(body: bytes) -> bool:
    info = msgspec.json.decode(body, type=dict[str, msgspec.Raw]).get("info")
    found = msgspec.json.decode(info) if info is not None else None
    return bool(isinstance(found, dict) and found.get("more_records"))


def _fields(asking: Asking, stream: Stream) -> Iterator[Page]:
    for module, rows in _by_module(asking.modules, asking.fields_of, stream, []):
        told = [({"_key": f"{module}.{_named(row).api_name}", "_module": module}, row) for row in rows]
        yield _composed(stream, told, f"module={module}")


def _tags(asking: Asking, stream: Stream) -> Iterator[Page]:
    refused: list[Problem] = []
    for module, rows in _by_module(asking.tagged, asking.tags_of, stream, refused):
        told = [({"_key": f"{module}.{_named(row).id}", "_module": module}, row) for row in rows]
        yield _composed(stream, told, f"module={module}")
    # No page says which modules have tags: one that has none is left out. Where no module answers, somebody must act.
    denied = [problem for problem in refused if problem.code not in NO_LIST]
    if denied and len(refused) == len(asking.tagged):
        raise denied[0]


def _by_module(
    modules: Sequence[str],
    ask: Callable[[str], bytes | None],
    stream: Stream,
    refused: list[Problem],
) -> Iterator[tuple[str, list[msgspec.Raw]]]:
    """(module, rows) of each module that has any; a module that refuses is left out, and noted in `refused`."""
    for module in modules:
        try:
            body = ask(module)
        except Problem as problem:
            if problem.transient or problem.code in FOR_ALL:
                raise
            _log.warning("zoho/%s: no %s of %s (%s)", stream.name, stream.name, module, problem.code)
            refused.append(problem)  # the module's own stream says why, and what to grant
            continue
        rows = rows_at(body, stream.options["records"]) if body else []
        if rows:
            yield module, rows


def _pipelines(asking: Asking, stream: Stream) -> Iterator[Page]:
    for layout, body in _pipelines_of(asking):
        rows = rows_at(body, "pipeline")
        told = [({"_key": f"{layout}.{_named(row).id}", "_layout_id": layout}, row) for row in rows]
        yield _composed(stream, told, f"layout_id={layout}")


def _pipeline_stages(asking: Asking, stream: Stream) -> Iterator[Page]:
    for layout, body in _pipelines_of(asking):
        told = []
        for pipeline in rows_at(body, "pipeline"):
            of = _named(pipeline)
            for row in _list_in(pipeline, "maps"):
                asked = {"_key": f"{layout}.{of.id}.{_named(row).id}", "_layout_id": layout}
                told.append((asked | {"_pipeline_id": of.id, "_pipeline": of.display_value}, row))
        yield _composed(stream, told, f"layout_id={layout}")


def _stages(asking: Asking, stream: Stream) -> Iterator[Page]:
    body = asking.fields_of(_STAGED)
    sources = [(None, field) for field in (rows_at(body, "fields") if body else [])]
    for layout in _layouts(asking):
        id = _named(layout).id
        sources += [(id, field) for field in _fields_on(layout)]
    told = [
        ({"_key": f"{layout or _STAGED}.{_named(row).id}", "_layout_id": layout}, row)
        for layout, field in sources
        if _named(field).api_name == "Stage"
        for row in _list_in(field, "pick_list_values")
    ]
    if told:
        yield _composed(stream, told, f"module={_STAGED}")


def _fields_on(layout: msgspec.Raw) -> list[msgspec.Raw]:
    return [field for section in _list_in(layout, "sections") for field in _list_in(section, "fields")]


def _pipelines_of(asking: Asking) -> Iterator[tuple[str, bytes]]:
    """(layout id, reply) of each layout that has pipelines."""
    for layout in _layouts(asking):
        id = str(_named(layout).id)
        body = asking.once("settings/pipeline", "layout_id", id, "pipeline")
        if body is not None:
            yield id, body


def _layouts(asking: Asking) -> list[msgspec.Raw]:
    if _STAGED not in asking.modules:
        return []
    body = asking.once("settings/layouts", "module", _STAGED, "layouts")
    return rows_at(body, "layouts") if body else []


def _checked(records: str) -> Callable[[bytes], bytes]:
    def check(body: bytes) -> bytes:
        rows_at(body, records)
        return body

    return check


def _named(row: msgspec.Raw) -> Any:
    try:
        return msgspec.json.decode(row, type=_NAME)
    except msgspec.DecodeError as error:
        raise BadBody("it holds a row that is no object") from error


def _composed(stream: Stream, told: Sequence[tuple[dict[str, Any], msgspec.Raw]], asked: str) -> Page:
    """A page of rows, each with what was asked for at its head."""
    rows = b",".join(_headed(head, row) for head, row in told)
    body = b"{" + msgspec.json.encode(stream.options["records"]) + b":[" + rows + b"]}"
    return Page(body, len(told), 0, f"{VERSION}{stream.options['path']}?{asked}")


def _headed(head: dict[str, Any], row: msgspec.Raw) -> bytes:
    rest = bytes(row).strip()[1:].lstrip()
    return msgspec.json.encode(head)[:-1] + (b"" if rest == b"}" else b",") + rest


RECIPES: dict[str, Callable[[Asking, Stream], Iterator[Page]]] = {
    "plain": _plain,
    "fields": _fields,
    "tags": _tags,
    "pipelines": _pipelines,
    "pipeline_stages": _pipeline_stages,
    "stages": _stages,
}
