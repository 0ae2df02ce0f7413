"""Great Expectations itself: the one place that imports it, when there is something to judge.

Measured on 200,000 rows and 18 rules (2026-11): most of its time goes into planning metrics for every
expectation and chunk, so a first pass asks for success alone and only failing expectations are asked for
positions. An index that is named makes collecting positions a plain list; a column of the frame would cost
a lookup per row.
"""

from __future__ import annotations

import os
import re
import threading
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from connectors.core.errors import Actor, Problem

if TYPE_CHECKING:
    import pandas as pd

POSITION = "_position"
_POSITIONS = {
    "result_format": "COMPLETE",
    "unexpected_index_column_names": [POSITION],
    "exclude_unexpected_values": True,  # values are read from DuckDB, where they can be masked
    "return_unexpected_index_query": False,
}
_lock = threading.Lock()
_context: Any = None
_free: list[Any] = []  # data sources that nobody uses at the moment


@dataclass(frozen=True, slots=True)
class Expectation:
    """One expectation to judge: the rule it stands for, its type and its arguments."""

    rule: str
    type: str
    kwargs: Mapping[str, Any]


def load() -> Any:
    """The module, with telemetry off and an ephemeral context: nothing on disk, no network."""
    global _context
    with _lock:
        os.environ["GX_ANALYTICS_ENABLED"] = "false"  # is read while importing
        import great_expectations

        if _context is None:
            from great_expectations.data_context.types.base import ProgressBarsConfig

            _context = great_expectations.get_context(mode="ephemeral")
            _context.variables.progress_bars = ProgressBarsConfig(globally=False)
        return great_expectations


class Bench:
    """Judges frames against one list of expectations."""

    def __init__(self, batches: Any, suite: Any, expectations: Mapping[str, Any]) -> None:
        self._batches, self._suite, self._expectations = batches, suite, expectations

    def failing(self, frame: pd.DataFrame, *, suspected: bool = False) -> dict[str, list[int]]:
        """Positions of failing rows by rule. frame: indexed by `_position`.

        suspected: most rules are known to fail, so ask for positions at once.
        Raises Problem when Great Expectations could not judge: its exceptions come back as failures.
        """
        if not self._expectations:
            return {}
        batch = self._batches.get_batch({"dataframe": frame})
        suite = self._suite
        if not suspected:
            failed = _failed(self._judge(batch, suite, "BOOLEAN_ONLY"))
            if not failed:
                return {}
            suite = _suite([self._expectations[rule] for rule in failed])
        failed = _failed(self._judge(batch, suite, _POSITIONS))
        return {rule: _positions(rule, result) for rule, result in failed.items()}

    def _judge(self, batch: Any, suite: Any, result_format: Any) -> dict[str, Any]:
        results = {}
        for result in batch.validate(suite, result_format=result_format).results:
            rule = result.expectation_config.meta["rule"]
            if (message := _exception(result.exception_info)) is not None:
                raise _could_not_judge(rule, message)
            results[rule] = result
        if results.keys() != {e.meta["rule"] for e in suite.expectations}:
            raise _could_not_judge(", ".join(sorted(results)), "some expectations gave no result")
        return results


@contextmanager
def bench(expectations: Sequence[Expectation]) -> Iterator[Bench]:
    """A bench of its own for one package: threads share the context, and a data source only one after the other."""
    load()
    objects = {e.rule: _expectation(e) for e in expectations}
    with _lock:
        batches = _free.pop() if _free else _new_data_source()
    try:
        yield Bench(batches, _suite(list(objects.values())), objects)
    finally:
        with _lock:
            _free.append(batches)


def _new_data_source() -> Any:
    """A data source for frames. Making and deleting one costs 60 ms of writing YAML, so they are used again; one keeps
    the last frame that it was given."""
    asset = _context.data_sources.add_pandas(uuid.uuid4().hex).add_dataframe_asset("package")
    return asset.add_batch_definition_whole_dataframe("rows")


def _expectation(e: Expectation) -> Any:
    from great_expectations.expectations.expectation_configuration import ExpectationConfiguration

    config = ExpectationConfiguration(type=e.type, kwargs=dict(e.kwargs), meta={"rule": e.rule})
    try:
        return config.to_domain_obj()
    except (TypeError, ValueError) as error:  # its models raise these for arguments they cannot take
        raise _could_not_judge(e.rule, str(error)) from error


def _suite(expectations: Sequence[Any]) -> Any:
    from great_expectations import ExpectationSuite

    return ExpectationSuite(name="rules", expectations=list(expectations))


def _failed(results: Mapping[str, Any]) -> dict[str, Any]:
    return {rule: result for rule, result in results.items() if not result.success}


def _positions(rule: str, result: Any) -> list[int]:
    found = [int(p) for part in result.result["unexpected_index_list"] for p in part[POSITION]]
    if len(found) != result.result["unexpected_count"] or not found:
        raise _could_not_judge(
            rule, f"{len(found)} positions for {result.result['unexpected_count']} failures"
        )
    return found


def _exception(info: Mapping[str, Any]) -> str | None:
    """The message of an exception in a result: flat, or one entry per metric."""
    for part in (info, *(p for p in info.values() if isinstance(p, dict))):
        if part.get("raised_exception"):
            return str(part.get("exception_message") or "no message")
    return None


def _could_not_judge(rule: str, message: str) -> Problem:
    unquoted = re.sub(r"'[^']*'", "'…'", message)[:300]  # quotes hold values, which may be personal
    return Problem(
        f"Great Expectations could not judge the rule {rule}: {unquoted}",
        do="send this sentence to the developers; the package stays as it is and is judged again next time",
        actor=Actor.DEVELOPER,
    )
