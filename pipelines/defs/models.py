"""The dbt models as assets and their tests as checks, by dagster-dbt: lineage, selection and logs come with it."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg
from dagster_dbt import DagsterDbtTranslator, DagsterDbtTranslatorSettings, DbtCliResource, dbt_assets

from pipelines import flow
from pipelines.build import dbt_arguments, dbt_environment, manifest_path, read_build, target_path
from pipelines.defs.proofs import contract_evaluations
from pipelines.faults import noted
from pipelines.settings import DBT_PROJECT, load_settings


def models_assets() -> dg.AssetsDefinition:
    """Every seed and model. The manifest is parsed when it is missing or older than the project."""
    settings = load_settings()

    # A stream's current rows and its history are one asset: one step makes both.
    one_asset = DagsterDbtTranslatorSettings(enable_duplicate_source_asset_keys=True)

    @dbt_assets(
        name="models",
        manifest=manifest_path(settings),
        exclude="resource_type:unit_test",
        dagster_dbt_translator=DagsterDbtTranslator(one_asset),
    )
    def models(context: dg.AssetExecutionContext) -> Iterator[Any]:
        settings = load_settings()
        with flow.lock(settings, f"dagster run {context.run.run_id}"), dbt_environment(settings):
            begun = flow.begin(settings)
            dbt = DbtCliResource(
                project_dir=str(DBT_PROJECT),
                profiles_dir=str(DBT_PROJECT),
                dbt_executable=str(Path(sys.executable).with_name("dbt")),  # PATH may hold another one
            )
            invocation = dbt.cli(
                [
                    "build",
                    *dbt_arguments(settings),
                    "--exclude-resource-type",
                    "unit_test",
                    *begun.plan.refresh(),
                ],
                context=context,
                target_path=target_path(settings),
                raise_on_error=False,
            )
            yield from invocation.stream()
            for evaluation in contract_evaluations(settings, context.assets_def, context.selected_asset_keys):
                context.log_event(evaluation)
            result = flow.RunReport()
            with noted(lambda problem: result.problems.append(str(problem))):
                result.build = read_build(settings)
                if context.selected_asset_keys == context.assets_def.keys:  # a part is no complete build
                    flow.finish(settings, result.build, begun)
            flow.reported(settings, result)
        if not result.ok:
            raise dg.Failure("; ".join(result.sentences()))

    return models
