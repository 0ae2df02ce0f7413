"""The organisation's set-up: `/settings/…`, `/org` and `/__apis`.

https://www.zoho.com/crm/developer/docs/api/v8/ (modules-api.html, field-meta.html, get-roles.html, get-profiles.html,
get-territories.html, layouts-meta.html, get-pipelines.html, get-currencies.html, get-org-data.html,
get-tag-list.html)
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sandbox.admin.switches import Switches
from sandbox.company.words import words
from sandbox.serving.rows import Served
from sandbox.zoho import errors
from sandbox.zoho.call import NO_CONTENT, Call, Reply
from sandbox.zoho.describe import describe_fields, describe_modules, setup
from sandbox.zoho.offer import Offer
from sandbox.zoho.schema import Module, modules
from sandbox.zoho.store import Store

_RANKS = ("销售总监", "销售经理", "销售代表")  # of each region, each reports to the one before


class Settings:
    """Answers what is asked about the organisation rather than its records."""

    def __init__(self, store: Store, switches: Switches, offer: Offer) -> None:
        self._store, self._switches, self._offer = store, switches, offer

    def answer(self, call: Call) -> Reply:
        """Find the handler of a path. Raises Refusal."""
        match call.path:
            case ("org",):
                return Reply(200, {"org": [{**setup()["org"], "time_zone": self._switches.time_zone}]})
            case ("org", "currencies"):
                return Reply(200, {"currencies": list(self._currencies())})
            case ("__apis",):
                return Reply(200, {"__apis": [_api(*line) for line in setup()["apis"]]})
            case ("settings", "modules"):
                return Reply(200, {"modules": describe_modules(self._offer.shown())})
            case ("settings", "modules", name):
                return self._module(name)
            case ("settings", "fields"):
                return self._fields(call)
            case ("settings", "layouts"):
                return self._layouts(call)
            case ("settings", "pipeline"):
                return self._pipelines(call)
            case ("settings", "tags"):
                return self._tags(call)
            case ("settings", "roles"):
                return Reply(200, {"roles": self._roles()})
            case ("settings", "profiles"):
                return Reply(200, {"profiles": [self._profile(row) for row in self._rows("profiles")]})
            case ("settings", "territories"):
                return self._territories()
        raise errors.no_such_url()

    def _currencies(self) -> Iterator[dict[str, Any]]:
        for facts in setup()["currencies"]:
            if self._switches.ledger or not facts.get("ledger"):
                yield {name: value for name, value in facts.items() if name != "ledger"}

    def _rows(self, entity: str) -> list[Served]:
        return list(self._store.tables[entity].rows.values())

    def _module(self, name: str) -> Reply:
        found = [module for module in describe_modules(self._offer.shown()) if module["api_name"] == name]
        if not found:
            raise errors.invalid_module(2)
        return Reply(200, {"modules": found})

    def _asked(self, call: Call) -> Module:
        name = call.query.get("module")
        if not name:
            raise errors.missing("module")
        if name == "users":
            return modules()[name]
        return self._offer.module(name)

    def _fields(self, call: Call) -> Reply:
        """Where the switches say so, nothing, or a first field that lacks keys which the pages promise."""
        module = self._asked(call)
        if module.api_name in self._switches.no_fields:
            return NO_CONTENT
        fields = describe_fields(module)
        if module.api_name in self._switches.sparse:
            for key in ("json_type", "length", "decimal_place", "pick_list_values", "lookup", "view_type"):
                del fields[1][key]
        return Reply(200, {"fields": fields})

    def _layouts(self, call: Call) -> Reply:
        """One layout of one section; pick lists are those of the layout."""
        module = self._asked(call)
        section = {
            "id": f"{module.id}02", "api_name": f"{module.api_name}_Information", "display_label": module.singular,
            "sequence_number": 1, "type": "used", "isSubformSection": False, "fields": describe_fields(module),
        }  # fmt: skip
        layout = {
            "id": _layout_id(module), "name": "Standard", "display_label": "Standard", "api_name": "Standard",
            "status": "active", "visible": True, "has_more_profiles": False, "sections": [section],
            "profiles": [{"id": row.id, "name": row.values["name"]} for row in self._rows("profiles")],
            "created_time": None, "modified_time": None,
        }  # fmt: skip
        return Reply(200, {"layouts": [layout]})

    def _tags(self, call: Call) -> Reply:
        """The tags of a module. Not documented for lines and links; here they refuse."""
        module = self._asked(call)
        if module.generated in ("subform", "linking"):
            raise errors.bad_request("NOT_SUPPORTED", "The module does not support tags")
        listed = setup()["tags"].get(module.api_name, [])
        if not listed:
            return NO_CONTENT
        me = self._store.me()
        by, when = {"name": me.values["full_name"], "id": me.id}, self._store.stamper()(me.created)
        tags = [
            {
                "id": str(554_022_999_999_970_000 + module.number * 100 + number), "name": name, "color_code": colour,
                "created_time": when, "modified_time": when, "created_by": by, "modified_by": by,
            }
            for number, (name, colour) in enumerate(listed, 1)
        ]  # fmt: skip
        return Reply(200, {"tags": tags, "info": {"count": len(tags), "allowed_count": 100}})

    def _pipelines(self, call: Call) -> Reply:
        """The layout is mandatory; the probability of a stage is not here but on the field."""
        if not call.query.get("layout_id"):
            raise errors.missing("layout_id")
        deals = modules()["Deals"]
        if call.query["layout_id"] != _layout_id(deals):
            return NO_CONTENT
        by_name = {field["api_name"]: field for field in describe_fields(deals)}
        stages = by_name["Stage"]["pick_list_values"]
        pipelines = []
        for value in by_name["Pipeline"]["pick_list_values"]:
            left_out = setup()["pipelines"][value["actual_value"]]
            kept = [stage for stage in stages if stage["actual_value"] not in left_out]
            maps = [
                {key: stage[key] for key in (
                    "id", "display_value", "actual_value", "colour_code", "forecast_type", "forecast_category",
                )} | {"sequence_number": number, "delete": False}
                for number, stage in enumerate(kept, 1)
            ]  # fmt: skip
            default = value["actual_value"] == setup()["default_pipeline"]
            head = {key: value[key] for key in ("id", "display_value", "actual_value")}
            pipelines.append({**head, "default": default, "maps": maps})
        return Reply(200, {"pipeline": pipelines})

    def _roles(self) -> list[dict[str, Any]]:
        rows = self._rows("roles")
        by_name = {row.values["name"]: row for row in rows}
        return [self._role(row, by_name.get(_superior(row.values["name"]))) for row in rows]

    def _role(self, row: Served, superior: Served | None) -> dict[str, Any]:
        stamp = self._store.stamper()
        above = superior and {"name": superior.values["name"], "id": superior.id}
        return {
            "id": row.id, "name": row.values["name"], "display_label": row.values["name"], "description": None,
            "reporting_to": above, "share_with_peers": False, "admin_user": superior is None,
            "forecast_manager": None, "created_by__s": None, "modified_by__s": None,
            "created_time__s": stamp(row.created), "modified_time__s": stamp(row.modified),
        }  # fmt: skip

    def _profile(self, row: Served) -> dict[str, Any]:
        stamp = self._store.stamper()
        return {
            "id": row.id, "name": row.values["name"], "display_label": row.values["name"], "type": "normal_profile",
            "custom": False, "default": True, "description": None, "created_by": None, "modified_by": None,
            "created_time": stamp(row.created), "modified_time": stamp(row.modified),
        }  # fmt: skip

    def _territories(self) -> Reply:
        """The country, and the sales regions below it."""
        if not self._switches.territories:
            raise errors.bad_request("TERRITORY_NOT_ENABLED", "Territory management is not enabled")
        names = ["中国", *(region["name"] for region in words()["regions"])]
        found = [_territory(number, name, names[0] if number else None) for number, name in enumerate(names)]
        info = {"per_page": 200, "count": len(found), "page": 1, "more_records": False}
        return Reply(200, {"territories": found, "info": info})


def _territory(number: int, name: str, above: str | None) -> dict[str, Any]:
    ids = [str(554_022_999_999_990_000 + n) for n in (number, 0)]
    return {
        "id": ids[0], "name": name, "api_name": f"Territory_{number}", "description": None, "manager": None,
        "reporting_to": above and {"name": above, "id": ids[1]}, "permission_type": "read_only",
        "created_time": "2025-01-01T09:00:00+08:00", "modified_time": "2025-01-01T09:00:00+08:00",
        "created_by": None, "modified_by": None,
    }  # fmt: skip


def _layout_id(module: Module) -> str:
    return str(int(module.id) + 100_000)


def _superior(role: str) -> str | None:
    """The name of the role above: the same region, one rank up."""
    region, rank = role[:-4], role[-4:]
    place = _RANKS.index(rank)
    return region + _RANKS[place - 1] if place else None


def _api(path: str, scope: str, low: int, high: int, method: str = "GET") -> dict[str, Any]:
    operation = {"method": method, "oauth_scope": scope, "min_credits": low, "max_credits": high}
    return {"path": path, "operation_types": [operation]}
