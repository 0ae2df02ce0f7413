"""A walk over Zoho's records survives what a bad day does to it, and gives the same records all the same."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from connectors.core.contract import CursorKind, Source, Stream, Window
from connectors.core.errors import Problem
from tests.conftest import Sandbox
from tests.contract.canonical import delivered
from tests.contract.sources import ZOHO

_RECORDS = "/crm/v8/DealHistory"


@pytest.fixture(scope="module")
def source(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Source]:
    with ZOHO.open(request, tmp_path_factory.mktemp("zoho")) as opened:
        yield opened


@pytest.fixture(scope="module")
def history(source: Source) -> Stream:
    return next(s for s in source.streams() if s.name == "deal_history")


@pytest.fixture
def faulty(sandbox: Sandbox) -> Iterator[Sandbox]:
    yield sandbox
    sandbox.clear_faults()


@pytest.mark.parametrize(
    "kind",
    [
        "http_500",
        "429",
        "truncated",
        "truncated_json",
        "html",
        "token_revoked",
        "count_lie",
        "page_token_expired",
    ],
)
def test_a_fault_in_the_middle_of_a_walk_costs_no_record(
    kind: str, faulty: Sandbox, source: Source, history: Stream
):
    faulty.fault(kind, path=_RECORDS, skip=5)
    shape = source.shape(history, CursorKind.INCREMENTAL)
    before = source.usage.calls
    found = delivered(source, history, shape, source.read(history, Window(CursorKind.INCREMENTAL)))
    truth = set(faulty.truth("zoho", "deal_history")["records"])
    assert set(found.keys) == truth
    assert source.usage.calls - before > -(-len(truth) // 200), "the fault was never met"
    if kind != "page_token_expired":  # a new window begins a second earlier
        assert len(found.keys) == len(truth)


def test_a_revoked_refresh_token_names_its_setting(
    request: pytest.FixtureRequest, faulty: Sandbox, tmp_path: Path
):
    faulty.fault("refresh_revoked", path="/oauth/v2/token")
    with ZOHO.open(request, tmp_path) as opened, pytest.raises(Problem, match="ZOHO_REFRESH_TOKEN"):
        opened.streams()
