"""What Fxiaoke's errorCode means. HTTP status is 200 whatever happened, and the vendor forbids reading the message.

Codes: https://open.fxiaoke.com (global error codes) and what its gateway was seen to answer; the same number can mean
two things (10013 is a missing token and an offset too far), so sentences name both.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import msgspec

from connectors.core.errors import Actor
from connectors.core.http import Reply
from connectors.core.verdicts import LATER, REPORT, Verdict, by_status

_ADMIN, _US = Actor.CRM_ADMIN, Actor.DEVELOPER
STALE_TOKEN = frozenset({"20016", "20005"})
TOO_FAST = frozenset({"30004", "14001"})
# Whoever has met one of these will meet it again with every other call.
STOPS = frozenset({"30002", "30003", "20014", "20020", "20021", "20022", "20023"})

_APP = "Check FXIAOKE_APP_ID, FXIAOKE_APP_SECRET and FXIAOKE_PERMANENT_CODE against the app in the Fxiaoke console"
_USER = Verdict(
    "Fxiaoke does not know the user on whose behalf it is asked",
    "Set FXIAOKE_USER_ID to a CRM administrator: the employee number (such as 1000), or with FXIAOKE_AUTH=legacy the "
    "openUserId (FSUID_…)",
)
_CONFIGURATION = Verdict("Fxiaoke refuses the app's id, secret or permanent code", _APP)
_RIGHT = Verdict(
    "the API user lacks the right to this",
    "Give the user of FXIAOKE_USER_ID the right to see it (best a CRM administrator; 人员 needs a data sharing rule)",
    _ADMIN,
)
_UNAUTHORISED = Verdict(
    "the app is not authorised by this tenant",
    "Authorise the app in the Fxiaoke console with the scope CRM, and switch developer mode on",
    _ADMIN,
)
_BUSY = Verdict("Fxiaoke was busy until the last attempt", LATER, retry=True)
_FAST = Verdict(
    "Fxiaoke asked to slow down until the last attempt",
    "Run the sync again later, and stop other programs that call the API of this tenant",
    retry=True,
)
_REQUEST = Verdict("Fxiaoke refused the request", REPORT, _US)
CODES: dict[str, Verdict] = {
    **dict.fromkeys(
        STALE_TOKEN,
        Verdict(
            "Fxiaoke refuses a fresh access token",
            "Check that FXIAOKE_BASE_URL is the cloud of this tenant and FXIAOKE_AUTH the generation of the app; if "
            "another program uses the same app, let it share the token or give it an app of its own",
        ),
    ),
    **dict.fromkeys(TOO_FAST, _FAST),
    **dict.fromkeys(("-1", "-2", "50009"), _BUSY),
    "30002": Verdict(
        "the API calls of this day are used up",
        "Run the sync again after 00:00 Beijing time, or buy API calls; FXIAOKE_DAILY_CALLS leaves some to others",
        _ADMIN,
        transient=True,
    ),
    "30003": Verdict("the tenant has bought no API calls", "Buy a package of OpenAPI calls", _ADMIN),
    "15003": _RIGHT,
    "20014": Verdict("the app is stopped", "Start the app in the Fxiaoke console", _ADMIN),
    **dict.fromkeys(("20020", "20021", "20022", "20023"), _UNAUTHORISED),
    "10006": Verdict(
        "Fxiaoke says that the app secret is missing or wrong",
        "Check FXIAOKE_APP_SECRET; it changes when somebody resets it in the Fxiaoke console",
    ),
    **dict.fromkeys(("20006", "20015", "11001", "11002", "11013"), _CONFIGURATION),
    "20012": _USER,
    "30027": _USER,
    "20017": Verdict("Fxiaoke does not find the company, or saw no token", _APP),
    "10013": Verdict("Fxiaoke saw no token, or an offset beyond 10,000", REPORT, _US),
    **dict.fromkeys(("15002", "32000", "12004"), _REQUEST),
}
_OTHER = Verdict("Fxiaoke refused the call", REPORT, _US)
QUOTA_REACHED = Verdict(
    "the API calls that may be made this day are used up",
    "Run the sync again after 00:00 Beijing time, or raise FXIAOKE_DAILY_CALLS",
    transient=True,
    code="DAILY_CALLS",
)
# Ten tokens a minute, one call at a time: whoever asks on makes it worse.
THROTTLED = Verdict(
    "Fxiaoke gives out no access token for now (ten calls a minute, one at a time)",
    "Stop other programs that use the same app, and run again",
    transient=True,
)


class _Envelope(msgspec.Struct):
    errorCode: int | str
    traceId: Any = None
    errorMessage: Any = None


_decoder = msgspec.json.Decoder(_Envelope)


def judge(reply: Reply) -> Verdict | None:
    """What is wrong with an answer; None if nothing is, or if it is for the parser to see that it is no answer."""
    if general := by_status(reply.status):
        return general
    try:
        envelope = _decoder.decode(reply.body)
    except msgspec.DecodeError:
        return None
    code = str(envelope.errorCode)
    return None if code == "0" else _told(CODES.get(code) or _ranged(code), envelope, code)


def judge_token(reply: Reply) -> Verdict | None:
    """The same of the token endpoint, which is never asked again at once for being asked too often."""
    verdict = judge(reply)
    return replace(THROTTLED, code=verdict.code) if verdict and verdict.code in TOO_FAST else verdict


def _ranged(code: str) -> Verdict:
    known = code.isdigit() and (10001 <= int(code) <= 10015 or 11001 <= int(code) <= 11018)
    return _REQUEST if known else _OTHER


def _told(verdict: Verdict, envelope: _Envelope, code: str) -> Verdict:
    """With the trace that the vendor's support asks for; of what we cannot name, with its own words."""
    facts = [f"errorCode {code}"]
    if verdict in (_REQUEST, _OTHER):
        facts.append(_safe(envelope.errorMessage))
    facts.append(f"trace {_safe(envelope.traceId)}")
    return replace(verdict, what=f"{verdict.what} ({', '.join(facts)})", code=code)


def _safe(value: Any) -> str:
    return "".join(c for c in str(value) if c.isprintable())[:120]
