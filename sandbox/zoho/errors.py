"""Zoho's refusals: flat bodies `{code, details, message, status}`.

https://www.zoho.com/crm/developer/docs/api/v8/status-codes.html
"""

from __future__ import annotations

from typing import Any


class Refusal(Exception):
    """An answer that is an error. `status` is the HTTP status."""

    def __init__(self, status: int, code: str, message: str, details: dict[str, Any] | None = None) -> None:
        super().__init__(message)
        self.status, self.code, self.message, self.details = status, code, message, details or {}

    def body(self) -> dict[str, Any]:
        """The JSON body."""
        return {"code": self.code, "details": self.details, "message": self.message, "status": "error"}


def invalid_token() -> Refusal:
    """Unknown, revoked or expired access token."""
    return Refusal(401, "INVALID_TOKEN", "invalid oauth token")


def no_such_url() -> Refusal:
    """Nothing answers at this path."""
    return Refusal(404, "INVALID_URL_PATTERN", "Please check if the URL trying to access is a correct one")


def invalid_module(index: int = 0) -> Refusal:
    """The organisation has no such module."""
    message = "The module name given seems to be invalid"
    return Refusal(400, "INVALID_MODULE", message, {"resource_path_index": index})


def invalid_value(name: str, supported: list[str] | None = None) -> Refusal:
    """A parameter has a value that cannot be."""
    details: dict[str, Any] = {"param_name": name}
    if supported:
        details["supported_values"] = supported
    return Refusal(400, "INVALID_DATA", "Invalid value for parameter", details)


def missing(name: str) -> Refusal:
    """A mandatory parameter is absent."""
    return Refusal(
        400, "REQUIRED_PARAM_MISSING", "One of the expected parameter is missing", {"param_name": name}
    )


def too_many(name: str, limit: int) -> Refusal:
    """A list parameter is longer than allowed."""
    details = {"limit": limit, "param_name": name}
    return Refusal(400, "LIMIT_EXCEEDED", f"{name} limit exceeded", details)


def ambiguous(*names: str) -> Refusal:
    """Parameters that exclude each other."""
    details = {"ambiguity_due_to": [{"param_name": name} for name in names]}
    return Refusal(400, "AMBIGUITY_DURING_PROCESSING", "Ambiguity while processing the request", details)


def page_without_token(limit: int = 2000) -> Refusal:
    """Rows beyond 2,000 need a page_token."""
    message = f"You can only get the first {limit} records without using page_token param"
    return Refusal(400, "DISCRETE_PAGINATION_LIMIT_EXCEEDED", message, {"limit": limit, "param_name": "page"})


def pages_exhausted() -> Refusal:
    """A page_token reaches 100,000 rows."""
    message = "You can only get the first 100000 records with page_token"
    return Refusal(400, "PAGINATION_LIMIT_EXCEEDED", message, {"limit": 100_000, "param_name": "page_token"})


def token_of_other_request() -> Refusal:
    """A page_token was used with other parameters than those it was given for."""
    message = "The params should be same as in the request that gave the page_token"
    return Refusal(400, "TOKEN_BOUND_DATA_MISMATCH", message, {"param_name": "page_token"})


def token_expired() -> Refusal:
    """A page_token lives 24 hours."""
    details = {"api_name": "page_token", "json_path": "$.page_token"}
    return Refusal(400, "EXPIRED_VALUE", "The page_token has expired", details)


def too_many_requests() -> Refusal:
    """Credits, concurrency and sub-concurrency share one status."""
    return Refusal(429, "TOO_MANY_REQUESTS", "You have made too many requests. Try again after some time")


def internal_error() -> Refusal:
    """Something broke over there."""
    return Refusal(500, "INTERNAL_ERROR", "Internal Server Error")


def scope_mismatch() -> Refusal:
    """The token lives, but its scopes do not cover this path."""
    return Refusal(401, "OAUTH_SCOPE_MISMATCH", "invalid oauth scope to access this URL")


def no_permission(permission: str = "Crm_Implied_Api_Access") -> Refusal:
    """The user's profile lacks a permission, by default that to the API at all."""
    return Refusal(403, "NO_PERMISSION", "permission denied", {"permissions": [permission]})


def record_not_found() -> Refusal:
    """GET of one record that is not there."""
    return Refusal(400, "INVALID_DATA", "the id given seems to be invalid", {"resource_path_index": 1})


def bad_request(code: str, message: str, **details: Any) -> Refusal:
    """Any other 400."""
    return Refusal(400, code, message, details)


def not_found(resource: str) -> Refusal:
    """A job, or its result, that is not there (any more)."""
    return Refusal(404, "RESOURCE_NOT_FOUND", "The requested resource doesn't exist.", {"resource": resource})
