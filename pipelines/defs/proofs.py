"""What dbt proves beyond its tests, as asset checks: that a table was built under its contract, and that a model's code
does what its unit tests say.

dagster-dbt (0.29) makes checks of tests only. Contracts are judged by every build, so the step that builds tells how
they fared; unit tests prove code, not data, and have a job of their own.
"""

from collections.abc import Iterator, Sequence

import dagster as dg
from dagster_dbt import get_asset_key_for_model

from pipelines import flow
from pipelines.build import Contract, contracts, unit_tests
from pipelines.settings import Settings, load_settings

CONTRACT = "contract"


def contract_checks(models: dg.AssetsDefinition) -> dg.AssetChecksDefinition:
    """A check for every contracted model: how it fared in the last build."""
    settings = load_settings()
    specs = [
        dg.AssetCheckSpec(
            CONTRACT,
            asset=get_asset_key_for_model([models], one.model),
            description="It was built with the columns and types that its contract promises to readers.",
        )
        for one in contracts(settings)
    ]

    @dg.multi_asset_check(name="model_contracts", specs=specs, can_subset=True)
    def check(context: dg.AssetCheckExecutionContext) -> Iterator[dg.AssetCheckResult]:
        """What the last build said; the step that builds says it too."""
        wanted = context.op_execution_context.selected_asset_check_keys
        for one in contracts(load_settings()):
            key = get_asset_key_for_model([models], one.model)
            if dg.AssetCheckKey(key, CONTRACT) in wanted:
                yield dg.AssetCheckResult(
                    asset_key=key, check_name=CONTRACT, passed=one.kept, metadata={"said": _said(one)}
                )

    return check


def contract_evaluations(
    settings: Settings, models: dg.AssetsDefinition, built: Sequence[dg.AssetKey]
) -> Iterator[dg.AssetCheckEvaluation]:
    """How the contracts of these models fared in the build that has just ended."""
    for one in contracts(settings):
        key = get_asset_key_for_model([models], one.model)
        if key in built and one.judged:
            yield dg.AssetCheckEvaluation(
                asset_key=key, check_name=CONTRACT, passed=one.kept, metadata={"said": _said(one)}
            )


def _said(one: Contract) -> str:
    return one.sentence or "built under its contract"


def unit_test_checks(models: dg.AssetsDefinition) -> dg.AssetChecksDefinition:
    """A check for every dbt unit test, on the model whose code it proves."""
    known = {test.name: test for test in unit_tests(load_settings())}
    keys = {
        dg.AssetCheckKey(get_asset_key_for_model([models], test.model), test.name): test
        for test in known.values()
    }
    specs = [
        dg.AssetCheckSpec(key.name, asset=key.asset_key, description=test.description)
        for key, test in keys.items()
    ]

    @dg.multi_asset_check(name="model_unit_tests", specs=specs, can_subset=True)
    def check(context: dg.AssetCheckExecutionContext) -> Iterator[dg.AssetCheckResult]:
        """Run on hand-made rows; the built tables are only asked for their columns."""
        settings = load_settings()
        wanted = [key for key in keys if key in context.op_execution_context.selected_asset_check_keys]
        with flow.lock(settings, f"dagster run {context.run.run_id}"):
            failures = flow.prove_models(settings, [key.name for key in wanted])
        for key in wanted:
            sentence = failures[key.name]
            yield dg.AssetCheckResult(
                asset_key=key.asset_key,
                check_name=key.name,
                passed=not sentence,
                metadata={"said": sentence or "passed"},
            )

    return check
