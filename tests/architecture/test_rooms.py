"""Who may import whom (DESIGN §3). A failure says what to move where."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
OURS = {"connectors", "pipelines", "sandbox", "benchmarks", "dashboards", "tests"}

# room → (rooms of ours it may import, outside packages that only it may import)
LEAVES = {
    "pipelines.files",
    "pipelines.sql",
    "pipelines.manifest",
    "pipelines.outcome",
    "pipelines.version",
    "pipelines.faults",
    "pipelines.tally",
}
MAY_IMPORT: dict[str, set[str]] = {
    "connectors": {"connectors"},
    "pipelines.landing": {"pipelines.landing", "connectors.core", *LEAVES},
    "pipelines.warehouse": {"pipelines.warehouse", "connectors.core", *LEAVES},
    "pipelines.identity": {"pipelines.identity", "pipelines.sql"},
    "pipelines.quality": {"pipelines.quality", "connectors.core", *LEAVES},
    "sandbox": {"sandbox"},
}
ONLY_IN = {
    "dagster": {"pipelines.defs"},
    "dagster_dbt": {"pipelines.defs"},
    "great_expectations": {"pipelines.quality"},
    "dbt": {"pipelines.build"},
    "opencc": {"pipelines.identity"},
    "pypinyin": {"pipelines.identity"},
    "stdnum": {"pipelines.identity"},
    "phonenumbers": {"pipelines.identity"},
    "publicsuffixlist": {"pipelines.identity"},
    "requests": {"connectors.core", "pipelines.demo", "sandbox", "benchmarks"},
    "pydantic_settings": {"pipelines.settings"},
    "starlette": {"sandbox"},
    "uvicorn": {"sandbox"},
    "typer": {"pipelines.cli"},
}
NEVER_IN_CONNECTORS = {"duckdb", "dbt", "great_expectations", "dagster", "pandas"}


def modules() -> list[tuple[str, Path]]:
    found = []
    for room in ("connectors", "pipelines", "sandbox", "benchmarks"):
        for path in sorted((ROOT / room).rglob("*.py")):
            name = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
            found.append((name, path))
    return found


def imports(path: Path) -> set[str]:
    """Full names of everything imported anywhere in a file, function-local imports included."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def within(name: str, room: str) -> bool:
    return name == room or name.startswith(room + ".")


def complaints(name: str, imported: set[str]) -> list[str]:
    found = []
    for room, allowed in MAY_IMPORT.items():
        if not within(name, room):
            continue
        for other in sorted(i for i in imported if i.split(".")[0] in OURS):
            if not any(within(other, a) for a in allowed):
                found.append(
                    f"{name} imports {other}: {room} knows only {', '.join(sorted(allowed))}. "
                    "Pass the fact in as an argument, or move the code to pipelines/sync.py or pipelines/flow.py."
                )
    for package, rooms in ONLY_IN.items():
        if any(within(i, package) for i in imported) and not any(within(name, room) for room in rooms):
            found.append(
                f"{name} imports {package}: only {', '.join(sorted(rooms))} may. Move the call there."
            )
    if within(name, "connectors"):
        found += [f"{name} imports {p}: a connector knows HTTP and files only. Move it to pipelines/landing."
                  for p in sorted(NEVER_IN_CONNECTORS) if any(within(i, p) for i in imported)]  # fmt: skip
    if not within(name, "sandbox") and not within(name, "benchmarks"):
        found += [f"{name} imports {i}: the product never imports the sandbox; start it as a process."
                  for i in imported if within(i, "sandbox")]  # fmt: skip
    return found


@pytest.mark.parametrize(
    ("name", "path"), modules(), ids=lambda value: value if isinstance(value, str) else ""
)
def test_imports_go_one_way(name: str, path: Path) -> None:
    assert complaints(name, imports(path)) == []


def test_a_connector_of_one_vendor_knows_no_other() -> None:
    for name, path in modules():
        parts = name.split(".")
        if parts[0] == "connectors" and len(parts) > 1 and parts[1] != "core":
            ours = {
                i for i in imports(path) if i.startswith("connectors.") and not within(i, "connectors.core")
            }
            foreign = {i for i in ours if not within(i, f"connectors.{parts[1]}")}
            assert not foreign, f"{name} imports {sorted(foreign)}: share it through connectors/core"


@pytest.mark.parametrize(
    ("name", "imported", "word"),
    [
        ("pipelines.landing.land", {"pipelines.warehouse.load"}, "pipelines/sync.py"),
        ("connectors.zoho.records", {"duckdb"}, "pipelines/landing"),
        ("pipelines.flow", {"dagster.asset"}, "pipelines.defs"),
        ("pipelines.demo", {"sandbox.company"}, "process"),
        ("connectors.core.http", {"pipelines.settings.load_settings"}, "argument"),
    ],
)
def test_a_wrong_import_is_named_with_its_remedy(name: str, imported: set[str], word: str) -> None:
    found = complaints(name, imported)
    assert len(found) == 1 and word in found[0]


def test_definitions_stay_small() -> None:
    assert len((ROOT / "pipelines" / "definitions.py").read_text().splitlines()) < 60


def test_every_room_has_a_readme_of_at_most_a_page() -> None:
    rooms = [
        "connectors", "connectors/fxiaoke", "connectors/inputs", "pipelines", "pipelines/landing",
        "pipelines/warehouse",
        "pipelines/quality", "pipelines/defs", "expectations", "dbt_project", "sandbox", "tests", "benchmarks",
        "dashboards",
    ]  # fmt: skip
    for room in rooms:
        readme = ROOT / room / "README.md"
        assert readme.is_file(), f"{room} has no README.md: say its one sentence and what must never be there"
        assert len(readme.read_text("utf-8").splitlines()) <= 80, f"{readme} is longer than a page"
