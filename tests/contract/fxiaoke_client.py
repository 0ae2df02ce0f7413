"""A reader of the sandbox's Fxiaoke with plain requests: no connector of ours in between."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import requests

APP = {
    "appId": "FSAID_sandbox",
    "appSecret": "sandbox-app-secret",
    "permanentCode": "sandbox-permanent-code",
}
FIRST_OPEN = f"FSUID_{1000:032X}"  # the first employee in the older form


class Client:
    """A reader without opinions, of either generation (legacy, oauth). user: on whose behalf."""

    def __init__(self, url: str, generation: str = "oauth", user: str = "") -> None:
        self.url, self.generation = url, generation
        self.user = user or ("1000" if generation == "oauth" else FIRST_OPEN)
        self.session = requests.Session()
        self.session.trust_env = False
        self.token = ""

    def grant(self, **other: Any) -> dict[str, Any]:
        """The token endpoint's reply."""
        body = {**APP, **other}
        if self.generation == "oauth":
            return self.send("/oauth2.0/token?thirdTraceId=1", {"grantType": "app_secret", **body})
        return self.send("/cgi/corpAccessToken/get/V2", body)

    def login(self) -> Client:
        reply = self.grant()
        self.token = reply["accessToken" if self.generation == "oauth" else "corpAccessToken"]
        return self

    def call(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """A business call below /cgi, with the token in its place."""
        if self.generation == "legacy":
            own = {"corpAccessToken": self.token, "corpId": "FSCID_sandbox", "currentOpenUserId": self.user}
            return self.send(f"/cgi/{path}", {**own, **body})
        headers = {"authorization": f"Bearer {self.token}", "x-fs-ea": "sandbox-ea", "x-fs-userid": self.user}
        return self.send(f"/cgi/{path}?thirdTraceId=1", body, headers)

    def send(self, path: str, body: dict[str, Any], headers: dict[str, str] | None = None) -> dict[str, Any]:
        answer = self.session.post(f"{self.url}{path}", json=body, headers=headers, timeout=30)
        assert answer.status_code == 200
        return json.loads(answer.content, parse_float=Decimal)

    def query(self, name: str, *filters: tuple[str, str, list[Any]], **more: Any) -> dict[str, Any]:
        """A reply to a query; more: limit, offset, orders, fieldProjection; counted, nulls."""
        counted, nulls = more.pop("counted", True), more.pop("nulls", False)
        info = {"limit": 100, "offset": 0, "orders": [{"fieldName": "_id", "isAsc": True}], **more}
        info["filters"] = [{"field_name": f, "operator": o, "field_values": v} for f, o, v in filters]
        data = {"dataObjectApiName": name, "find_explicit_total_num": counted, "search_query_info": info}
        room = "custom/v2" if name.endswith("__c") else "v2"
        return self.call(f"crm/{room}/data/query", {"data": data, **({"includeNull": True} if nulls else {})})

    def rows(self, name: str, *filters: tuple[str, str, list[Any]], **more: Any) -> list[dict[str, Any]]:
        reply = self.query(name, *filters, **more)
        assert reply["errorCode"] == 0, reply
        return reply["data"]["dataList"]

    def walk(self, name: str, *filters: tuple[str, str, list[Any]]) -> list[dict[str, Any]]:
        """Everything, by `_id`."""
        found: list[dict[str, Any]] = []
        while True:
            beyond = [("_id", "GT", [found[-1]["_id"]])] if found else []
            rows = self.rows(name, *filters, *beyond, counted=False)
            found += rows
            if len(rows) < 100:
                return found
