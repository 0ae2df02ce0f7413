"""What a list request asks for, checked the way Zoho checks it.

https://www.zoho.com/crm/developer/docs/api/v8/get-records.html
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from hashlib import sha256

from sandbox.company import clock
from sandbox.zoho import errors
from sandbox.zoho.schema import Module
from sandbox.zoho.views import SORTS

PER_PAGE = 200
MAX_FIELDS = 50
MAX_IDS = 100
PAGED_ROWS = 2000
TOKENED_ROWS = 100_000


@dataclass(frozen=True, slots=True)
class Listing:
    """A checked list request. bound: what a page_token is bound to."""

    fields: tuple[str, ...]
    per_page: int
    page: int
    token: str | None
    sort_by: str
    descending: bool
    since: int | None
    converted: bool | None
    ids: tuple[str, ...] | None
    bound: str


def number(query: Mapping[str, str], name: str, default: int, top: int) -> int:
    """An integer parameter between 1 and `top`. Raises Refusal INVALID_DATA."""
    text = query.get(name)
    if text is None:
        return default
    if not text.isdigit() or not 1 <= int(text) <= top:
        raise errors.invalid_value(name)
    return int(text)


def choice(query: Mapping[str, str], name: str, supported: list[str], default: str) -> str:
    """A parameter that takes one of a few words. Raises Refusal INVALID_DATA."""
    value = query.get(name, default)
    if value not in supported:
        raise errors.invalid_value(name, supported)
    return value


def since(headers: Mapping[str, str]) -> int | None:
    """If-Modified-Since in seconds: ISO 8601 with offset, or the older RFC 1123 form. Raises Refusal."""
    text = headers.get("if-modified-since")
    if text is None:
        return None
    try:
        return clock.parse(text)
    except ValueError:
        try:
            return int(parsedate_to_datetime(text).timestamp())
        except (TypeError, ValueError) as error:
            raise errors.invalid_value("If-Modified-Since") from error


def listing(module: Module, query: Mapping[str, str], headers: Mapping[str, str]) -> Listing:
    """The checked request. Raises Refusal in the order in which Zoho's pages list the rules."""
    fields = _fields(query)
    if "page" in query and "page_token" in query:
        raise errors.ambiguous("page", "page_token")
    if "cvid" in query and "sort_by" in query:
        raise errors.ambiguous("cvid", "sort_by")
    per_page = number(query, "per_page", PER_PAGE, PER_PAGE)
    page = number(query, "page", 1, 10_000_000)
    if (page - 1) * per_page >= PAGED_ROWS:
        raise errors.page_without_token()
    converted = None
    if module.api_name == "Leads":
        word = choice(query, "converted", ["true", "false", "both"], "false")
        converted = None if word == "both" else word == "true"
    bound = ";".join(f"{key}={query[key]}" for key in sorted(query) if key not in ("page", "page_token"))
    bound = f"{module.api_name}?{bound}&{headers.get('if-modified-since', '')}"
    return Listing(
        fields=fields,
        per_page=per_page,
        page=page,
        token=query.get("page_token"),
        sort_by=choice(query, "sort_by", [name for name in SORTS if name in module.fields], "id"),
        descending=choice(query, "sort_order", ["asc", "desc"], "desc") == "desc",
        since=since(headers),
        converted=converted,
        ids=_ids(query),
        bound=sha256(bound.encode()).hexdigest()[:16],
    )


def _fields(query: Mapping[str, str]) -> tuple[str, ...]:
    if not query.get("fields"):
        raise errors.missing("fields")
    fields = tuple(name.strip() for name in query["fields"].split(","))
    if len(fields) > MAX_FIELDS:
        raise errors.too_many("fields", MAX_FIELDS)
    if set(fields) == {"id"}:  # the id comes anyway; alone it is refused
        raise errors.invalid_value("fields")
    return fields


def _ids(query: Mapping[str, str]) -> tuple[str, ...] | None:
    if "ids" not in query:
        return None
    ids = tuple(query["ids"].split(","))
    if len(ids) > MAX_IDS:
        raise errors.too_many("ids", MAX_IDS)
    if not all(id.isdigit() for id in ids):
        raise errors.invalid_value("ids")
    return ids
