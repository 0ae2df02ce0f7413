"""What the doctor tells of a Zoho organisation: scopes, modules, credits, and what a run costs.

Costs about 2 credits a module. https://www.zoho.com/crm/developer/docs/api/v8/api-limits.html
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import msgspec

from connectors.core.allowance import Allowance
from connectors.core.contract import Finding, Stream
from connectors.core.errors import Actor, Problem
from connectors.core.http import BadBody
from connectors.zoho import scopes
from connectors.zoho.api import VERSION, Api
from connectors.zoho.fields import Reading
from connectors.zoho.modules import Offer
from connectors.zoho.selection import MODULES
from connectors.zoho.tolerance import advised, excused

# A path for each scope that the list of modules has not proved already. Asking for a job that was never made
# is refused, but not for its scope.
_PROOFS = {
    "ZohoCRM.users.READ": f"{VERSION}users?type=CurrentUser",
    "ZohoCRM.org.READ": f"{VERSION}org",
    "ZohoCRM.bulk.READ": "/crm/bulk/v8/read/1",
}
_QUERY = {"select_query": "select id from {module} where id is not null limit 0, 1"}
_METADATA, _LIST, _DELETED, _TOTALS = 1, 1, 2, 1  # credits of a module in which nothing changed


class Examination:
    """One look at an organisation. read_metadata: how a stream is read now; it raises Problem."""

    def __init__(
        self, api: Api, offer: Offer, allowance: Allowance, read_metadata: Callable[[Stream], Reading]
    ) -> None:
        self._api, self._offer, self._allowance = api, offer, allowance
        self._read_metadata = read_metadata
        self._modules = [stream for stream in offer.streams if "path" not in stream.options]

    def findings(self) -> Iterator[Finding]:
        """Scopes first: what lacks one fails everything after it. Raises Problem when Zoho cannot be asked."""
        yield from self._scopes()
        yield from self._organisation()
        yield from self._readable()
        if self._offer.unread:
            names = ", ".join(self._offer.unread)
            yield Finding(
                True,
                f"Not selected, though they could be read: {names}. {MODULES.allow}=default,<name> adds one.",
            )
        yield self._credits()
        yield self._cost()

    def _scopes(self) -> Iterator[Finding]:
        granted = self._api.granted()
        lacking = scopes.missing(granted) if granted else self._unproved()
        if lacking:
            problem = Problem(
                f"the refresh token lacks the scope {', '.join(lacking)}",
                do=f"Create a new refresh token with {scopes.SCOPES}",
                actor=Actor.CRM_ADMIN,
                code="OAUTH_SCOPE_MISMATCH",
            )
            yield Finding(False, str(problem.located(source="zoho")))
        else:
            yield Finding(True, f"The refresh token has every scope that is needed: {scopes.SCOPES}.")
        if more := scopes.writing(granted):
            yield Finding(True, f"It may also change the CRM ({', '.join(more)}); READ would do.")

    def _unproved(self) -> list[str]:
        """Zoho did not say what it granted: ask for something of each."""
        refused = {scope for scope, path in _PROOFS.items() if _lacks_scope(self._api.refusal(path))}
        if self._modules:
            module = self._modules[0].api_name
            if _lacks_scope(self._api.refusal(f"{VERSION}{module}?fields=Modified_Time&per_page=1")):
                refused.add("ZohoCRM.modules.READ")
            elif self._query_refused(module):
                refused.add("ZohoCRM.coql.READ")
        return [scope for scope in scopes.NEEDED if scope in refused]

    def _query_refused(self, module: str) -> bool:
        query = {name: text.format(module=module) for name, text in _QUERY.items()}
        try:
            self._api.post(f"{VERSION}coql", query, lambda body: None)
        except Problem as problem:
            return _lacks_scope(problem)
        return False

    def _organisation(self) -> Iterator[Finding]:
        try:
            facts = self._api.get("org", {}, _organisation)
        except Problem as problem:
            yield Finding(False, str(problem.located(source="zoho", stream="org")))
            return
        if facts:
            edition = facts.get("license_details")
            kind = edition.get("paid_type") if isinstance(edition, dict) else None
            told = (facts.get("company_name"), kind, facts.get("time_zone"), facts.get("iso_code"))
            yield Finding(True, f"The organisation: {', '.join(str(fact) for fact in told if fact)}.")

    def _readable(self) -> Iterator[Finding]:
        read, whole = [], []
        for stream in self._modules:
            try:
                plan = self._read_metadata(stream)
                if not plan.chunks:
                    continue  # its feature is off
                if problem := self._api.refusal(
                    f"{VERSION}{stream.api_name}?fields={plan.chunks[0][0]}&per_page=1"
                ):
                    raise problem
            except Problem as problem:
                if not excused(stream, problem):
                    yield Finding(False, str(advised(stream, problem)))
                continue
            read.append(stream.api_name)
            if plan.shape.stamp is None:
                whole.append(stream.api_name)
        for stream in self._offer.streams:
            if stream.options.get("recipe") == "plain":
                problem = self._api.refusal(f"{VERSION}{stream.options['path']}")
                if problem and not excused(stream, problem):
                    yield Finding(False, str(advised(stream, problem)))
        yield Finding(True, f"{len(read)} modules can be read: {', '.join(read)}.")
        if whole:
            yield Finding(
                True,
                f"Without Modified_Time, so each sync reads them whole (1 credit for 200 records, at most 100,000 "
                f"records): {', '.join(whole)}.",
            )

    def _credits(self) -> Finding:
        left = self._allowance.left
        if left is None:
            return Finding(
                True, "API credits: more than half of the last 24 hours' are left (Zoho says no more)."
            )
        kept = self._allowance.kept
        sentence = f"API credits: {left:,} of the last 24 hours' are left, {kept:,} are never spent"
        if left > kept:
            return Finding(True, f"{sentence}.")
        return Finding(
            False, f"{sentence}: syncs wait until the window frees. Next (operator): wait, or buy some."
        )

    def _cost(self) -> Finding:
        return Finding(
            True,
            f"A sync in which nothing changed costs about {idle_cost(self._offer.streams):,} API credits; 200 changed "
            "records of a module cost 1 more for each 50 fields.",
        )


def idle_cost(streams: Sequence[Stream]) -> int:
    """Credits of a sync in which nothing changed: the list of modules; of each its metadata, its list, its deleted list
    and, where models read it, its totals; of each setting a call, but field metadata is at hand by then, layout and
    pipeline make two calls for three streams, and tags are asked for by module."""
    modules = [stream for stream in streams if "path" not in stream.options]
    deletes = sum(stream.deletes for stream in modules)
    totals = sum(stream.modelled for stream in modules) * _TOTALS
    shared = {"fields": 0, "pipelines": 1, "pipeline_stages": 0, "stages": 1, "tags": deletes}
    settings = [stream for stream in streams if "path" in stream.options]
    calls = sum(shared.get(str(stream.options.get("recipe")), 1) for stream in settings)
    users = sum("recipe" not in stream.options for stream in settings)  # field metadata is tried for them too
    return 1 + len(modules) * (_METADATA + _LIST) + deletes * _DELETED + totals + calls + users


def _lacks_scope(problem: Problem | None) -> bool:
    return problem is not None and problem.code == "OAUTH_SCOPE_MISMATCH"


def _organisation(body: bytes) -> dict[str, Any]:
    try:
        found = msgspec.json.decode(body, type=dict[str, list[dict[str, Any]]])
    except msgspec.DecodeError as error:
        raise BadBody("it does not describe an organisation") from error
    return next(iter(found.get("org", [])), {})
