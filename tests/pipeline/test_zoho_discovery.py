"""Modules that nobody declared, from the organisation's own list into raw tables, by the real command."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest

from connectors import discover
from pipelines import fold
from pipelines.cli import main
from pipelines.landing.zone import Zone
from pipelines.settings import Settings, load_settings
from tests.unit.wire import Answer, Request, Server, as_json

NOON = "2026-03-01T12:00:00+00:00"
FIELDS = {
    "Visits": [
        {"api_name": "Name", "data_type": "text"},
        {"api_name": "Mail", "data_type": "email"},
        {"api_name": "Score", "data_type": "integer"},
        {"data_type": "text"},
        {"api_name": "Modified_Time", "data_type": "datetime"},
    ],
    "Codes": [
        {"api_name": "Created_Time", "data_type": "datetime"},
        {"api_name": "Code", "data_type": "text"},
    ],
    "Secret_Plans": [{"api_name": "Name", "data_type": "text"}],
    "Blank": [],
}


def refusal(code: str, status: int = 400, **details: Any) -> Answer:
    return as_json({"code": code, "details": details, "message": "m", "status": "error"}, status)


@dataclass
class Organisation:
    """Declared modules are there and empty; these are its own."""

    rows: dict[str, list[dict[str, Any]]] = field(
        default_factory=lambda: {
            "Visits": [
                {"id": "11", "Name": "甲", "Mail": "a@x.example", "Score": 3, "Modified_Time": NOON},
                {"id": "12", "Name": "乙", "Mail": None, "Score": None, "Modified_Time": NOON},
            ],
            "Codes": [{"id": "21", "Created_Time": NOON, "Code": "K-1"}],
        }
    )
    deleted: list[str] = field(default_factory=list)
    own: list[str] = field(default_factory=lambda: ["Visits", "Codes", "Secret_Plans", "Blank", "Surveys"])

    def modules(self) -> list[dict[str, Any]]:
        declared = [s.api_name for s in discover()["zoho"].streams() if "path" not in s.options]
        return [
            *({"api_name": name, "id": "1", "generated_type": "default"} for name in declared),
            *(
                {"api_name": name, "id": "2", "generated_type": "custom", "plural_label": name}
                for name in self.own
            ),
        ]

    def __call__(self, request: Request) -> Answer:
        match request.path.removeprefix("/crm/v8/").split("/"):
            case ["", "oauth", "v2", "token"]:
                return as_json({"access_token": "t", "expires_in": 3600})
            case ["settings", "modules"]:
                return as_json({"modules": self.modules()})
            case ["settings", "fields"]:
                return self._fields(request.query["module"])
            case ["settings", "roles"]:
                return as_json(
                    {"roles": [{"id": "7", "name": "Sales", "reporting_to": {"id": "6", "name": "CEO"}}]}
                )
            case ["settings", "profiles"]:
                return refusal("NO_PERMISSION", 403, permissions=["Crm_Implied_Manage_Users"])
            case ["settings", "territories"]:
                return refusal("FEATURE_NOT_ENABLED")
            case ["settings", "layouts"]:
                stage = {"api_name": "Stage", "pick_list_values": [{"id": "S1", "probability": 60}]}
                return as_json({"layouts": [{"id": "L1", "sections": [{"fields": [stage]}]}]})
            case ["settings", "pipeline"]:
                maps = [{"id": "S1", "sequence_number": 1, "forecast_type": "Open"}]
                return as_json({"pipeline": [{"id": "P1", "display_value": "Standard", "maps": maps}]})
            case ["settings", "tags"] if request.query["module"] == "Visits":
                return as_json({"tags": [{"id": "81", "name": "回访", "color_code": "#57B1FD"}]})
            case ["settings", "tags"] if request.query["module"] in ("Codes", "Secret_Plans"):
                return refusal("NOT_SUPPORTED")
            case ["settings", _] | ["org", *_] | ["users"]:
                return Answer(204)
            case ["Secret_Plans"]:
                return refusal("NO_PERMISSION", 403, permissions=["Crm_Implied_View_Secret_Plans"])
            case ["Visits", "deleted"]:
                gone = [{"id": key, "deleted_time": NOON, "type": "recycle"} for key in self.deleted]
                return as_json({"data": gone, "info": {"more_records": False}}) if gone else Answer(204)
            case ["Codes", "deleted"]:
                return refusal("NOT_SUPPORTED")
            case [module]:
                return self._records(module, request)
        return Answer(204)

    def _fields(self, module: str) -> Answer:
        if module == "Surveys":
            return refusal("FEATURE_NOT_ENABLED", feature="Surveys")
        stamped = [{"api_name": "Modified_Time", "data_type": "datetime"}]
        fields = FIELDS.get(module, stamped)
        return as_json({"fields": fields}) if fields else Answer(204)

    def _records(self, module: str, request: Request) -> Answer:
        since = request.headers.get("If-Modified-Since")
        assert not (since and module == "Codes"), "nothing in it would tell what changed"
        rows = [
            row for row in self.rows.get(module, ())
            if not since or datetime.fromisoformat(row["Modified_Time"]) >= datetime.fromisoformat(since)
        ]  # fmt: skip
        asked = {"id", *request.query.get("fields", "").split(",")}
        data = [{name: row[name] for name in row if name in asked} for row in rows]
        info = {"count": len(data), "more_records": False, "next_page_token": None}
        return as_json({"data": data, "info": info}) if data else Answer(204)


@pytest.fixture
def organisation() -> Organisation:
    return Organisation()


@pytest.fixture
def command(
    organisation: Organisation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> Iterator[Callable[..., tuple[int, dict[str, Any], str]]]:
    with Server(organisation) as server:
        for name, value in {
            "CRM_WAREHOUSE_HOME": str(tmp_path / "home"),
            "CRM_WAREHOUSE_ALLOW_LOOPBACK": "1",
            "ZOHO_CLIENT_ID": "c",
            "ZOHO_CLIENT_SECRET": "s",
            "ZOHO_REFRESH_TOKEN": "r",
            "ZOHO_ACCOUNTS_URL": server.url,
        }.items():
            monkeypatch.setenv(name, value)
        monkeypatch.chdir(tmp_path)

        def run(*words: str) -> tuple[int, dict[str, Any], str]:
            monkeypatch.setattr(sys, "argv", ["crm-warehouse", *words, "--json"])
            with pytest.raises(SystemExit) as ended:
                main()
            said = capsys.readouterr()
            return int(ended.value.code or 0), json.loads(said.out), said.err

        yield run


def table(settings: Settings, name: str) -> list[dict[str, Any]]:
    with duckdb.connect(str(settings.warehouse), read_only=True) as con:
        cursor = con.execute(f"SELECT * FROM raw_zoho.{name} ORDER BY _record_id, _loaded_at")
        names = [column for column, *_ in cursor.description or ()]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def of(result: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {outcome["stream"]: outcome for outcome in result["streams"]}


def test_every_module_of_the_organisation_arrives_and_what_cannot_be_read_is_named(command, organisation):
    code, result, _ = command("sync")
    streams, settings = of(result), load_settings()
    assert code == 1, "some wait for somebody"
    assert {name: s["status"] for name, s in streams.items() if name in ("visits", "codes", "surveys")} == {
        "visits": "loaded", "codes": "loaded", "surveys": "unchanged",
    }  # fmt: skip
    [secret], [blank] = streams["secret_plans"]["messages"], streams["blank"]["messages"]
    assert "Crm_Implied_View_Secret_Plans" in secret
    assert "ZOHO_MODULES_EXCEPT=Secret_Plans" in secret
    assert "no field of the module Blank" in blank
    assert len(result["sentences"]) == 3, "and the profiles"
    visits = {row["_record_id"]: row for row in table(settings, "visits")}
    assert (visits["11"]["Name"], visits["11"]["Score"], visits["12"]["Mail"]) == ("甲", 3, None)
    assert visits["11"]["_modified_at"].isoformat() == datetime.fromisoformat(NOON).astimezone().isoformat()
    assert [row["Code"] for row in table(settings, "codes")] == ["K-1"]


def test_settings_arrive_as_rows_and_once(command):
    _, result, _ = command("sync")
    streams, settings = of(result), load_settings()
    [profiles] = streams["profiles"]["messages"]
    assert "Crm_Implied_Manage_Users" in profiles
    assert "ZOHO_MODULES_EXCEPT=profiles" in profiles
    assert (streams["territories"]["status"], streams["territories"]["messages"]) == ("unchanged", [])
    [role] = table(settings, "roles")
    assert (role["name"], role["reporting_to"]) == ("Sales", {"id": "6", "name": "CEO"})
    [stage] = table(settings, "stages")
    assert (stage["_record_id"], stage["_layout_id"], stage["probability"]) == ("L1.S1", "L1", 60)
    [place] = table(settings, "pipeline_stages")
    assert (place["_pipeline"], place["sequence_number"], place["forecast_type"]) == ("Standard", 1, "Open")
    [tag] = table(settings, "tags")
    assert (tag["_record_id"], tag["_module"], tag["name"]) == ("Visits.81", "Visits", "回访")
    described = {row["_record_id"]: row["data_type"] for row in table(settings, "fields")}
    assert described["Visits.Mail"] == "email"
    _, result, _ = command("sync")
    assert {name for name, outcome in of(result).items() if outcome["packages"]} == set()


def test_later_syncs_bring_edits_and_deletes_and_nothing_twice(command, organisation):
    command("sync")
    settings = load_settings()
    _, result, _ = command("sync")
    assert {name: of(result)[name]["packages"] for name in ("visits", "codes")} == {"visits": 0, "codes": 0}
    organisation.rows["Codes"][0]["Code"] = "K-2"  # no stamp tells of it
    organisation.rows["Visits"].pop()
    organisation.deleted.append("12")
    command("sync")
    assert [row["Code"] for row in table(settings, "codes")] == ["K-2"]
    assert [row["Code"] for row in table(settings, "codes__history")] == ["K-1", "K-2"]
    assert [row["_record_id"] for row in table(settings, "visits") if row["_deleted_at"]] == ["12"]


def test_the_rows_of_a_module_never_come_into_the_table_of_one_that_is_gone(command, organisation):
    command("sync")
    settings = load_settings()
    organisation.own = ["Visits_" if name == "Visits" else name for name in organisation.own]
    organisation.rows["Visits_"] = [{"id": "91", "Name": "丙", "Modified_Time": NOON}]
    _, found, _ = command("doctor", "--source", "zoho")
    assert "visits_2" in " ".join(finding["sentence"] for finding in found)
    command("sync")
    assert [row["_record_id"] for row in table(settings, "visits")] == ["11", "12"]
    assert [row["_record_id"] for row in table(settings, "visits_2")] == ["91"]


def test_the_doctor_foretells_what_a_sync_costs_and_names_what_to_grant(command):
    code, findings, _ = command("doctor", "--source", "zoho")
    bad = [finding["sentence"] for finding in findings if not finding["ok"]]
    said = " ".join(finding["sentence"] for finding in findings)
    assert code == 1
    assert len(bad) == 3
    assert "no field of the module Blank" in bad[0]
    assert "permission to view Secret_Plans" in bad[1]
    assert "Switch on 'User Management'" in bad[2]
    assert "Without Modified_Time" in said
    assert "at most 100,000 records): Codes." in said
    [told] = [int(text.split()[0]) for text in said.split("costs about ")[1:]]
    command("sync")
    _, result, _ = command("sync")
    spent = 1 + sum(outcome["usage"]["credits"] for outcome in result["streams"])
    # Of these modules some end early (Blank, Surveys) and some are empty, which is read as a first time.
    assert abs(spent - told) <= 0.2 * told


def test_a_sweep_of_a_module_that_never_had_a_record_is_no_fault(command, organisation, monkeypatch):
    monkeypatch.setenv("ZOHO_MODULES", "Visits")
    monkeypatch.setenv("ZOHO_MODULES_EXCEPT", "profiles")
    organisation.rows["Visits"] = []
    code, result, err = command("sync", "--sweep")
    assert (code, err) == (0, "")
    assert of(result)["visits"]["status"] == "unchanged"


def test_a_rebuild_gives_the_same_tables(command, organisation):
    command("sync")
    organisation.rows["Codes"].append({"id": "22", "Created_Time": NOON, "Code": "K-9"})
    command("sync")
    settings = load_settings()
    names = ("visits", "visits__history", "codes", "codes__history", "stages", "fields", "roles__history")
    before = {name: table(settings, name) for name in names}
    with duckdb.connect(str(settings.warehouse), read_only=True) as con:
        changes = con.execute("SELECT * FROM ops.schema_changes ORDER BY ALL").fetchall()
    fold.rebuild(settings)
    assert {name: table(settings, name) for name in names} == before
    with duckdb.connect(str(settings.warehouse), read_only=True) as con:
        assert con.execute("SELECT * FROM ops.schema_changes ORDER BY ALL").fetchall() == changes


def test_a_module_can_be_chosen_left_out_and_asked_for_by_name(command, monkeypatch):
    monkeypatch.setenv("ZOHO_MODULES_EXCEPT", "Secret_Plans,Blank,profiles")
    code, result, _ = command("sync", "--stream", "visits")
    assert (code, list(of(result))) == (0, ["visits"])
    code, result, err = command("sync", "--stream", "vists")
    assert (code, result["streams"]) == (1, [])
    assert "no stream is named vists" in err
    monkeypatch.setenv("ZOHO_MODULES", "Codes")
    code, result, _ = command("sync")
    assert code == 0
    assert "codes" in of(result)
    assert not {"visits", "deals", "secret_plans"} & of(result).keys()


def test_personal_data_of_a_module_of_its_own_can_be_kept_out(command, monkeypatch):
    monkeypatch.setenv("ZOHO_MODULES_EXCEPT", "Secret_Plans,Blank,profiles")
    monkeypatch.setenv("CRM_WAREHOUSE_UNWANTED_FIELDS", "zoho.visits.Mail,zoho.vists.Mail")
    code, result, _ = command("sync")
    assert code == 1
    assert ["names the stream vists" in sentence for sentence in result["sentences"]] == [True]
    settings = load_settings()
    assert [row["Mail"] for row in table(settings, "visits")] == [None, None]
    [package] = Zone(settings.landing).stream("zoho", "default", "visits").packages()
    assert package.landed.redactions, "kept out of what was landed, not only of the table"
    assert {f.name for f in package.shape.fields if f.pii} == {"Mail"}
