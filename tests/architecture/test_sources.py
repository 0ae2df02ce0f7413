"""A source is a folder in connectors, one in expectations, one in staging, and one word in the dbt project."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from connectors import discover
from pipelines.quality.rules import load_rules

ROOT = Path(__file__).resolve().parents[2]
STREAMS = [(spec.name, stream) for spec in discover().values() for stream in spec.streams()]


def test_the_word_in_the_dbt_project_is_what_is_discovered() -> None:
    project = yaml.safe_load((ROOT / "dbt_project" / "dbt_project.yml").read_text("utf-8"))
    assert sorted(project["vars"]["crm_sources"]) == sorted(discover()), "vars.crm_sources in dbt_project.yml"


@pytest.mark.parametrize("source", sorted(discover()))
def test_every_source_has_its_staging_folder(source: str) -> None:
    assert list((ROOT / "dbt_project" / "models" / "staging" / source).glob("stg_*.sql"))


@pytest.mark.parametrize(("source", "stream"), STREAMS, ids=lambda v: v if isinstance(v, str) else v.name)
def test_every_stream_has_rules_a_label_and_its_vendor_page(source: str, stream: object) -> None:
    assert load_rules(ROOT / "expectations", source, stream.name).rules
    assert stream.label and stream.docs.startswith("https://")


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
