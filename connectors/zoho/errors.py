"""What Zoho's error codes mean. Decided by code, not status: the same code comes with several statuses.

https://www.zoho.com/crm/developer/docs/api/v8/status-codes.html and the pages named per table. Bodies are
flat (`code`, `details`, `message`, `status`); some pages show them wrapped in `data`, so both are read.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import msgspec

from connectors.core.errors import Actor
from connectors.core.http import Reply
from connectors.core.verdicts import LATER, REPORT, Verdict, by_status
from connectors.zoho.permissions import remedy
from connectors.zoho.scopes import SCOPES

STALE_TOKEN = frozenset({"INVALID_TOKEN", "INVALID_OAUTHTOKEN", "AUTHENTICATION_FAILURE"})
# A page_token lives 24 hours, reaches 100,000 rows, and belongs to one set of parameters.
# https://www.zoho.com/crm/developer/docs/api/v8/get-records.html
WINDOW_FULL = frozenset({"PAGINATION_LIMIT_EXCEEDED", "DISCRETE_PAGINATION_LIMIT_EXCEEDED"})
TOKEN_SPENT = frozenset({"EXPIRED_VALUE", "TOKEN_BOUND_DATA_MISMATCH"})
FEATURE_OFF = frozenset({"FEATURE_NOT_ENABLED", "TERRITORY_NOT_ENABLED", "FEATURE_NOT_SUPPORTED"})

_MINT_ANEW = "Create a new one in the API console of your data centre and put it into ZOHO_REFRESH_TOKEN"
_ADMIN, _US = Actor.CRM_ADMIN, Actor.DEVELOPER

API: dict[str, Verdict] = {
    **{
        code: Verdict(
            "Zoho refuses a fresh access token",
            "Check that ZOHO_ACCOUNTS_URL and ZOHO_API_URL belong to the same data centre, and to the same "
            "environment: a token of a sandbox works at https://sandbox.zohoapis.* only",
        )
        for code in STALE_TOKEN
    },
    "OAUTH_SCOPE_MISMATCH": Verdict(
        "the refresh token was created without a scope that this needs",
        f"Create a new refresh token with the scopes {SCOPES}",
        _ADMIN,
    ),
    "NO_PERMISSION": Verdict(
        "the API user lacks a permission",
        "Grant it in the API user's profile, best an administrator's",
        _ADMIN,
    ),
    "INVALID_MODULE": Verdict(
        "this organisation has no such module, or the API user may not see it",
        "Show the module to the API user's profile, or leave the stream out",
        _ADMIN,
    ),
    "MODULE_NOT_AVAILABLE": Verdict(
        "this module is not available in this edition", "Leave the stream out, or change the edition", _ADMIN
    ),
    **{
        code: Verdict(
            "this feature is switched off in the organisation",
            "Switch it on, or leave the stream out",
            _ADMIN,
        )
        for code in FEATURE_OFF
    },
    "TOO_MANY_REQUESTS": Verdict(
        "Zoho asked to slow down until the last attempt",
        "Run the sync again later, and stop other programs that use this organisation's API credits",
        retry=True,
    ),
    "LIMIT_EXCEEDED": Verdict("Zoho refused the size of the request", REPORT, _US),
    "REQUIRED_PARAM_MISSING": Verdict("Zoho misses a parameter", REPORT, _US),
    "INVALID_DATA": Verdict("Zoho refused a parameter", REPORT, _US),
    "PATTERN_NOT_MATCHED": Verdict("Zoho refused the form of a parameter", REPORT, _US),
    "AMBIGUITY_DURING_PROCESSING": Verdict("Zoho refused two parameters together", REPORT, _US),
    "INVALID_URL_PATTERN": Verdict(
        "Zoho knows no such address", "Check ZOHO_API_URL; if it is not set, report this", Actor.OPERATOR
    ),
    "INTERNAL_ERROR": Verdict("Zoho failed until the last attempt", LATER, retry=True),
    "PAGINATION_LIMIT_EXCEEDED": Verdict("Zoho shows no more than 100,000 rows of one list", REPORT, _US),
    "DISCRETE_PAGINATION_LIMIT_EXCEEDED": Verdict("Zoho shows no more than 2,000 rows by page", REPORT, _US),
    "EXPIRED_VALUE": Verdict("the page token is older than 24 hours", LATER, transient=True),
    "TOKEN_BOUND_DATA_MISMATCH": Verdict("the page token belongs to other parameters", REPORT, _US),
}
NO_CREDITS = Verdict(
    "the organisation's API credits of the last 24 hours are used up",
    "Run the sync again when the window frees, or buy API credits",
    _ADMIN,
    transient=True,
    code="NO_CREDITS",
)
RESERVE_REACHED = Verdict(
    "the API credits that may be spent are used up",
    "Run the sync again when the window frees, which goes on from here; or buy API credits, or keep fewer for "
    "others (ZOHO_CREDIT_RESERVE)",
    transient=True,
    code="CREDIT_RESERVE",
)

# The token endpoint, by `error`. https://www.zoho.com/crm/developer/docs/api/v8/refresh.html and
# https://www.zoho.com/accounts/protocol/oauth/limitations.html. It answers HTTP 200 for most of them.
_CLIENT = (
    "Check ZOHO_CLIENT_ID, ZOHO_CLIENT_SECRET and ZOHO_ACCOUNTS_URL: each data centre has its own secret"
)
TOKEN: dict[str, Verdict] = {
    "invalid_client": Verdict(
        "Zoho does not know this client id, or its secret is wrong or of another data centre", _CLIENT
    ),
    "invalid_client_secret": Verdict("the client secret is wrong", _CLIENT),
    "invalid_code": Verdict(
        "the refresh token was revoked, or belongs to another data centre",
        f"{_MINT_ANEW}, and check ZOHO_ACCOUNTS_URL",
    ),
    "invalid_redirect_uri": Verdict(
        "Zoho asks for the redirect address of a web client, and this needs a self client",
        "Create a client of the kind Self Client in the API console of your data centre, and use its id and secret",
    ),
    "invalid_grant": Verdict("the refresh token is not accepted", _MINT_ANEW),
    "access_denied": Verdict(
        "Zoho gives out no more access tokens for now (ten per refresh token in ten minutes)",
        "Stop other programs that use the same refresh token, and run again",
        transient=True,
    ),
}
THROTTLED = frozenset({"access_denied"})
TOKEN_OTHER = Verdict(
    "the accounts server refused the refresh token", f"{_CLIENT}; else create a new refresh token"
)


class Failure(msgspec.Struct):
    """Zoho's error body."""

    code: str
    details: Any = None


class _Wrapped(msgspec.Struct):
    data: list[Failure]


class _TokenFailure(msgspec.Struct):
    error: str = ""


_DEAREST = 50  # credits of one call
_SHOWN = ("permissions", "param_name", "api_name", "limit", "feature", "module", "resource_path_index")


def judge(reply: Reply) -> Verdict | None:
    """What is wrong with an answer of the API; None if nothing is."""
    general = by_status(reply.status)
    if general is None:
        return None
    failure = _failure(reply.body)
    if failure is None:
        return general
    if failure.code == "TOO_MANY_REQUESTS" and _used_up(reply.headers.get("X-API-CREDITS-REMAINING", "")):
        return NO_CREDITS
    verdict = API.get(failure.code, general)
    facts = _facts(failure.details)
    what = f"{verdict.what} ({facts})" if facts else verdict.what
    return replace(verdict, what=what, do=_remedy(failure) or verdict.do, code=_safe(failure.code))


def _used_up(left: str) -> bool:
    """One code tells of all limits; what is left may be too little for a dear call only."""
    return left.strip().isdecimal() and int(left) < _DEAREST


def judge_token(reply: Reply) -> Verdict | None:
    """What is wrong with an answer of the token endpoint; None if nothing is."""
    try:
        error = msgspec.json.decode(reply.body, type=_TokenFailure).error
    except msgspec.DecodeError:
        error = ""
    if error:
        # "Access Denied" and "access_denied" are both seen for the throttle.
        known = error.lower().replace(" ", "_")
        return replace(TOKEN.get(known, TOKEN_OTHER), code=_safe(known))
    general = by_status(reply.status)
    return TOKEN_OTHER if general is not None and 400 <= reply.status < 429 else general


def _failure(body: bytes) -> Failure | None:
    for shape in (Failure, _Wrapped):
        try:
            found = msgspec.json.decode(body, type=shape)
        except msgspec.DecodeError:
            continue
        return found if isinstance(found, Failure) else next(iter(found.data), None)
    return None


def _remedy(failure: Failure) -> str:
    """The step that a named permission asks for, else ""."""
    named = failure.details.get("permissions") if isinstance(failure.details, dict) else None
    return remedy([name for name in named if isinstance(name, str)]) if isinstance(named, list) else ""


def _facts(details: Any) -> str:
    """The details that name a setting or permission; others may hold data."""
    if not isinstance(details, dict):
        return ""
    shown = ((name, details[name]) for name in _SHOWN if name in details)
    return ", ".join(f"{name}: {_safe(value)}" for name, value in shown)


def _safe(value: Any) -> str:
    text = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
    return "".join(c for c in text if c.isprintable())[:120]
