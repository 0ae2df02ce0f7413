"""Raw tables as assets, `[source, stream]`: one landing step per source, so that token, limiter and session
are shared by the threads that read its streams.

Streams that a source discovers when it is opened share one asset, `[source, discovered]`: no model reads them.

A stream that fails or is blocked is an outcome, not an exception: raising would skip every model. Its check
`synced` fails, and `run_report` fails the run after everything that could be served was served.
"""

from collections.abc import Iterator
from itertools import groupby
from typing import Any

import dagster as dg

from connectors.core.contract import SourceSpec, Stream
from connectors.core.errors import Problem
from pipelines import flow
from pipelines.outcome import Status, StreamOutcome, together
from pipelines.quality.model import RuleSet
from pipelines.quality.rules import load_rules
from pipelines.settings import EXPECTATIONS, Settings, load_settings, selected

_SYNCED = "synced"
_DISCOVERED = "discovered"
_SEVERITY = {"warn": dg.AssetCheckSeverity.WARN}


def raw_assets(spec: SourceSpec) -> dg.AssetsDefinition:
    """All streams of a source, with a check for each of their rules."""
    streams = {stream.name: stream for stream in spec.streams()}
    rules = {name: _rules(spec, name) for name in streams}

    @dg.multi_asset(
        name=f"{spec.name}_raw",
        specs=[*(_asset(spec, stream) for stream in streams.values()), *_discovered_asset(spec)],
        check_specs=[
            *(check for name in streams for check in _checks(spec, name, rules[name])),
            *_discovered_check(spec),
        ],
        can_subset=True,
        description=f"Land, check and load {spec.label}.",
    )
    def sync_source(
        context: dg.AssetExecutionContext,
    ) -> Iterator[dg.MaterializeResult | dg.AssetCheckResult]:
        selected_names = {key.path[-1] for key in context.selected_asset_keys}
        wanted = sorted(selected_names & streams.keys())
        others = _DISCOVERED in selected_names
        outcomes = _sync(context, spec, wanted, others=others)
        if others:
            yield from _discovered_results(
                context, spec, [o for name, o in outcomes.items() if name not in streams]
            )
        for name in wanted:
            outcome = outcomes.get(name) or StreamOutcome(spec.name, "", name)
            yield dg.MaterializeResult(asset_key=[spec.name, name], metadata=_metadata(outcome))
            yield from _results(context, spec, outcome, rules[name])

    return sync_source


def _rules(spec: SourceSpec, stream: str) -> RuleSet:
    """None of a file that cannot be used: every sync of the stream says so, and the others go on."""
    try:
        return load_rules(EXPECTATIONS, spec.name, stream)
    except Problem as problem:
        return RuleSet(source=spec.name, stream=stream, grain=problem.what, owner="nobody")


def _asset(spec: SourceSpec, stream: Stream) -> dg.AssetSpec:
    return dg.AssetSpec(
        [spec.name, stream.name],
        group_name=spec.name,
        description=f"{stream.label}: {stream.api_name} of {spec.label}. [Documentation]({stream.docs})",
        kinds={"duckdb"},
        skippable=True,
    )


def _checks(spec: SourceSpec, stream: str, rules: RuleSet) -> Iterator[dg.AssetCheckSpec]:
    key = dg.AssetKey([spec.name, stream])
    yield dg.AssetCheckSpec(_SYNCED, asset=key, description="The stream was read, checked and loaded.")
    for rule in rules.rules:
        yield dg.AssetCheckSpec(rule.name, asset=key, description=rule.reason)


def _discovered_asset(spec: SourceSpec) -> Iterator[dg.AssetSpec]:
    if spec.discovers:
        yield dg.AssetSpec(
            [spec.name, _DISCOVERED],
            group_name=spec.name,
            description=f"Further modules and settings of {spec.label}, found when it is opened; no model reads them.",
            kinds={"duckdb"},
            skippable=True,
        )


def _discovered_check(spec: SourceSpec) -> Iterator[dg.AssetCheckSpec]:
    if spec.discovers:
        key = dg.AssetKey([spec.name, _DISCOVERED])
        yield dg.AssetCheckSpec(_SYNCED, asset=key, description="Each was read, checked and loaded.")


def _discovered_results(
    context: dg.AssetExecutionContext, spec: SourceSpec, outcomes: list[StreamOutcome]
) -> Iterator[dg.MaterializeResult | dg.AssetCheckResult]:
    key = dg.AssetKey([spec.name, _DISCOVERED])
    rows = {o.stream: f"{o.status.value}, {o.received} rows" for o in outcomes}
    yield dg.MaterializeResult(asset_key=key, metadata={"streams": dg.MetadataValue.json(rows)})
    if any(check.asset_key == key for check in context.selected_asset_check_keys):
        messages = [message for o in outcomes for message in o.messages]
        yield dg.AssetCheckResult(
            asset_key=key,
            check_name=_SYNCED,
            passed=all(o.status in (Status.LOADED, Status.UNCHANGED) for o in outcomes),
            metadata={"messages": "; ".join(messages) or "fine"},
        )


def _sync(
    context: dg.AssetExecutionContext, spec: SourceSpec, streams: list[str], *, others: bool = False
) -> dict[str, StreamOutcome]:
    """Outcomes by stream. others: also what the source discovers."""
    settings = load_settings()
    chosen = _configured(settings, spec.name)
    if not chosen:
        context.log.info(f"{spec.label} is not configured: its raw tables stay as they are")
        return {}
    with flow.lock(settings, f"dagster run {context.run.run_id}"):
        report = flow.sync(settings, chosen, streams=streams, others=others)
        flow.reported(settings, flow.RunReport(sync=report))
    for sentence in report.sentences():
        context.log.error(sentence)
    failed_source = "; ".join(sentence for _, sentence in report.problems)
    outcomes = {name: together(list(of)) for name, of in _by_stream(report.outcomes)}
    for name in streams:
        if failed_source and name not in outcomes:
            outcomes[name] = StreamOutcome(spec.name, "", name, Status.FAILED, messages=[failed_source])
    return outcomes


def _by_stream(outcomes: list[StreamOutcome]) -> Iterator[tuple[str, Iterator[StreamOutcome]]]:
    return groupby(sorted(outcomes, key=lambda o: o.stream), key=lambda o: o.stream)


def _configured(settings: Settings, name: str) -> list[tuple[SourceSpec, str]]:
    try:
        return [(spec, org) for spec, org in selected(settings, None) if spec.name == name]
    except Problem:  # nothing at all is configured; a run of the models alone is still a run
        return []


def _metadata(outcome: StreamOutcome) -> dict[str, dg.MetadataValue]:
    counts = ("received", "accepted", "quarantined", "inserted", "updated", "unchanged", "deleted", "pages")
    metadata: dict[str, dg.MetadataValue] = {c: dg.MetadataValue.int(getattr(outcome, c)) for c in counts}
    metadata["status"] = dg.MetadataValue.text(outcome.status.value)
    if outcome.cursor:
        metadata["newest_record"] = dg.MetadataValue.timestamp(outcome.cursor)
    return metadata


def _results(
    context: dg.AssetExecutionContext, spec: SourceSpec, outcome: StreamOutcome, rules: RuleSet
) -> Iterator[dg.AssetCheckResult]:
    key = dg.AssetKey([spec.name, outcome.stream])
    selected_checks = {check.name for check in context.selected_asset_check_keys if check.asset_key == key}
    if _SYNCED in selected_checks:
        yield dg.AssetCheckResult(
            asset_key=key,
            check_name=_SYNCED,
            passed=outcome.status in (Status.LOADED, Status.UNCHANGED),
            severity=dg.AssetCheckSeverity.ERROR,
            metadata={"messages": "; ".join(outcome.messages) or "fine", "status": outcome.status.value},
        )
    latest = flow.latest_results(load_settings(), spec.name, outcome.stream)
    for rule in rules.rules:
        if rule.name in selected_checks:
            yield _rule_result(key, rule.name, latest.get(rule.name))


def _rule_result(key: dg.AssetKey, name: str, result: dict[str, Any] | None) -> dg.AssetCheckResult:
    """The rule's verdict when it was judged last; nothing judged yet is nothing wrong."""
    if result is None:
        return dg.AssetCheckResult(
            asset_key=key, check_name=name, passed=True, metadata={"judged": "no rows yet"}
        )
    facts = ("reason", "owner", "severity", "observed", "not_applicable")
    counts = ("checked", "failing")
    metadata: dict[str, Any] = {fact: str(result[fact]) for fact in facts if result.get(fact)}
    metadata |= {count: dg.MetadataValue.int(int(result[count])) for count in counts if count in result}
    if samples := result.get("samples"):  # masked where they could be personal data
        metadata["samples"] = dg.MetadataValue.md("\n".join(map(_sample, samples)))
    if page := result.get("page"):
        metadata["data_docs"] = dg.MetadataValue.url(str(page))
    return dg.AssetCheckResult(
        asset_key=key,
        check_name=name,
        passed=bool(result["passed"]),
        severity=_SEVERITY.get(str(result["severity"]), dg.AssetCheckSeverity.ERROR),
        metadata=metadata,
    )


def _sample(sample: dict[str, Any]) -> str:
    value = "" if sample.get("value") is None else f": `{sample['value']}`"
    return f"- row {sample.get('position')}, record {sample.get('record_id')}{value}"
