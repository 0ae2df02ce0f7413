"""Building the models with dbt, in this process (ten times cheaper than dbt's command line)."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from typing import Any

import duckdb
import msgspec
import yaml

from connectors.core.errors import Actor, Problem
from pipelines.faults import known, worded
from pipelines.files import private_folder, write_atomic
from pipelines.plan import Plan, plan
from pipelines.settings import DBT_PROJECT, Settings
from pipelines.warehouse.connect import SPILL
from pipelines.warehouse.publish import PublishedColumn, PublishedTable

_PUBLISHED_SCHEMAS = ("core", "mart")
_FAILED = ("error", "fail", "runtime error")


@dataclass(frozen=True, slots=True)
class Build:
    """What dbt did. failures and warnings: one sentence per model or test."""

    nodes: int
    failures: tuple[str, ...]
    warnings: tuple[str, ...]

    @property
    def ok(self) -> bool:
        """Every model was built and every blocking test passed."""
        return not self.failures


class BuildStamp(msgspec.Struct, frozen=True):
    """What the models hold. Exists only while the last build was complete and every blocking test passed. load_order:
    place in the fold of the last package that was in the warehouse; models, rules, fold: digests of what made them."""

    built_from: str
    as_of_date: str
    load_order: int = 0
    models: str = ""
    rules: str = ""
    fold: str = ""


def begin_build(settings: Settings) -> None:
    """Forget what was built: a build that dies half-way leaves nothing to publish."""
    for path in (_stamp_path(settings), _kept_path(settings), target_path(settings) / "run_results.json"):
        path.unlink(missing_ok=True)


def stamp_build(settings: Settings, stamp: BuildStamp) -> None:
    """Note a complete, successful build."""
    write_atomic(_stamp_path(settings), msgspec.json.encode(stamp))


def read_stamp(settings: Settings) -> BuildStamp | None:
    """What was last built completely; None if nothing was, or the last build failed or died."""
    try:
        return msgspec.json.decode(_stamp_path(settings).read_bytes(), type=BuildStamp)
    except (OSError, msgspec.MsgspecError):
        return None


def plan_build(con: duckdb.DuckDBPyConnection, settings: Settings) -> Plan:
    """What of the project a build on this warehouse has to make."""
    manifest = json.loads(manifest_path(settings).read_bytes())
    return plan(con, manifest, models_code(settings), target_path(settings) / "compiled")


def build_models(settings: Settings, of: Plan | None = None) -> Build:
    """`dbt build` on the warehouse, of everything or of what is planned; unit tests left out (they prove code, not
    data).

    Raises Problem when dbt itself cannot run; failing models and tests are in the result.
    """
    if of is not None:
        kept = [{"unique_id": k.node, "status": k.status, "message": k.message} for k in of.kept]
        write_atomic(_kept_path(settings), json.dumps(kept).encode())
    if of is None or of.names:
        more = of.arguments() if of else []
        _invoke(settings, "build", "--exclude-resource-type", "unit_test", *more)
    return read_build(settings)


def read_build(settings: Settings) -> Build:
    """What the dbt build since `begin_build` said, whoever ran it.

    Raises Problem when it said nothing, and when the machine failed it and not a model (a full disk).
    """
    results = _results(settings)
    if not results:
        raise Problem(
            "dbt ended without saying how its models fared",
            do=f"see {settings.home / 'dbt' / 'logs' / 'dbt.log'}, then build again",
        )
    for result in results:
        if result["status"] in _FAILED and (problem := worded(str(result["message"]))):
            raise problem
    return Build(
        nodes=len(_told(settings)),
        failures=tuple(_sentence(r) for r in results if r["status"] in _FAILED),
        warnings=tuple(_sentence(r) for r in results if r["status"] == "warn"),
    )


@dataclass(frozen=True, slots=True)
class Contract:
    """How a contracted model fared in the last build. judged: the build came to it. sentence: why it was not built."""

    model: str
    judged: bool
    sentence: str

    @property
    def kept(self) -> bool:
        """The table was built with the columns and types that it promises."""
        return self.judged and not self.sentence


def contracts(settings: Settings) -> list[Contract]:
    """Every model with an enforced contract, as the last dbt build left it."""
    manifest = json.loads(manifest_path(settings).read_bytes())
    said = {result["unique_id"]: result for result in _results(settings)}
    return [
        _contract(node["name"], said.get(unique_id))
        for unique_id, node in sorted(manifest["nodes"].items())
        if node["resource_type"] == "model" and node["config"]["contract"]["enforced"]
    ]


def _contract(model: str, result: dict[str, Any] | None) -> Contract:
    if result is None or result["status"] == "skipped":
        return Contract(model, False, "the last build did not come to it")
    return Contract(model, True, _first_line(result["message"]) if result["status"] in _FAILED else "")


def _results(settings: Settings) -> list[dict[str, Any]]:
    """What dbt last said of each node: in the last build, or earlier of those that it left as they were."""
    told = _told(settings)
    known = {result["unique_id"] for result in told}
    return told + [kept for kept in _kept(settings) if kept["unique_id"] not in known]


def _kept(settings: Settings) -> list[dict[str, Any]]:
    try:
        found: list[dict[str, Any]] = json.loads(_kept_path(settings).read_bytes())
    except (OSError, ValueError):
        return []
    return found


def _told(settings: Settings) -> list[dict[str, Any]]:
    """What dbt said of each node of the last build; empty where none has ended."""
    try:
        found: list[dict[str, Any]] = json.loads((target_path(settings) / "run_results.json").read_bytes())[
            "results"
        ]
    except (OSError, ValueError, KeyError):
        return []
    return found


@dataclass(frozen=True, slots=True)
class UnitTest:
    """A dbt unit test: hand-made rows in, worked-out rows out of one model."""

    name: str
    model: str
    description: str


def unit_tests(settings: Settings) -> list[UnitTest]:
    """Every unit test of the project."""
    manifest = json.loads(manifest_path(settings).read_bytes())
    tests = (manifest["unit_tests"][name] for name in sorted(manifest.get("unit_tests", {})))
    return [
        UnitTest(test["name"], test["model"], " ".join((test["description"] or "").split())) for test in tests
    ]


def run_unit_tests(settings: Settings, names: Sequence[str]) -> dict[str, str]:
    """Run these unit tests on the built tables; name → what differs, "" where it passed. Call under the run lock.

    Leaves no artefact: what the last build said stays readable. Raises Problem when dbt cannot run.
    """
    results = _invoke(settings, "test", "--no-write-json", "--select", *names) if names else ()
    said = {
        r.node.name: "" if str(r.status) == "pass" else _first_line(r.message) or str(r.status)
        for r in results
    }
    return {name: said.get(name, "dbt did not run it: build the models first") for name in names}


def manifest_path(settings: Settings) -> Path:
    """dbt's manifest of the project as it is now, parsed anew when the project changed."""
    path, stamp = target_path(settings) / "manifest.json", target_path(settings) / "manifest.fingerprint"
    if not _is_whole(path) or not stamp.exists() or stamp.read_text() != models_fingerprint():
        settings.prepare_home()
        _parsed(settings).write(str(path))
        stamp.write_text(models_fingerprint())
    return path


def _is_whole(path: Path) -> bool:
    """dbt writes its artefacts bit by bit: one that was killed leaves half of them."""
    try:
        json.loads(path.read_bytes())
    except (OSError, ValueError):
        return False
    return True


def published_tables(settings: Settings) -> tuple[PublishedTable, ...]:
    """What readers may see, from the models' own metadata: contracted tables, without personal columns."""
    manifest = json.loads(manifest_path(settings).read_bytes())
    return tuple(sorted(_published(manifest), key=lambda t: (t.schema, t.name)))


def models_fingerprint() -> str:
    """Digest of the dbt project: marts are rebuilt when their code or rules change."""
    digest = sha256()
    for path in sorted(DBT_PROJECT.rglob("*")):
        if path.suffix in {".sql", ".yml", ".csv"} and "target" not in path.parts:
            digest.update(str(path.relative_to(DBT_PROJECT)).encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def project_variable(name: str) -> str:
    """A variable of the dbt project, as `dbt_project.yml` gives it. Raises KeyError."""
    return str(yaml.safe_load((DBT_PROJECT / "dbt_project.yml").read_text("utf-8"))["vars"][name])


def _published(manifest: dict[str, Any]) -> Iterator[PublishedTable]:
    for node in manifest["nodes"].values():
        if node["resource_type"] != "model" or node["schema"] not in _PUBLISHED_SCHEMAS:
            continue
        if not node["config"]["contract"]["enforced"] or node["config"]["materialized"] == "ephemeral":
            continue
        if (
            not node["config"].get("meta", {}).get("published", True)
        ):  # made from what is published, and large
            continue
        columns = tuple(
            PublishedColumn(name, column["description"])
            for name, column in node["columns"].items()
            if not {**column.get("meta", {}), **column.get("config", {}).get("meta", {})}.get("pii")
        )
        yield PublishedTable(node["schema"], node["name"], node["description"], columns)


def dbt_arguments(settings: Settings) -> list[str]:
    """Arguments of every dbt command: where things are, and the variables that settings decide."""
    return [
        "--project-dir", str(DBT_PROJECT), "--profiles-dir", str(DBT_PROJECT),
        "--target-path", str(target_path(settings)), "--log-path", str(settings.home.resolve() / "dbt" / "logs"),
        "--vars", json.dumps({"business_timezone": settings.timezone}),
    ]  # fmt: skip


def models_code(settings: Settings) -> str:
    """Digest of all that makes a model's SQL: the project, dbt, and the variables that settings decide."""
    return sha256(f"{models_fingerprint()} {version('dbt-core')} {settings.timezone}".encode()).hexdigest()[
        :16
    ]


def build_results(settings: Settings) -> list[dict[str, Any]]:
    """What dbt said of each node that the last build ran: unique_id, status, message."""
    return _told(settings)


def _kept_path(settings: Settings) -> Path:
    return settings.home.resolve() / "dbt" / "kept.json"


def _stamp_path(settings: Settings) -> Path:
    return settings.home.resolve() / "dbt" / "built.json"


def target_path(settings: Settings) -> Path:
    """Where dbt leaves its artefacts."""
    return settings.home.resolve() / "dbt" / "target"


@contextmanager
def dbt_environment(settings: Settings) -> Iterator[None]:
    """The warehouse path and its limits as the profile reads them; dbt offers no other way in."""
    warehouse = settings.warehouse.resolve()
    ours = {
        "CRM_WAREHOUSE_DUCKDB": str(warehouse),
        "CRM_WAREHOUSE_DUCKDB_MEMORY": settings.memory_limit,
        "CRM_WAREHOUSE_DUCKDB_SPILL": str(private_folder(warehouse.parent / SPILL)),
        "CRM_WAREHOUSE_PLANNED": "1",  # dbt leaves alone what the plan remembers
    }
    old = {name: os.environ.get(name) for name in ours}
    os.environ.update(ours)
    try:
        yield
    finally:
        for name, value in old.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


@dataclass(slots=True)
class _Parse:
    """The project as dbt last parsed it in this process, and of what that was the parse."""

    of: tuple[str, ...] = ()
    manifest: Any = None


_last_parse = _Parse()


def _parsed(settings: Settings) -> Any:
    """A copy of dbt's manifest of the project, which a build writes to. Parsing takes seconds, and dbt's own cache is
    lost with every other warehouse path."""
    of = (models_fingerprint(), settings.timezone)
    if _last_parse.of != of:
        _last_parse.of, _last_parse.manifest = (), _run_dbt(settings, "parse")
        _last_parse.of = of
    return _last_parse.manifest.deepcopy()


def dbt_ready(settings: Settings) -> None:
    """Import dbt and parse the project, which the first build of a process does otherwise."""
    _parsed(settings)


def _invoke(settings: Settings, command: str, *more: str) -> Any:
    """dbt in this process; what it said of each node."""
    return _run_dbt(settings, command, *more, manifest=_parsed(settings)).results


def _run_dbt(settings: Settings, command: str, *more: str, manifest: Any = None) -> Any:
    """What dbt's command gives back. Raises Problem when it could not run."""
    with dbt_environment(settings):
        from dbt.adapters.duckdb.connections import DuckDBConnectionManager
        from dbt.cli.main import dbtRunner

        # Nothing on standard output: it belongs to the command's own answer.
        quiet = ["--log-level", "none", "--log-level-file", "warn", "--no-send-anonymous-usage-stats"]
        try:
            outcome = dbtRunner(manifest=manifest).invoke([command, *dbt_arguments(settings), *quiet, *more])
        finally:
            DuckDBConnectionManager.close_all_connections()  # dbt keeps the file locked otherwise
    if outcome.result is None:
        if outcome.exception and (problem := known(outcome.exception)):
            raise problem from outcome.exception
        raise Problem(
            f"dbt {command} could not run: {_first_line(outcome.exception)}",
            do=f"see {settings.home / 'dbt' / 'logs' / 'dbt.log'}",
            actor=Actor.DEVELOPER,
        )
    return outcome.result


def _sentence(result: dict[str, Any]) -> str:
    kind, _, name = result["unique_id"].split(".")[:3]
    return f"{kind} {name}: {_first_line(result['message'])}"


def _first_line(text: object) -> str:
    return " ".join(str(text or "").split())[:300]
