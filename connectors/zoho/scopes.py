"""Which OAuth scope each part of the API needs, and which of them a token has.

https://www.zoho.com/crm/developer/docs/api/v8/scopes.html. Read scopes only; COQL needs its own beside that of
the modules.
"""

from __future__ import annotations

from collections.abc import Collection

# The first prefix that fits counts.
BY_PATH: tuple[tuple[str, str], ...] = (
    ("/crm/bulk/", "ZohoCRM.bulk.READ"),
    ("/crm/v8/coql", "ZohoCRM.coql.READ"),
    ("/crm/v8/users", "ZohoCRM.users.READ"),
    ("/crm/v8/org/currencies", "ZohoCRM.settings.READ"),
    ("/crm/v8/org", "ZohoCRM.org.READ"),
    ("/crm/v8/settings/", "ZohoCRM.settings.READ"),
    ("/crm/v8/", "ZohoCRM.modules.READ"),
)
NEEDED: tuple[str, ...] = (
    "ZohoCRM.modules.READ",
    "ZohoCRM.settings.READ",
    "ZohoCRM.users.READ",
    "ZohoCRM.org.READ",
    "ZohoCRM.bulk.READ",
    "ZohoCRM.coql.READ",
)
SCOPES = ",".join(NEEDED)


def needed_for(path: str) -> str:
    """The scope of a path from the root of the API's host; "" for one that is not the CRM's."""
    return next((scope for prefix, scope in BY_PATH if path.startswith(prefix)), "")


def missing(granted: Collection[str]) -> list[str]:
    """The needed scopes that none of these covers. `ZohoCRM.modules.ALL` covers READ; that of one module does
    not cover all."""
    have = {scope.casefold() for scope in granted}
    return [scope for scope in NEEDED if not {scope.casefold(), _all(scope).casefold()} & have]


def writing(granted: Collection[str]) -> list[str]:
    """Granted scopes that let their holder change the CRM, which we never do."""
    return sorted(scope for scope in granted if scope.rpartition(".")[2].upper() not in ("READ", ""))


def _all(scope: str) -> str:
    return f"{scope.rpartition('.')[0]}.ALL"
