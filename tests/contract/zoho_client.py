"""A reader of the sandbox's Zoho with plain requests: no connector of ours in between."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import requests


def refused(answer: requests.Response) -> tuple[int, str, dict[str, Any]]:
    """Status, code and details of a refusal; it must be flat."""
    body = answer.json()
    assert set(body) == {"code", "details", "message", "status"}
    assert body["status"] == "error"
    return answer.status_code, body["code"], body["details"]


class Client:
    """A reader without opinions: status, headers and JSON as they come."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.session = requests.Session()
        self.session.trust_env = False
        self.login()

    def token(self, **form: str) -> dict[str, Any]:
        known = {
            "grant_type": "refresh_token",
            "client_id": "sandbox-client",
            "client_secret": "sandbox-secret",
            "refresh_token": "sandbox-refresh-token-0123456789abcdef0123456789",
        }
        answer = self.session.post(f"{self.url}/oauth/v2/token", data={**known, **form}, timeout=30)
        assert answer.status_code == 200
        return answer.json()

    def login(self) -> None:
        self.session.headers["Authorization"] = f"Zoho-oauthtoken {self.token()['access_token']}"

    def get(self, path: str, since: str | None = None, **query: Any) -> requests.Response:
        headers = {"If-Modified-Since": since} if since else {}
        return self.session.get(f"{self.url}/crm/v8/{path}", params=query, headers=headers, timeout=30)

    def bulk(self, path: str) -> requests.Response:
        return self.session.get(f"{self.url}/crm/bulk/v8/{path}", timeout=60)

    def post(self, path: str, body: Any) -> requests.Response:
        """A POST below /crm, with `body` as JSON."""
        return self.session.post(f"{self.url}/crm/{path}", json=body, timeout=60)

    def page(self, path: str, since: str | None = None, **query: Any) -> dict[str, Any]:
        answer = self.get(path, since, **query)
        assert answer.status_code == 200, answer.text
        return json.loads(answer.content, parse_float=Decimal)

    def walk(self, path: str, since: str | None = None, **query: Any) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = []
        page = self.page(path, since, **query)
        while True:
            rows += page["data"]
            if not page["info"]["more_records"]:
                return rows
            page = self.page(path, since, **query, page_token=page["info"]["next_page_token"])

    def walk_pages(self, path: str) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = []
        while True:
            page = self.page(path, page=len(rows) // 200 + 1)
            rows += page["data"]
            if not page["info"]["more_records"]:
                return rows

    def refusal(self, path: str, since: str | None = None, **query: Any) -> tuple[int, str, dict[str, Any]]:
        answer = self.get(path, since, **query)
        return refused(answer)
