"""The only importer of dagster: assets, checks and the job, each a thin shell around `pipelines.flow`."""

from __future__ import annotations

import dagster as dg

from connectors import discover
from pipelines.defs.models import models_assets
from pipelines.defs.publish import published_bi, run_report
from pipelines.defs.raw import raw_assets

JOB = "crm_warehouse_run"


def definitions() -> dg.Definitions:
    """Raw assets of every source, the dbt models, the published file, and the job that makes them all."""
    models = models_assets()
    raw = [raw_assets(spec) for spec in discover().values()]
    return dg.Definitions(
        assets=[*raw, models, published_bi(models), run_report(raw)],
        jobs=[
            dg.define_asset_job(
                JOB,
                selection=dg.AssetSelection.all(),
                description="Sync every configured source, build and test the models, publish, report.",
            )
        ],
        # Importing these libraries costs seconds: one process per run, not one per step.
        executor=dg.in_process_executor,
    )
