"""The published file as an asset behind the marts, and the step that fails a run which somebody must act on."""

from collections.abc import Sequence

import dagster as dg

from pipelines import flow
from pipelines.build import published_tables
from pipelines.health import read_health, sentences
from pipelines.settings import load_settings


def published_bi(models: dg.AssetsDefinition) -> dg.AssetsDefinition:
    """`published/bi.duckdb`: built apart, swapped in whole, only when every mart was built and tested."""
    names = {(table.schema, table.name) for table in published_tables(load_settings())}
    marts = [
        key for key in models.keys if tuple(key.path[-2:]) in names or key.path[-1] in {n for _, n in names}
    ]

    @dg.asset(key=["published", "bi"], deps=marts, group_name="published", kinds={"duckdb"})
    def bi(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
        """What BI tools and analysts read."""
        settings = load_settings()
        with flow.lock(settings, f"dagster run {context.run.run_id}"):
            publication = flow.publish_built(settings)
            flow.reported(settings, flow.RunReport(publication=publication))
        return dg.MaterializeResult(
            metadata={
                "path": dg.MetadataValue.path(str(publication.path)),
                "version": publication.version,
                **{name: dg.MetadataValue.int(rows) for name, rows in publication.rows.items()},
            }
        )

    return bi


def run_report(raw: Sequence[dg.AssetsDefinition]) -> dg.AssetsDefinition:
    """Fails the run when a stream failed or is blocked. Depends on the raw assets only: models and the
    published file are made all the same."""

    @dg.asset(key=["ops", "run_report"], deps=[key for a in raw for key in a.keys], group_name="ops")
    def report() -> dg.MaterializeResult:
        """health.json, and whether somebody must act."""
        settings = load_settings()
        health = read_health(settings.published)
        messages = sentences(health) if health else []
        if messages:
            raise dg.Failure("; ".join(messages))
        return dg.MaterializeResult(
            metadata={"health": dg.MetadataValue.path(str(settings.published / "health.json"))}
        )

    return report
