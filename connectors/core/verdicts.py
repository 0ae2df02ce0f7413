"""What an HTTP call that is not a success means: try again or not, who must act, and the sentence.

A table, so that a fault met in the field is one more row. Vendors put their own tables before this one.
"""

from __future__ import annotations

from dataclasses import dataclass

from connectors.core.errors import Actor, Problem


@dataclass(frozen=True, slots=True)
class Verdict:
    """One row: `what` and `do` become the Problem's sentences.

    retry: the HTTP layer asks again by itself. transient: the same call may succeed later without anyone
    acting, even where asking again at once is wrong (a throttle that punishes asking).
    """

    what: str
    do: str
    actor: Actor = Actor.OPERATOR
    retry: bool = False
    transient: bool = False
    code: str = ""

    def problem(self, where: str, *, detail: str = "", request_id: str = "", code: str = "") -> Problem:
        """The Problem of this row. detail: a fact without secrets; code: used where the row has none."""
        return Problem(
            f"{self.what}: {detail}" if detail else self.what,
            do=self.do,
            actor=self.actor,
            where=where,
            request_id=request_id,
            code=self.code or code,
            transient=self.transient or self.retry,
        )


LATER = "Run the sync again later; if it keeps failing, look at the vendor's status page"
REPORT = "Report this with the version of crm-warehouse"

REDIRECT = Verdict(
    "the server answered with a redirect, which is never followed",
    "Put the final address into the settings (a redirect usually means a wrong data centre or a login page)",
)

BY_STATUS: dict[int, Verdict] = {
    400: Verdict("the server called the request malformed", REPORT, Actor.DEVELOPER),
    401: Verdict(
        "the server refused the credentials", "Check the credentials of this source in the settings"
    ),
    403: Verdict(
        "the API user may not read this",
        "Give the API user's profile the permission to read it by API",
        Actor.CRM_ADMIN,
    ),
    404: Verdict("the server knows no such address", "Check the address of this source in the settings"),
    407: Verdict("a proxy asks for a login", "Let this machine reach the vendor directly"),
    408: Verdict("the server gave up waiting for the request", LATER, retry=True),
    413: Verdict("the server called the request too large", REPORT, Actor.DEVELOPER),
    414: Verdict("the server called the address too long", REPORT, Actor.DEVELOPER),
    429: Verdict(
        "the server asked to slow down until the last attempt",
        "Run the sync again later, and stop other programs that share this API allowance",
        retry=True,
    ),
}
OTHER_4XX = Verdict("the server refused the request", REPORT, Actor.DEVELOPER)
OTHER_5XX = Verdict("the server failed until the last attempt", LATER, retry=True)
UNEXPECTED = Verdict("the server answered with an unexpected status", REPORT, Actor.DEVELOPER)


def by_status(status: int) -> Verdict | None:
    """The row of a status; None for a success. 304 is one: it answers If-Modified-Since."""
    if 200 <= status < 300 or status == 304:
        return None
    if status in BY_STATUS:
        return BY_STATUS[status]
    return {3: REDIRECT, 4: OTHER_4XX, 5: OTHER_5XX}.get(status // 100, UNEXPECTED)


# Failures below HTTP, and bodies that are not what the status promised.
UNREACHABLE = Verdict(
    "the server cannot be reached",
    "Check this machine's network and the address of this source in the settings, then run again",
    transient=True,
    code="UNREACHABLE",
)
BROKEN = Verdict(
    "the connection broke before the answer was complete", LATER, transient=True, code="BROKEN_CONNECTION"
)
UNTRUSTED = Verdict(
    "the server's certificate is not trusted",
    "Check the address in the settings, and that no device on the network opens TLS connections",
    code="TLS",
)
TOO_SLOW = Verdict("the answer was not complete in time", LATER, transient=True, code="TOO_SLOW")
TOO_LARGE = Verdict("the answer is larger than any page can be", REPORT, Actor.DEVELOPER, code="TOO_LARGE")
BAD_BODY = Verdict("the server's answer cannot be used", LATER, transient=True, code="BAD_BODY")
