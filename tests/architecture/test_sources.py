"""A source is a folder in connectors, one in expectations, one in staging, and one word: a CRM's in the dbt project,
whose unions read it; a source that is no CRM says so (`SourceSpec.crm`), and then nothing unions it."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from connectors import discover
from connectors.core.contract import FieldType
from pipelines.quality.rules import load_rules

ROOT = Path(__file__).resolve().parents[2]
CRMS = {spec.name for spec in discover().values() if spec.crm}
STREAMS = [(spec.name, stream) for spec in discover().values() for stream in spec.streams()]


def test_the_word_in_the_dbt_project_is_what_is_discovered() -> None:
    project = yaml.safe_load((ROOT / "dbt_project" / "dbt_project.yml").read_text("utf-8"))
    assert sorted(project["vars"]["crm_sources"]) == sorted(CRMS), "vars.crm_sources in dbt_project.yml"


@pytest.mark.parametrize("source", sorted(discover()))
def test_every_source_has_its_staging_folder(source: str) -> None:
    assert list((ROOT / "dbt_project" / "models" / "staging" / source).glob("stg_*.sql"))


def test_a_source_that_is_no_crm_has_a_staging_model_for_each_of_its_streams() -> None:
    own = {(source, stream.name) for source, stream in STREAMS if source not in CRMS}
    folder = ROOT / "dbt_project" / "models" / "staging"
    assert own and {(s, n) for s, n in own if not (folder / s / f"stg_{s}__{n}.sql").is_file()} == set()


@pytest.mark.parametrize(("source", "stream"), STREAMS, ids=lambda v: v if isinstance(v, str) else v.name)
def test_every_stream_has_rules_a_label_and_its_page(source: str, stream: object) -> None:
    assert load_rules(ROOT / "expectations", source, stream.name).rules
    assert stream.label
    assert stream.docs.startswith("https://") or (source not in CRMS and (ROOT / stream.docs).is_file())


@pytest.mark.parametrize(("source", "stream"), STREAMS, ids=lambda v: v if isinstance(v, str) else v.name)
def test_a_streams_key_and_stamp_are_declared_fields(source: str, stream: object) -> None:
    names = {field.name for field in stream.fields}
    assert stream.key in names and (stream.stamp is None or stream.stamp in names)


def test_every_declared_stream_is_a_dbt_source() -> None:
    declared = {(source, stream.name) for source, stream in STREAMS}
    known = set()
    for path in (ROOT / "dbt_project" / "models" / "staging").rglob("*__sources.yml"):
        for source in yaml.safe_load(path.read_text("utf-8"))["sources"]:
            known |= {(source["name"], table["name"]) for table in source["tables"]}
    assert declared <= known


def test_who_owns_a_record_is_said_by_a_declared_lookup() -> None:
    """`owner:` in streams.yml; every CRM says it of its deals."""
    owned = [(source, stream) for source, stream in STREAMS if stream.owner]
    lookups = {
        (source, stream.name): {f.name for f in stream.fields if f.type is FieldType.LOOKUP}
        for source, stream in owned
    }
    assert [
        key
        for (key, fields), (_, stream) in zip(lookups.items(), owned, strict=True)
        if stream.owner not in fields
    ] == []
    assert {source for source, _ in owned} == CRMS
