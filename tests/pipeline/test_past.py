"""The warehouse as it was known at a place of the fold, and which publication somebody means."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import msgspec
import pytest

from connectors.core.errors import Problem
from pipelines import flow
from pipelines.build import BuildStamp, read_stamp, stamp_build
from pipelines.fold import fold_order, fold_until
from pipelines.landing.publications import FOLDER, Published, append_publication, read_publications
from pipelines.landing.runs import append_line
from pipelines.manifest import LANDED, Redaction, write_manifest
from pipelines.past import _differences, find
from pipelines.settings import Settings
from tests.pipeline.conftest import Bench
from tests.pipeline.scripted import deal
from tests.pipeline.test_fold_law import Event, play, sync

TABLES = ("raw_scripted.deals", "raw_scripted.deals__history", "ops.packages", "ops.deletions")


def tables(path: Path) -> dict[str, list[str]]:
    with duckdb.connect(str(path), read_only=True) as con:
        con.execute("SET TimeZone = 'UTC'")
        return {t: sorted(map(repr, con.execute(f"SELECT * FROM {t}").fetchall())) for t in TABLES}


LIFE: list[Event] = [
    ("read", {"a": (5, 3), "b": (6, -1), "c": (7, -2)}),  # what is negative waits
    ("delete", {"a", "d"}),
    ("bulk", {"a": (3, 7), "e": (9, 4)}),  # comes back, older
    ("release", None),  # late
    ("sweep", {"f"}),
    ("release", None),
]


def test_the_fold_up_to_a_place_is_what_the_warehouse_was_then(
    tmp_path: Path, bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After every sync of a life with deletions, a sweep and late rows released from quarantine, loading moments and
    all: what a publication of that day was built from."""
    then: dict[int, dict[str, list[str]]] = {}

    def noted(of: Bench) -> Any:
        report = sync(of)
        then[fold_order(of.settings)] = tables(of.settings.warehouse)
        return report

    with monkeypatch.context() as patch:
        patch.setattr("tests.pipeline.test_fold_law.sync", noted)
        play(bench, LIFE)
    (bench.settings.home / "dbt").mkdir()
    stamp_build(bench.settings, BuildStamp("x", ""))
    for place, was in then.items():
        path = tmp_path / f"{place}.duckdb"
        fold_until(bench.settings, path, place)
        assert tables(path) == was
    assert read_stamp(bench.settings) == BuildStamp("x", ""), "the live build was touched"


def published(version: str, at: str, **more: Any) -> Published:
    facts = {"as_of_date": "2026-03-01", "load_order": 1, "models": "m", "rules": "r", "fold": "f"}
    return Published(
        version=version, published_at=datetime.fromisoformat(at), code_version="1",
        business_timezone="Asia/Shanghai", **facts | more,
    )  # fmt: skip


@pytest.fixture
def home(tmp_path: Path) -> Settings:
    home = Settings(home=tmp_path / "home", _env_file=None)
    home.prepare_home()
    return home


def test_a_day_means_the_last_version_published_on_it_where_the_business_is(home: Settings) -> None:
    for one in (
        published("a", "2026-03-01T01:00:00+00:00"),
        published("b", "2026-03-01T15:59:00+00:00"),
        published("c", "2026-03-01T16:01:00+00:00"),  # 2 March in Shanghai
    ):
        append_publication(home.landing, one)
    append_line(home.landing / FOLDER / "2026.jsonl", b'{"version": "torn')
    assert [p.version for p in read_publications(home.landing)] == ["a", "b", "c"]
    assert find(home, "2026-03-01").version == "b"
    assert find(home, "2026-03-02").version == "c"
    assert find(home, "a").version == "a"
    for wrong in ("2026-03-03", "d"):
        with pytest.raises(Problem, match=f"no publication {wrong} is known; the newest ones are: a, b, c"):
            find(home, wrong)


def test_what_may_make_it_another_is_said(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    bench.source.pages = [[deal("a"), deal("b")]]
    bench.sync()
    package = bench.zone.packages()[-1]
    now = datetime.now(UTC)
    monkeypatch.setattr("pipelines.past.models_fingerprint", lambda: "m")
    monkeypatch.setattr("pipelines.past.rules_fingerprint", lambda _: "r")
    monkeypatch.setattr("pipelines.past.folder", lambda: "f")
    then = published("a", now.isoformat())
    assert list(_differences(then, [package], "2026-03-01")) == []
    assert list(_differences(published("a", now.isoformat(), models="old"), [package], "2026-03-01")) == [
        "the models are others now (old then, m now; release 1 then)"
    ]
    assert list(_differences(published("a", now.isoformat(), load_order=2), [package], "2026-03-02")) == [
        "1 packages that were loaded then are gone (place 2 of the fold is the first)",
        "the as-of day is 2026-03-02 now and was 2026-03-01 then",
    ]
    erased = Redaction(what="record", name="a", at=now + timedelta(days=1))
    write_manifest(package.folder, LANDED, msgspec.structs.replace(package.landed, redactions=[erased]))
    again = next(p for p in bench.zone.packages() if p.id == package.id)
    assert list(_differences(then, [again], "2026-03-01")) == [
        f"people or fields were taken out of 1 packages since (the first is {package.id})"
    ]


def test_a_publication_says_what_it_was_built_from(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    bench.source.pages = [[deal("a")]]
    bench.sync()
    (bench.settings.home / "dbt").mkdir()
    stamp = BuildStamp("x", "2026-03-01", load_order=1, models="m", rules="r", fold="f")
    stamp_build(bench.settings, stamp)
    monkeypatch.setattr(flow, "published_tables", lambda _: ())
    with flow.lock(bench.settings, "test"):
        made = flow.publish_built(bench.settings)
        flow.reported(bench.settings, flow.RunReport(publication=made))
    (noted,) = read_publications(bench.settings.landing)
    assert (noted.version, noted.load_order, noted.models, noted.rules, noted.fold, noted.as_of_date) == (
        made.version, 1, "m", "r", "f", "2026-03-01",
    )  # fmt: skip
    shown = flow.read_health(bench.settings.published)
    assert shown and shown.published
    assert (shown.published.load_order, shown.published.models, shown.published.fold) == (1, "m", "f")
