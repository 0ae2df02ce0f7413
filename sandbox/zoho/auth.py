"""Access tokens. https://www.zoho.com/crm/developer/docs/api/v8/refresh.html, …/token-validity.html"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from typing import Any

# The only client there is; no real one could look like it.
CREDENTIALS = {
    "client_id": "sandbox-client",
    "client_secret": "sandbox-secret",
    "refresh_token": "sandbox-refresh-token-0123456789abcdef0123456789",
}
_REFUSED = {
    "client_id": "invalid_client",
    "client_secret": "invalid_client_secret",
    "refresh_token": "invalid_code",
}
LIFE = 3600
ACTIVE = 15  # the sixteenth token of a refresh token ends the first
# Ten minutes begin with their first token; when they have had their tokens there is none for the rest of them.
WINDOW = 600
THROTTLED = {
    "error": "Access Denied",
    "error_description": "You have made too many requests continuously. Please try again after some time.",
}


class Tokens:
    """Issues and checks access tokens; time is the sandbox's clock."""

    def __init__(self) -> None:
        self._issued: OrderedDict[str, int] = OrderedDict()
        self._serial = 0
        self._opened, self._taken = 0, 0  # the ten minutes under way, and their tokens

    def answer(self, form: Mapping[str, str], now: int, base_url: str, most: int) -> dict[str, Any]:
        """The token endpoint's body; failures too are HTTP 200. most: tokens of ten minutes."""
        if form.get("grant_type") != "refresh_token":
            return {"error": "unsupported_grant_type"}
        for name, value in CREDENTIALS.items():
            if form.get(name) != value:
                return {"error": _REFUSED[name]}
        if not self._taken or now >= self._opened + WINDOW:
            self._opened, self._taken = now, 0
        if self._taken >= most:
            return THROTTLED
        self._taken += 1
        self._serial += 1
        token = f"1000.{self._serial:032x}.sandbox"
        self._issued[token] = now
        while len(self._issued) > ACTIVE:
            self._issued.popitem(last=False)
        return {"access_token": token, "api_domain": base_url, "token_type": "Bearer", "expires_in": LIFE}

    def valid(self, authorization: str, now: int) -> bool:
        """Whether a header `Zoho-oauthtoken …` (or `Bearer …`) carries a living token."""
        scheme, _, token = authorization.partition(" ")
        issued = self._issued.get(token)
        return scheme in ("Zoho-oauthtoken", "Bearer") and issued is not None and now < issued + LIFE

    def revoke(self) -> None:
        """End every access token; the refresh token stays good."""
        self._issued.clear()
