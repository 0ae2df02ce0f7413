"""What Zoho calls a missing permission, and where an administrator finds it.

https://help.zoho.com/portal/en/kb/crm/security-control/profiles/articles/profile-permissions; the names are those
of the `permissions` in a NO_PERMISSION answer.
"""

from __future__ import annotations

import re

_PROFILE = "Setup > Security Control > Profiles > the API user's profile"
_VIEW = re.compile(r"^Crm_Implied_View_(?P<module>\w+)$")
KNOWN: dict[str, str] = {
    "Crm_Implied_Api_Access": f"Switch on 'Zoho CRM API Access' in {_PROFILE}, under Developer Permissions",
    "Crm_Implied_Manage_Users": f"Switch on 'User Management' in {_PROFILE}, under Admin-level Permissions",
    "Crm_Implied_Manage_Territories": f"Switch on 'Manage Territories' in {_PROFILE}",
}


def remedy(permissions: list[str]) -> str:
    """The next step for these; "" if none of them is known."""
    steps = [KNOWN.get(name) or _view(name) for name in permissions]
    return "; ".join(dict.fromkeys(step for step in steps if step))


def _view(name: str) -> str:
    match = _VIEW.match(name)
    return f"Give {_PROFILE} the permission to view {match['module']}" if match else ""
