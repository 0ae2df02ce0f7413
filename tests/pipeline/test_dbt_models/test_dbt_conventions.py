"""What reviewers would otherwise have to look for in the dbt project, file by file."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import pytest
import yaml

from connectors import discover
from tests.pipeline.test_dbt_models.warehouse import PROJECT, declared

MODELS = sorted((PROJECT / "models").rglob("*.sql"))
BANNED = {
    r"::": "write cast(x as type): `::` is not in every engine",
    r"\bqualify\b": "filter a row_number() in the next CTE: Spark has no qualify",
    r"\bstrftime\b|\bto_char\b": "format dates in the dashboard",
    r"\bjson_\w+|->>?": "unpack JSON while landing, or add a macro to dialect.sql",
    r"type_float|\bfloat\b|\breal\b": "use type_double(): 32 bits lose digits of money",
    r"\bnow\(|current_date|current_timestamp|\btoday\(": "as-of days come from int_crm__as_of, never the clock",
    r"at time zone|\btimezone\(": "use business_date() and business_midnight() of dialect.sql",
    r"\btry_cast\(\s*[^)'\"]+ as |\bmedian\([a-z]|quantile_cont|\bmd5\(|date_diff": "call the macro of dialect.sql",
}


def spoken(path: Path) -> str:
    """A model without its comments, in lower case."""
    text = re.sub(r"\{#.*?#\}", "", path.read_text("utf-8"), flags=re.S)
    return re.sub(r"--.*", "", text).lower()


# Export files of what follows a sale are landed, checked and loaded; the facts read Fxiaoke's API.
LANDED_ONLY = {"fxiaoke_export": {"sales_order_obj", "payment_obj", "payment_plan_obj"}}


@pytest.mark.parametrize("path", MODELS, ids=lambda p: p.stem)
def test_models_speak_no_dialect(path: Path) -> None:
    found = [f"{pattern}: {advice}" for pattern, advice in BANNED.items() if re.search(pattern, spoken(path))]
    assert not found, f"{path.relative_to(PROJECT)} uses {found}"


@cache
def properties() -> dict[str, dict]:
    """Model name → its entry in the yml files."""
    files = (PROJECT / "models").rglob("*.yml")
    return {m["name"]: m for f in files for m in yaml.safe_load(f.read_text("utf-8")).get("models", [])}


def test_every_model_says_what_a_row_is_and_no_more_are_described_than_exist() -> None:
    described = properties()
    assert set(described) == {p.stem for p in MODELS}
    assert [n for n, m in described.items() if not m["description"].lstrip().startswith("One row")] == []


@pytest.mark.parametrize(
    "folder", ["core", "organisation", "team_kpi", "customer_tier", "funnel", "data_quality"]
)
def test_published_columns_have_types_and_words(folder: str) -> None:
    files = (PROJECT / "models" / "marts" / folder).glob("*.sql")
    published = [p.stem for p in files if not p.stem.startswith("int_")]
    bare = [
        f"{name}.{column['name']}"
        for name in published
        for column in properties()[name]["columns"]
        if not column.get("data_type") or len(column.get("description", "")) < 5
    ]
    assert bare == []


def test_the_sources_that_models_read_are_the_staging_folders() -> None:
    project = yaml.safe_load((PROJECT / "dbt_project.yml").read_text("utf-8"))
    folders = {p.name for p in (PROJECT / "models" / "staging").iterdir() if p.is_dir()}
    assert folders == set(discover())
    assert set(project["vars"]["crm_sources"]) == {s for s in folders if discover()[s].crm}


def test_the_sources_of_an_entity_are_those_whose_folder_has_it() -> None:
    """The var entity_sources, by which unions leave out what a source does not offer."""
    offered = yaml.safe_load((PROJECT / "dbt_project.yml").read_text("utf-8"))["vars"]["entity_sources"]
    sources = [s for s in discover() if discover()[s].crm]
    found = {
        entity: sorted(
            s for s in sources if (PROJECT / "models" / "staging" / s / f"stg_{s}__{entity}.sql").exists()
        )
        for entity in offered
    }
    assert {entity: sorted(named) for entity, named in offered.items()} == found


@pytest.mark.parametrize(
    "path", [p for p in MODELS if "marts" in p.parts and "core" not in p.parts], ids=lambda p: p.stem
)
def test_no_mart_adds_up_amounts_of_several_currencies(path: Path) -> None:
    """Marts read amount_reporting; a bare `amount` may be asked whether it is there, and is what sums may be called.

    A mart whose grain holds the currency adds up amounts of one."""
    if path.stem == "mart_money_reconciliation":
        assert "group by metric, period_start, currency_code, source_system" in spoken(path)
        return
    text = re.sub(r"\bas amount\b|\bamount is (not )?null", "", spoken(path))
    summed = re.findall(r"(?:sum|avg|median|max|min)\([^;]*?\bamount\b(?=[^()]*\))", text)
    assert not summed, f"{path.stem} sums amount: use amount_reporting, which fx_converted makes"


@pytest.mark.parametrize("source", discover())
def test_every_declared_stream_has_a_source_table_and_a_reader(source: str) -> None:
    folder = PROJECT / "models" / "staging" / source
    [entry] = yaml.safe_load((folder / f"_{source}__sources.yml").read_text("utf-8"))["sources"]
    tables = {t["name"] for t in entry["tables"]} - LANDED_ONLY.get(source, set())
    texts = "".join(p.read_text("utf-8") for p in folder.glob("*.sql"))
    read = set(re.findall(rf"source\('{source}', '(\w+)'\)", texts))
    streams = {s.name for s in declared(source)} - LANDED_ONLY.get(source, set())
    assert (entry["name"], entry["schema"]) == (source, f"raw_{source}")
    assert {t.removesuffix("__history") for t in tables} == streams
    assert read == tables


def test_every_source_column_that_staging_reads_is_declared() -> None:
    """A field that no connector declares may be missing in the raw table of an organisation that lacks it."""
    for source in discover():
        texts = [p.read_text("utf-8") for p in (PROJECT / "models" / "staging" / source).glob("*.sql")]
        texts += [p.read_text("utf-8") for p in (PROJECT / "macros").glob(f"{source}_*.sql")]
        read = set(re.findall(r"(?:_field|lookup_\w+)\('(\w+)'", "".join(texts)))
        assert read and read <= {f.name for s in declared(source) for f in s.fields}


def test_every_input_is_in_the_test_of_their_grain() -> None:
    """One node for all of them, so a new input has to be added there."""
    text = (PROJECT / "tests" / "assert_inputs_have_one_row_per_key.sql").read_text("utf-8")
    keys = dict(re.findall(r"'(\w+)': '(\w+)'", text))
    staging = PROJECT / "models" / "staging" / "inputs"
    assert keys.keys() == {stream.name for stream in declared("inputs")}
    wrong = [
        n
        for n, key in keys.items()
        if f"_record_id as {key}," not in (staging / f"stg_inputs__{n}.sql").read_text()
    ]
    assert wrong == []
