"""The rules we ship: every stream that models read has some, they fit the declared columns, and real data keeps its
revenue."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest
import yaml
from python_calamine import CalamineWorkbook

from connectors import discover
from connectors.core.contract import FieldType, Stream
from connectors.inputs.schema import load_schemas
from pipelines.quality import schema
from pipelines.quality.columns import resolve
from pipelines.quality.facts import plan_facts
from pipelines.quality.judge import judge
from pipelines.quality.known import Known
from pipelines.quality.model import CROSS, Rule, Scope, Severity
from pipelines.quality.plan import plan_rows
from pipelines.quality.rules import DISCOVERED, load_rules
from pipelines.quality.verdict import Verdict
from pipelines.sql import quote

ROOT = Path(__file__).parents[2]
RULES = ROOT / "expectations"
EXPORTS = ROOT.parent / "shared" / "data" / "crm_sales_opportunities" / "exports"
STREAMS = {
    f"{spec.name}.{stream.name}": stream
    for spec in discover().values()
    for stream in spec.streams()
    if stream.modelled
}
ENGINE = {
    FieldType.TEXT: "VARCHAR",
    FieldType.JSON: "VARCHAR",
    FieldType.BOOLEAN: "BOOLEAN",
    FieldType.INTEGER: "BIGINT",
    FieldType.DOUBLE: "DOUBLE",
    FieldType.DATE: "DATE",
    FieldType.DATETIME: "TIMESTAMP WITH TIME ZONE",
    FieldType.EPOCH_MS: "TIMESTAMP WITH TIME ZONE",
    FieldType.LOOKUP: "STRUCT(id VARCHAR, name VARCHAR)",
}


def columns(stream: Stream) -> dict[str, str]:
    own = {"_position": "BIGINT", "_record_id": "VARCHAR"}
    return own | {f.name: ENGINE.get(f.type, f"DECIMAL(18,{f.scale})") for f in stream.fields}


@pytest.mark.parametrize("name", STREAMS)
def test_every_rule_applies_to_the_declared_columns(name: str) -> None:
    stream = STREAMS[name]
    rules = load_rules(RULES, stream.source, stream.name)
    known = Known(
        options={f.name: f.options or ("x",) for f in stream.fields},
        arrived={f.name: f.type for f in stream.fields},
        misfits={},
        rows=1000,
        recent=[1000] * 3,
    )
    plan = plan_rows(rules, rules.of(Scope.ROW), columns(stream), "Asia/Shanghai", known)
    facts = plan_facts(rules, rules.of(Scope.PACKAGE), columns(stream), "Asia/Shanghai", known)
    assert {**plan.skipped, **facts.skipped} == {}
    assert len(plan.checks) + len(facts.facts) + len(rules.of(Scope.CROSS)) == len(rules.rules) > 0
    for rule in rules.of(Scope.CROSS):
        for owner, column in named_columns(stream, rule):
            assert resolve(column, columns(owner), "UTC"), f"{rule.name}: {owner.name} declares no {column}"


def named_columns(stream: Stream, rule: Rule) -> Iterator[tuple[Stream, str]]:
    """Every column that a rule of scope cross names, with the stream whose it must be."""
    if asked := rule.references:
        yield stream, asked.column
        yield STREAMS[f"{stream.source}.{asked.stream}"], asked.to
    if rule.overlaps:
        facts = rule.overlaps
        yield from ((stream, c) for c in (*facts.per, facts.begin, facts.end, facts.length_in_days) if c)
    yield from ((stream, column) for column in (rule.unique or ()))
    if rule.sums_to:
        yield from ((stream, column) for column in (*rule.sums_to.per, rule.sums_to.column))
    yield from ((stream, column) for column in (rule.totals.sums if rule.totals else ()))


# Lists of inputs that need no rule of their own: such columns are compared with the rows of another input.
COMPARED = {"level", "axis", "left_source", "right_source"}


@pytest.mark.parametrize("name", STREAMS)
def test_every_rule_file_is_complete(name: str) -> None:
    """Key, types, volume, how fresh it must be and what it must add up to, of every stream that models read."""
    stream = STREAMS[name]
    rules = load_rules(RULES, stream.source, stream.name)
    keys = {schema.name: schema.key for schema in load_schemas()} if stream.source == "inputs" else {}
    assert rules.key == keys.get(stream.name, (stream.key,))
    measured = {rule.measure.kind for rule in rules.rules if rule.measure}
    assert {"misfits", "volume"} <= measured
    assert ("retyped" in measured) is (stream.source in ("zoho", "fxiaoke"))  # files are typed as declared
    assert any(rule.freshness for rule in rules.rules) is (
        name != "inputs.identity_decisions"
    )  # they do not age
    assert len([rule for rule in rules.rules if rule.totals]) == (stream.source != "inputs")
    listed = {field.name for field in stream.fields if field.options}
    assert listed <= {rule.picklist for rule in rules.rules} | COMPARED


def test_rules_of_one_name_ask_the_same_kind_of_thing() -> None:
    """A name is an asset check's and stands in marts beside those of other streams."""
    by_name: dict[str, set[str]] = {}
    for stream in STREAMS.values():
        for rule in load_rules(RULES, stream.source, stream.name).rules:
            asked = next((kind for kind in CROSS if getattr(rule, kind) is not None), str(rule.scope))
            by_name.setdefault(rule.name, set()).add(asked)
    assert {name: kinds for name, kinds in by_name.items() if len(kinds) > 1} == {}


def test_the_schema_of_rule_files_is_the_models_own_and_every_file_fits_it() -> None:
    written = (RULES / "rules.schema.json").read_text("utf-8")
    assert written == schema.text(), "run `python -m pipelines.quality.schema` and commit what it writes"
    jsonschema = pytest.importorskip("jsonschema")
    judging = jsonschema.Draft202012Validator(json.loads(written))
    for path in sorted(RULES.rglob("*.yml")):
        text = path.read_text("utf-8")
        assert text.startswith("# yaml-language-server: $schema=../rules.schema.json\n"), path
        data = json.loads(json.dumps(yaml.safe_load(text), default=str))
        assert [f"{path}: {e.json_path} {e.message}" for e in judging.iter_errors(data)] == []


@pytest.mark.parametrize(
    ("at", "key", "value"),
    [
        ((), "grain", ""),
        (("rules", 0), "scope", "table"),
        (("rules", 0), "expect", "expect_luck"),
        (("rules", 0), "mostly", 0.9),
        (("rules", 0), "measure", "rows"),
        (("rules", 0), "totals", {"rows": True}),
        (("rules", 0, "with"), "min", 0),
    ],
)
def test_the_schema_refuses_what_the_pipeline_refuses(
    at: tuple[str | int, ...], key: str, value: object
) -> None:
    jsonschema = pytest.importorskip("jsonschema")
    data = json.loads(
        json.dumps(yaml.safe_load((RULES / "zoho" / "deals.yml").read_text("utf-8")), default=str)
    )
    place = data
    for step in at:
        place = place[step]
    place[key] = value
    assert not jsonschema.Draft202012Validator(schema.rules_schema()).is_valid(data)


@pytest.mark.parametrize("source", [spec.name for spec in discover().values() if spec.discovers])
def test_streams_that_a_source_discovers_have_rules_that_allow_for_what_they_lack(source: str) -> None:
    rules = load_rules(RULES, source, "no_such_stream", needed=False)
    assert {rule.name for rule in rules.rules} == {
        "key_is_present", "modified_after_created", "volume_is_as_usual", "was_read_lately",
    }  # fmt: skip
    with duckdb.connect() as con:
        con.execute("CREATE TABLE rows AS SELECT 1::BIGINT AS _position, 'x' AS _record_id")
        verdict = judge(con, "rows", rules, package_id="1", pii=())
    unjudged = {r.rule for r in verdict.results if r.not_applicable}
    assert unjudged == {"modified_after_created", "volume_is_as_usual"}
    assert load_rules(RULES, "inputs", "no_such_stream", needed=False).rules == ()


def test_no_rule_file_is_without_a_stream() -> None:
    found = [path for path in RULES.rglob("*.yml") if path.name != DISCOVERED]
    files = {f"{path.parent.name}.{path.stem}" for path in found if path.parent.name in discover()}
    assert files == STREAMS.keys()


@pytest.mark.parametrize("name", STREAMS)
def test_judging_the_declared_columns_works_on_a_row_of_nothing(name: str) -> None:
    """A row with no values fails exactly the rules that ask for a value, and every rule runs."""
    stream = STREAMS[name]
    rules = load_rules(RULES, stream.source, stream.name)
    with duckdb.connect() as con:
        con.execute(f"CREATE TABLE rows ({', '.join(f'{quote(c)} {t}' for c, t in columns(stream).items())})")
        con.execute("INSERT INTO rows (_position) VALUES (1)")
        verdict = judge(con, "rows", rules, package_id="1")
    asked = {
        r.name
        for r in rules.rules
        if r.expect == "expect_column_values_to_not_be_null" and not r.when and r.scope is Scope.ROW
    }
    assert {r.rule for r in verdict.failed} == asked


@pytest.mark.parametrize(
    ("name", "column"),
    [
        ("zoho.deals", "Stage"),
        ("fxiaoke.new_opportunity_obj", "sales_stage.name"),
        ("fxiaoke_export.new_opportunity_obj", "sales_stage"),
    ],
)
def test_the_stage_rule_knows_what_the_stage_map_knows(name: str, column: str) -> None:
    seed = ROOT / "dbt_project" / "seeds" / "stage_map.csv"
    stream = STREAMS[name]
    rule = next(r for r in load_rules(RULES, stream.source, stream.name).rules if r.name == "stage_is_known")
    with seed.open(encoding="utf-8") as lines:
        crm = stream.source.removesuffix("_export")
        mapped = {row["source_stage"] for row in csv.DictReader(lines) if row["source"] == crm}
    assert rule.columns == (column,) and set(rule.with_["value_set"]) == mapped


def test_nothing_that_carries_revenue_is_set_aside_for_how_it_is_described() -> None:
    """What may set a deal aside: no key, a negative amount, and (exports) a won one closed before it began."""
    allowed = {
        "zoho.deals": {"id_is_present", "amount_is_not_negative"},
        "fxiaoke_export.new_opportunity_obj": {
            "key_is_present", "amount_is_not_negative", "won_is_not_closed_before_created",
        },
    }  # fmt: skip
    for name, expected in allowed.items():
        rules = load_rules(RULES, STREAMS[name].source, STREAMS[name].name)
        assert {r.name for r in rules.rules if r.severity is Severity.QUARANTINE} == expected


# The labels of the public data set, by field. Parsing labels is the connector's business, not this test's.
FILES = {
    "new_opportunity_obj": ("商机", {
        "唯一性ID": "_record_id", "商机名称": "name", "客户名称": "account_id", "产品名称": "product_id",
        "负责人": "owner", "销售阶段": "sales_stage", "销售状态": "sales_status", "商机金额": "amount",
        "创建时间": "create_time", "实际结单日期": "actual_close_date", "生命状态": "life_status",
    }),
    "account_obj": ("客户", {
        "客户名称": "name", "1级行业": "industry_level1", "员工人数": "employee_count", "国家": "country",
        "上级客户": "parent_account_id", "负责人": "owner",
    }),
    "product_obj": ("产品", {"产品名称": "name", "产品线": "product_line", "标准价格": "price"}),
    "personnel_obj": ("人员", {"姓名": "name", "直属上级": "leader", "主属部门": "main_department"}),
}  # fmt: skip


@pytest.fixture(scope="module")
def real() -> Iterator[dict[str, Verdict]]:
    """The verdicts on the four public workbooks."""
    if not EXPORTS.is_dir():
        pytest.skip("the public data set is not on this machine")
    verdicts = {}
    for stream, (label, fields) in FILES.items():
        (file,) = EXPORTS.glob(f"{label}对象导出结果_*.xlsx")
        with duckdb.connect() as con:
            _fill(con, file, STREAMS[f"fxiaoke_export.{stream}"], fields)
            verdicts[stream] = judge(
                con, "rows", load_rules(RULES, "fxiaoke_export", stream), package_id="1", pii=()
            )
    yield verdicts


def _fill(con: duckdb.DuckDBPyConnection, file: Path, stream: Stream, fields: dict[str, str]) -> None:
    """A table `rows` with the columns that the file has, typed as declared."""
    header, *data = CalamineWorkbook.from_path(str(file)).get_sheet_by_index(0).to_python()
    labels = [str(label).removesuffix("（必填）") for label in header]
    types = columns(stream)
    con.execute("SET TimeZone = 'Asia/Shanghai'")
    con.execute(
        f"CREATE TABLE cells (_position BIGINT, {', '.join(f'f{i} VARCHAR' for i in range(len(labels)))})"
    )
    marks = ", ".join("?" for _ in range(len(labels) + 1))
    for start in range(0, len(data), 500):
        block = data[start : start + 500]
        values = [v for i, row in enumerate(block, start) for v in (i + 2, *(str(c) or None for c in row))]
        con.execute(f"INSERT INTO cells VALUES {', '.join(f'({marks})' for _ in block)}", values)
    selects = ["_position"]
    for i, label in enumerate(labels):
        if (field := fields.get(label)) is not None:
            lookup = types[field].startswith("STRUCT")
            value = (
                f"struct_pack(id := NULL::VARCHAR, name := f{i})"
                if lookup
                else f"CAST(f{i} AS {types[field]})"
            )
            selects.append(f"{value} AS {quote(field)}")
    if "_record_id" not in fields.values():
        selects.append(f"f{labels.index(next(iter(fields)))} AS _record_id")
    con.execute(f"CREATE TABLE rows AS SELECT {', '.join(selects)} FROM cells")


def test_real_files_lose_no_row_and_block_nothing(real: dict[str, Verdict]) -> None:
    assert {s: v.rows for s, v in real.items()} == {
        "new_opportunity_obj": 8800, "account_obj": 85, "product_obj": 7, "personnel_obj": 35,
    }  # fmt: skip
    assert all(v.rejections == [] and not v.blocked for v in real.values())


def test_the_known_faults_of_the_real_files_are_told(real: dict[str, Verdict]) -> None:
    found = {r.rule: r.failing for r in real["new_opportunity_obj"].failed}
    assert found == {
        "account_is_present": 1425,
        "product_name_is_spelled_as_listed": 1480,
        "created_is_present": 500,
        "lost_amount_is_kept": 2473,
    }
    assert {r.rule: r.failing for r in real["account_obj"].failed} == {
        "owner_is_present": 85,
        "industry_is_not_a_known_misspelling": 12,
    }
    unjudged = {r.rule for r in real["new_opportunity_obj"].results if r.not_applicable}
    assert "modified_after_created" in unjudged  # no 最后修改时间 in these files


def test_real_won_amounts_were_all_looked_at(real: dict[str, Verdict]) -> None:
    by_name = {r.rule: r for r in real["new_opportunity_obj"].results}
    assert by_name["won_amount_is_present"].checked == 4238
    assert by_name["won_is_not_closed_before_created"].checked == 4238
    assert by_name["amount_is_not_negative"].checked == 8800 - 2089
