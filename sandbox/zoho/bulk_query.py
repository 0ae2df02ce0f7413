"""What a bulk job asks for, checked the way Zoho checks it.

https://www.zoho.com/crm/developer/docs/api/v8/bulk-read/create-job.html
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import msgspec

from sandbox.serving.rows import Served
from sandbox.zoho import errors, values
from sandbox.zoho.offer import Offer
from sandbox.zoho.schema import FieldFacts, Module
from sandbox.zoho.store import Store

MAX_PAGE, MAX_CRITERIA = 500, 25
EMPTY = "${EMPTY}"
_COMPARATORS = {
    "equal": "=", "not_equal": "!=", "greater_than": ">", "greater_equal": ">=", "less_than": "<",
    "less_equal": "<=", "in": "in", "not_in": "not in", "between": "between", "not_between": "not between",
    "contains": "contains", "starts_with": "starts with", "ends_with": "ends with",
}  # fmt: skip
_LISTS = {"in", "not in", "between", "not between"}
# A list reader meets these in the module they belong to; a flat file has no room for them.
UNCARRIED = frozenset({"subform", "multiselectlookup", "fileupload", "imageupload", "profileimage"})
Test = Callable[[Served], bool]


@dataclass(frozen=True, slots=True)
class Query:
    """A checked query. asked: as it came; bound: what a page_token of it is bound to."""

    module: Module
    fields: tuple[FieldFacts, ...]
    test: Test | None
    page: int
    token: str | None
    asked: dict[str, Any]
    bound: str


def parse(body: bytes, store: Store, offer: Offer) -> Query:
    """The query of a create request. Raises Refusal."""
    try:
        request = msgspec.json.decode(body, type=dict[str, Any])
        asked = msgspec.convert(request["query"], dict[str, Any])
        name = msgspec.convert(asked["module"], dict[str, Any])["api_name"]
    except (msgspec.DecodeError, msgspec.ValidationError, KeyError) as error:
        raise errors.bad_request("INVALID_REQUEST", "The request body is invalid") from error
    if request.get("file_type", "csv") != "csv":
        raise errors.bad_request("INVALID_REQUEST", "Only Events can be read as ics", api_name="file_type")
    module = offer.find(name)
    if module is None:
        raise errors.bad_request("MODULE_NOT_AVAILABLE", "The module is not available", module=name)
    if not module.bulk:
        raise errors.bad_request(
            "MODULE_NOT_SUPPORTED", "The module is not supported in Bulk Read", module=name
        )
    page, token = _place(asked)
    bound = sha256(msgspec.json.encode([name, asked.get("fields"), asked.get("criteria")], order="sorted"))
    return Query(
        module, _fields(module, asked.get("fields")), _criteria(store, module, asked.get("criteria")), page, token,
        asked, bound.hexdigest()[:16],
    )  # fmt: skip


def _place(asked: dict[str, Any]) -> tuple[int, str | None]:
    if "page" in asked and "page_token" in asked:
        raise errors.ambiguous("page", "page_token")
    if asked.get("cvid"):
        raise errors.bad_request("CVID_NOT_SUPPORTED", "The custom view is not supported", cvid=asked["cvid"])
    page = asked.get("page", 1)
    if type(page) is not int or page < 1:
        raise errors.bad_request("INVALID_REQUEST", "page must be a positive number", api_name="page")
    if page > MAX_PAGE:
        raise errors.bad_request("PAGE_RANGE_EXCEEDED", "The page range is exceeded", max_limit=MAX_PAGE)
    return page, asked.get("page_token")


def _fields(module: Module, names: Any) -> tuple[FieldFacts, ...]:
    """The fields in the order asked for; all that a file can hold when none are named."""
    if not names:
        return tuple(f for f in module.fields.values() if f.name != "id" and f.type not in UNCARRIED)
    for name in names:
        _field(module, name)
    return tuple(module.fields[name] for name in dict.fromkeys(names) if name != "id")


def _field(module: Module, name: Any) -> FieldFacts:
    facts = module.fields.get(name)
    if facts is None:
        raise errors.bad_request("FIELD_NOT_AVAILABLE", "The field is not available", field=name)
    if facts.type in UNCARRIED:
        raise errors.bad_request("FIELD_NOT_SUPPORTED", "The field is not supported in Bulk Read", field=name)
    return facts


def _criteria(store: Store, module: Module, criteria: Any) -> Test | None:
    if not criteria:
        return None
    budget = [MAX_CRITERIA]
    return _group(store, module, criteria, budget)


def _group(store: Store, module: Module, part: Any, budget: list[int]) -> Test:
    """A condition, or several joined by one operator; they may nest."""
    if not isinstance(part, dict):
        raise errors.bad_request("INVALID_CRITERIA", "The criteria is invalid")
    if "group" not in part:
        budget[0] -= 1
        if budget[0] < 0:
            raise errors.bad_request(
                "CRITERIA_LIMIT_EXCEEDED", "The criteria limit is exceeded", max_limit=MAX_CRITERIA
            )
        return _condition(store, module, part)
    tests = [_group(store, module, each, budget) for each in part["group"]]
    match str(part.get("group_operator")).lower():
        case "and":
            return lambda row: all(test(row) for test in tests)
        case "or":
            return lambda row: any(test(row) for test in tests)
    raise errors.bad_request("AMBIGUOUS_CRITERIA", "The group operator is missing or unknown")


def _condition(store: Store, module: Module, part: dict[str, Any]) -> Test:
    named = part.get("field")
    facts = _field(module, named.get("api_name") if isinstance(named, dict) else named)
    operator = _COMPARATORS.get(str(part.get("comparator")))
    if operator is None or "value" not in part:
        raise errors.bad_request("INVALID_CRITERIA", "The criteria is invalid", api_name=facts.name)
    value, get = part["value"], values.reader(store, facts)
    if value == EMPTY and operator in ("=", "!="):
        return values.test(get, "is null" if operator == "=" else "is not null", None)
    try:
        if (operator in _LISTS) != isinstance(value, list) or ("between" in operator and len(value) != 2):
            raise ValueError(f"{operator} cannot compare with {value!r}")
        return values.test(get, operator, values.literal(facts, value))
    except (ValueError, TypeError) as error:
        raise errors.bad_request(
            "INVALID_CRITERIA", "The criteria value is invalid", api_name=facts.name
        ) from error
