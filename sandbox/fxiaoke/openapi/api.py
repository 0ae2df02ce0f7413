"""What each address of the OpenAPI answers. Handlers give the members of a reply or raise a Refusal."""

from __future__ import annotations

from typing import Any

from sandbox.fxiaoke.openapi import errors
from sandbox.fxiaoke.openapi.describe import described, listed
from sandbox.fxiaoke.openapi.query import Query, wish_of
from sandbox.fxiaoke.openapi.render import Writer
from sandbox.fxiaoke.openapi.schema import AREAS, ObjectFacts, area_code
from sandbox.fxiaoke.openapi.store import Store
from sandbox.fxiaoke.openapi.switches import Switches

LIST, DESCRIBE = "/cgi/crm/v2/object/list", "/cgi/crm/v2/object/describe"
QUERY, CUSTOM_QUERY = "/cgi/crm/v2/data/query", "/cgi/crm/custom/v2/data/query"


class Api:
    """Objects and their records over a store."""

    def __init__(self, store: Store, switches: Switches) -> None:
        self.store, self.switches = store, switches

    def answer(self, path: str, body: dict[str, Any], *, open_ids: bool) -> dict[str, Any]:
        """open_ids: people as FSUID_…. Raises Refusal."""
        match path:
            case "/cgi/crm/v2/object/list":
                shown = (
                    f
                    for n, f in self.store.objects.items()
                    if n not in self.switches.unlisted and self._shows(f)
                )
                return {"data": {"objects": [listed(facts) for facts in shown]}}
            case "/cgi/crm/v2/object/describe":
                return {"data": {"describe": described(self._object(_described_name(body)))}}
            case "/cgi/crm/countryAreaOptions/get":
                self._object(body.get("apiName"))
                return {"countryAreaOptions": {kind: self._areas(kind) for kind in sorted(AREAS)}}
            case "/cgi/crm/v2/data/query" | "/cgi/crm/custom/v2/data/query":
                return self._query(path, body, open_ids=open_ids)
        raise errors.bad_parameter(f"path {path}")

    def _areas(self, kind: str) -> dict[str, Any]:
        """The areas of a kind that customers are in; how an option looks is taken from a describe's."""
        rows = self.store.tables["accounts"].rows.values()
        labels = sorted({row.values[kind] for row in rows if row.values.get(kind)})
        return {"options": [{"label": label, "value": area_code(label)} for label in labels]}

    def _object(self, name: Any) -> ObjectFacts:
        facts = self.store.objects.get(name)
        if facts is None or not self._shows(facts):
            raise errors.bad_parameter(f"object {name}")
        return facts

    def _shows(self, facts: ObjectFacts) -> bool:
        return facts.api_name not in self.switches.hidden and (self.switches.ledger or not facts.ledger)

    def _query(self, path: str, body: dict[str, Any], *, open_ids: bool) -> dict[str, Any]:
        data = body.get("data")
        if not isinstance(data, dict):
            raise errors.bad_parameter("data")
        facts = self._object(data.get("dataObjectApiName"))
        if facts.custom != (path == CUSTOM_QUERY):  # what a mismatch returns is not known
            raise errors.bad_parameter("dataObjectApiName")
        if facts.api_name in self.switches.denied:
            raise errors.no_right()
        wish = wish_of(data, facts, self.switches)
        writer = Writer(self.store, facts, self.switches, open_ids=open_ids)
        rows, total = Query(self.store, facts, wish, writer, self.switches).page()
        nulls = bool(body.get("includeNull"))
        return {
            "data": {
                "dataList": [writer.write(shown, wish.names, nulls=nulls) for shown in rows],
                "offset": wish.offset,
                "limit": wish.limit,
                "total": total,
            }
        }


def _described_name(body: dict[str, Any]) -> Any:
    """Both forms: `apiName` on top, or within `data`."""
    data = body.get("data")
    return body.get("apiName") or (data.get("apiName") if isinstance(data, dict) else None)
