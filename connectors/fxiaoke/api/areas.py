"""What the codes of countries, provinces, cities and districts are called, of records that do not say it themselves.

The address and the member `countryAreaOptions` are what public clients use; the four lists are those of the vendor's
page of functions (Fx.location). How an option looks is taken to be as in a describe. Where
it is not, codes stay without a name: that costs nobody a record.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

import msgspec

from connectors.core.errors import Problem
from connectors.core.http import BadBody
from connectors.fxiaoke.api.api import Api

_log = logging.getLogger(__name__)
AREAS = "/cgi/crm/countryAreaOptions/get"
KINDS = ("country", "province", "city", "district", "town", "village")
Labels = tuple[tuple[str, str], ...]
_MOST = 5000  # of one kind; the country has some 3,000 districts


class _Reply(msgspec.Struct):
    countryAreaOptions: Any = None
    data: Any = None


def areas(api: Api, api_name: str) -> Mapping[str, Labels]:
    """(code, what it is called) by kind; nothing where Fxiaoke does not say it. api_name: an object that has areas."""
    try:
        found = api.post(AREAS, {"apiName": api_name, "isIncludeDeleted": True}, _parse)
    except Problem as problem:
        _log.warning("areas keep the names that records say: %s", problem)
        return {}
    labels = {kind: options(found.get(kind)) for kind in KINDS}
    if not any(labels.values()):
        _log.warning("areas keep the names that records say: the reply of %s holds no options", AREAS)
    return labels


def options(told: Any) -> Labels:
    """(code, label) of a list of options, which may stand under `options`."""
    listed = told.get("options") if isinstance(told, dict) else told
    if not isinstance(listed, list):
        return ()
    found: dict[str, str] = {}
    for option in listed[:_MOST]:
        if (
            isinstance(option, dict)
            and isinstance(option.get("label"), str)
            and option.get("value") is not None
        ):
            found.setdefault(str(option["value"]), option["label"])
    return tuple(found.items())


def _parse(body: bytes) -> Mapping[str, Any]:
    try:
        reply = msgspec.json.decode(body, type=_Reply)
    except msgspec.DecodeError as error:
        raise BadBody("it is not a list of areas") from error
    for told in (reply.countryAreaOptions, reply.data):
        if isinstance(told, dict):
            inner = told.get("countryAreaOptions")
            return inner if isinstance(inner, dict) else told
    return {}
