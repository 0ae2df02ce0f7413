"""Scenarios are built once a session, whichever of its processes needs them, and read by many tests."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from tests.pipeline.test_dbt_models.company import EXPORT, HYGIENE, ZOHO, known_by
from tests.pipeline.test_dbt_models.ledger import LEDGER
from tests.pipeline.test_dbt_models.warehouse import Dbt, Warehouse

# What drift does to a column: a decimal that became text with a value that is none, a lookup that became text.
DRIFT = """
    ALTER TABLE raw_zoho.deals ALTER "Amount" TYPE VARCHAR;
    ALTER TABLE raw_zoho.deals__history ALTER "Amount" TYPE VARCHAR;
    ALTER TABLE raw_zoho.deals ALTER "Product" TYPE VARCHAR USING to_json("Product");
    ALTER TABLE raw_zoho.deals ADD COLUMN "自定义" VARCHAR;
    UPDATE raw_zoho.products SET "Unit_Price" = NULL;
    ALTER TABLE raw_zoho.products ALTER "Unit_Price" TYPE VARCHAR;
    UPDATE raw_zoho.products SET "Unit_Price" = 'n/a';
"""


@pytest.fixture(scope="session")
def dbt(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dbt]:
    own = tmp_path_factory.getbasetemp()
    shared = (own.parent if "PYTEST_XDIST_WORKER" in os.environ else own) / "scenarios"
    shared.mkdir(exist_ok=True)
    runner = Dbt(tmp_path_factory.mktemp("dbt"), shared)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CRM_WAREHOUSE_DUCKDB", str(runner.path))
        yield runner


@pytest.fixture(scope="session")
def company(dbt: Dbt) -> Warehouse:
    """Both CRMs and what follows a sale, as of the newest stamp."""
    return dbt.once("company", lambda: dbt.build_all("company", [*ZOHO, *EXPORT, *LEDGER], HYGIENE))


@pytest.fixture(scope="session")
def empty(dbt: Dbt) -> Warehouse:
    """Raw tables without a row."""
    return dbt.build("empty", [])


@pytest.fixture(scope="session")
def published_then(dbt: Dbt) -> Warehouse:
    """Only Zoho, only what had been read on 28 February, on drifted columns, as of the newest stamp."""
    known = known_by(ZOHO, "2026-02-28 15:59:59+00")
    models_only = ("build", "--exclude-resource-type", "test", "unit_test")
    return dbt.build("published_then", known, *models_only, sql=DRIFT)


@pytest.fixture(scope="session")
def back_then(dbt: Dbt) -> Warehouse:
    """Both CRMs as they stand on 4 March, asked for 28 February."""
    return dbt.build("back_then", [*ZOHO, *EXPORT], as_of_date="2026-02-28")
