"""Which of the declared modules an organisation shows to the API user.

https://www.zoho.com/crm/developer/docs/api/v8/modules-api.html
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from connectors.core.contract import Stream
from connectors.core.errors import Actor, Problem
from connectors.core.http import BadBody
from connectors.zoho.api import Api

_log = logging.getLogger(__name__)


class _Module(msgspec.Struct):
    api_name: str | None = None
    api_supported: bool = True
    viewable: bool = True


class _Reply(msgspec.Struct):
    modules: list[_Module]


@dataclass(frozen=True, slots=True)
class Offer:
    """The streams that can be read, and a Problem for each needed module that cannot be seen."""

    streams: tuple[Stream, ...]
    problems: tuple[Problem, ...]


def offer(api: Api, declared: Sequence[Stream]) -> Offer:
    """Compare the declaration with the organisation. Raises Problem when Zoho cannot be asked.

    A module hidden by a profile looks like one that is not there, so a missing module is a Problem, unless
    its stream is declared `optional`: then a line in the log is enough.
    """
    modules = api.get("settings/modules", {}, _parse) or []
    seen = {m.api_name for m in modules if m.api_supported and m.viewable}
    streams, problems = [], []
    for stream in declared:
        if "path" in stream.options or stream.api_name in seen:
            streams.append(stream)
        elif stream.options.get("optional"):
            _log.warning("zoho/%s: the API user sees no module %s; skipped", stream.name, stream.api_name)
        else:
            problems.append(_hidden(stream))
    return Offer(tuple(streams), tuple(problems))


def _parse(body: bytes) -> list[_Module]:
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
