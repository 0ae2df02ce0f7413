"""How the contracts of models fared, told from dbt's own artefacts of the last build."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pipelines import build
from pipelines.build import Contract, contracts
from pipelines.settings import Settings

BROKEN = (
    "This model has an enforced contract that failed.\n| column_name | definition_type | mismatch_reason |"
)


def node(name: str, *, enforced: bool = True) -> dict[str, object]:
    return {"name": name, "resource_type": "model", "config": {"contract": {"enforced": enforced}}}


def test_a_contract_is_kept_broken_or_not_judged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = Settings(home=tmp_path, _env_file=None)
    target = build.target_path(settings)
    target.mkdir(parents=True)
    names = ("broken", "kept", "skipped", "unbuilt")
    nodes = {f"model.c.{name}": node(name) for name in names} | {"model.c.free": node("free", enforced=False)}
    (target / "manifest.json").write_text(json.dumps({"nodes": nodes}))
    monkeypatch.setattr(build, "manifest_path", lambda settings: target / "manifest.json")
    assert [one.kept for one in contracts(settings)] == [False] * 4, "nothing was built yet"
    said = {
        "broken": ("error", BROKEN),
        "kept": ("success", "OK"),
        "skipped": ("skipped", None),
        "free": ("error", "x"),
    }
    results = [{"unique_id": f"model.c.{n}", "status": s, "message": m} for n, (s, m) in said.items()]
    (target / "run_results.json").write_text(json.dumps({"results": results}))
    assert contracts(settings) == [
        Contract("broken", True, " ".join(BROKEN.split())),
        Contract("kept", True, ""),
        Contract("skipped", False, "the last build did not come to it"),
        Contract("unbuilt", False, "the last build did not come to it"),
    ]
    assert [one.kept for one in contracts(settings)] == [False, True, False, False]
