"""Which scope a path needs, and whether a token has it.

https://www.zoho.com/crm/developer/docs/api/v8/scopes.html
"""

from __future__ import annotations

from collections.abc import Sequence

# What a token may do when the switches say nothing.
EVERY = (
    "ZohoCRM.modules.READ", "ZohoCRM.settings.READ", "ZohoCRM.users.READ", "ZohoCRM.org.READ", "ZohoCRM.bulk.READ",
    "ZohoCRM.coql.READ", "ZohoCRM.apis.READ",
)  # fmt: skip


def needed(path: tuple[str, ...], *, bulk: bool) -> tuple[str, str]:
    """(group, part) of the scope that a path below the version needs."""
    match path:
        case _ if bulk:
            return "bulk", ""
        case ("coql",):
            return "coql", ""
        case ("__apis",):
            return "apis", ""
        case ("org", "currencies"):
            return "settings", "currencies"
        case ("settings", part, *_):
            return "settings", part
        case ("users" | "org" as group, *_):
            return group, ""
        case (module, *_):
            return "modules", module.lower()
    return "", ""


def covered(granted: Sequence[str], group: str, part: str) -> bool:
    """Whether one of the scopes is for the group, or for this part of it, and for reading."""
    for scope in granted:
        _, found, *parts, operation = scope.split(".")
        whole = not parts or parts[0].lower() == part
        if found == group and whole and operation in ("READ", "ALL"):
            return True
    return False
