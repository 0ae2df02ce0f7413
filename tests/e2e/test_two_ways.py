"""One tenant by export files and by the API, through everything, against the sandbox's truth: every record once."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest

from pipelines import flow
from pipelines.settings import Settings, load_settings, selected
from tests.conftest import Sandbox

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]
WAYS = ["fxiaoke", "fxiaoke_export"]


def shown(settings: Settings) -> list[tuple[object, ...]]:
    with duckdb.connect(str(settings.published / "bi.duckdb"), read_only=True) as con:
        return con.execute(
            "SELECT source_way, count(*), count(DISTINCT opportunity_key), sum(amount) FROM core.fct_opportunity "
            "GROUP BY 1 ORDER BY 1"
        ).fetchall()


@pytest.mark.parametrize("ids", ["all", "none"])
def test_files_first_and_the_api_later_are_one_company(
    fresh_sandbox: Callable[..., Sandbox], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ids: str
) -> None:
    """A week lies between them, in which deals were made, changed and made void; then comes another file.

    What was void before the API was first asked is on its list by id only: a file without ids goes on showing it, and a
    warning says so.
    """
    sandbox = fresh_sandbox(seed=11, size=60)
    for name, value in {**sandbox.fxiaoke, "CRM_WAREHOUSE_HOME": str(tmp_path / "home")}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)
    settings = load_settings()
    settings.prepare_home()

    def told() -> tuple[int, Decimal]:
        deals = sandbox.truth("fxiaoke", "deals")["records"].values()
        counted = [deal for deal in deals if deal["life_status"] in ("正常", "变更中")]
        return len(counted), sum((Decimal(str(deal.get("amount") or 0)) for deal in counted), Decimal(0))

    def run(*sources: str) -> list[tuple[object, ...]]:
        report = flow.run(settings, selected(settings, list(sources)))
        assert report.ok, report.sentences()
        return shown(settings)

    sandbox.exports(settings.inbox("fxiaoke_export"), ids=ids)
    count, amount = told()
    assert run("fxiaoke_export") == [("fxiaoke_export", count, count, amount)]
    sandbox.advance(7)
    count, amount = told()
    gone = sandbox.truth("fxiaoke", "deals")["deleted"]
    assert len(gone) > 0, "deals must be made void for this to mean anything"
    first, *more = run("fxiaoke")
    assert first == ("fxiaoke", count, count, amount)
    left = sum(row[1] for row in more)
    assert left == 0 if ids == "all" else 0 < left <= len(gone)
    sandbox.advance(1)
    sandbox.exports(settings.inbox("fxiaoke_export"), ids=ids)
    by_way = run("fxiaoke_export")
    assert sum(row[1] for row in by_way) == sum(row[2] for row in by_way)
    # What came back without a stamp is void until the API is asked for all its ids.
    back = gone.keys() & sandbox.truth("fxiaoke", "deals")["records"].keys()
    assert sum(row[1] for row in by_way) - left == told()[0] - len(back)
