"""The only importer of dagster: assets, checks and the job, each a thin shell around `pipelines.flow`."""

from __future__ import annotations

import dagster as dg

from connectors import discover
from pipelines.defs.models import models_assets
from pipelines.defs.proofs import contract_checks, unit_test_checks
from pipelines.defs.publish import published_bi, run_report
from pipelines.defs.raw import raw_assets

JOB, UNIT_TESTS = "crm_warehouse_run", "crm_warehouse_unit_tests"


def definitions() -> dg.Definitions:
    """Raw assets of every source, the dbt models, the published file, and the job that makes them all."""
    models = models_assets()
    contracts, proofs = contract_checks(models), unit_test_checks(models)
    raw = [raw_assets(spec) for spec in discover().values()]
    return dg.Definitions(
        assets=[*raw, models, published_bi(models), run_report(raw)],
        asset_checks=[contracts, proofs],
        jobs=[
            dg.define_asset_job(
                JOB,
                # the step that builds says how the contracts fared; unit tests prove code, not a run's data
                selection=dg.AssetSelection.all() - dg.AssetSelection.checks(contracts, proofs),
                description="Sync every configured source, build and test the models, publish, report.",
            ),
            dg.define_asset_job(
                UNIT_TESTS,
                selection=dg.AssetSelection.checks(proofs),
                description="Prove the models' code by dbt's unit tests; run it when the models have changed.",
            ),
        ],
        # Importing these libraries costs seconds: one process per run, not one per step.
        executor=dg.in_process_executor,
    )
