"""Fixtures that any test may use: the sandbox as a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import requests

os.environ.setdefault(
    "CRM_WAREHOUSE_SETTLE_SECONDS", "0"
)  # files of tests are complete when they are written
ROOT = Path(__file__).resolve().parents[1]
# Files that take longest, longest first: with `--no-loadscope-reorder` no core ends up with one of them alone. Those
# that read the scenario `company` do not follow each other directly, or a worker would wait for the other's build.
LONGEST = (
    "e2e/test_dagster.py",
    "pipeline/test_dbt_models/test_dbt_past_and_empty.py",
    "e2e/test_real_data.py",
    "e2e/test_blocked.py",
    "pipeline/test_dbt_models/test_dbt_company.py",
    "pipeline/test_dbt_models/test_dbt_identity.py",
    "pipeline/test_dbt_models/test_dbt_two_ways.py",
    "pipeline/test_dbt_models/test_dbt_organisation.py",
    "pipeline/test_dbt_models/test_dbt_money.py",
    "pipeline/test_sync_truth.py",
    "pipeline/test_zoho_discovery.py",
    "pipeline/test_forget.py",
    "pipeline/test_fxiaoke_api.py",
    "pipeline/test_full_lists.py",
    "pipeline/test_full_reads.py",
    "pipeline/test_dbt_models/test_dbt_ledger.py",
    "pipeline/test_dbt_models/test_dbt_as_of.py",
    "contract/test_source_contract.py",
    "pipeline/test_disasters.py",
    "pipeline/test_fold_law.py",
    "pipeline/test_zoho_property.py",
    "pipeline/test_fxiaoke_property.py",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest files first, everything else as it was found."""
    rank = {ROOT / "tests" / name: place for place, name in enumerate(LONGEST)}
    items.sort(key=lambda item: rank.get(item.path, len(rank)))


class Sandbox:
    """A served company (`python -m sandbox serve`). `settings` is what a reader of its Zoho must be configured with,
    `fxiaoke` a reader of its Fxiaoke."""

    def __init__(
        self, *, seed: int = 7, size: str | int = "small", clock: str | None = None, ledger: bool = False
    ) -> None:
        command = [
            sys.executable,
            "-m",
            "sandbox",
            "serve",
            "--port",
            "0",
            "--seed",
            str(seed),
            "--size",
            str(size),
        ]
        self._process = subprocess.Popen(
            [*command, *(["--clock", clock] if clock else []), *(["--ledger"] if ledger else [])],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONUTF8": "1"},
        )
        self._session = requests.Session()
        self._session.trust_env = False
        line = self._process.stdout.readline()
        if not line.startswith("sandbox ready on "):
            self.close()
            raise RuntimeError(f"the sandbox did not start: {line!r}")
        self.url = line.removeprefix("sandbox ready on ").strip()
        self.settings = {
            "ZOHO_CLIENT_ID": "sandbox-client",
            "ZOHO_CLIENT_SECRET": "sandbox-secret",
            "ZOHO_REFRESH_TOKEN": "sandbox-refresh-token-0123456789abcdef0123456789",
            "ZOHO_ACCOUNTS_URL": self.url,
            "ZOHO_API_URL": self.url,
            "CRM_WAREHOUSE_ALLOW_LOOPBACK": "1",
        }
        self.fxiaoke = {
            "FXIAOKE_BASE_URL": self.url,
            "FXIAOKE_APP_ID": "FSAID_sandbox",
            "FXIAOKE_APP_SECRET": "sandbox-app-secret",
            "FXIAOKE_PERMANENT_CODE": "sandbox-permanent-code",
            "FXIAOKE_USER_ID": "1000",
            "CRM_WAREHOUSE_ALLOW_LOOPBACK": "1",
        }

    def clock(self) -> str:
        """The company's time, ISO 8601 with +08:00."""
        return self._ask("GET", "clock")["clock"]

    def advance(self, days: int = 1) -> int:
        """Let days pass; gives the number of events."""
        return self._ask("POST", "advance", {"days": days})["events"]

    def step(self, seconds: int) -> int:
        """Let seconds pass; gives the number of events."""
        return self._ask("POST", "advance", {"seconds": seconds})["events"]

    def act(self, act: str, entity: str, **more: Any) -> str:
        """Make something happen in Zoho, or in `crm` (`sandbox/company/acts.py`); gives the id of the record."""
        return self._ask("POST", "act", {"act": act, "entity": entity, **more})["id"]

    def truth(self, crm: str, entity: str, as_of: str | None = None) -> dict[str, Any]:
        """{"records": {id: fields}, "deleted": {id: {"time", "permanent"}}} as of a time; numbers as Decimal."""
        return self._ask("GET", "truth", crm=crm, entity=entity, as_of=as_of)

    def summary(self, as_of: str | None = None) -> dict[str, Any]:
        """Totals per CRM: open, won, lost, derailed, won_amount, won_by_owner_and_month."""
        return self._ask("GET", "truth/summary", as_of=as_of)

    def fault(self, kind: str, **more: Any) -> None:
        """Plant a fault: kind, and times, path, skip, seconds, code."""
        self._ask("POST", "faults", {"kind": kind, **more})

    def clear_faults(self) -> None:
        """Take all planted faults away."""
        self._ask("POST", "faults/clear")

    def stats(self, *, reset: bool = False) -> dict[str, Any]:
        """Calls and rows per path since the last reset; with `reset` also begins to count anew."""
        found = self._ask("GET", "stats")
        if reset:
            self._ask("POST", "stats/reset")
        return found

    def set(self, **settings: Any) -> None:
        """Switches: credits (budget of 24 hours), extras (modules beside the core), … `sandbox/admin/switches.py`."""
        self._ask("POST", "settings", settings)

    def exports(self, folder: Path, **more: Any) -> list[Path]:
        """Write Fxiaoke's export files; more: format, ids, at."""
        return [
            Path(p) for p in self._ask("POST", "exports", {"dir": str(folder.resolve()), **more})["files"]
        ]

    def inputs(self, folder: Path) -> list[Path]:
        """Write the spreadsheets that the company's managers keep."""
        return [Path(p) for p in self._ask("POST", "inputs", {"dir": str(folder.resolve())})["files"]]

    def ledger(self) -> dict[str, list[dict[str, Any]]]:
        """What those spreadsheets say: input → rows; dates as ISO texts, decimals as texts."""
        return self._ask("GET", "truth/inputs")["inputs"]

    def close(self) -> None:
        """End the process."""
        self._session.close()
        self._process.terminate()
        self._process.wait(10)
        self._process.stdout.close()

    def _ask(self, method: str, action: str, body: dict[str, Any] | None = None, **query: str | None) -> Any:
        answer = self._session.request(
            method, f"{self.url}/__sandbox__/{action}", params=query, json=body, timeout=300
        )
        found = json.loads(answer.content, parse_float=Decimal)
        if answer.status_code != 200:
            raise ValueError(found["error"])
        return found


@pytest.fixture(scope="session")
def sandbox() -> Iterator[Sandbox]:
    """One small company for all tests that only read; leave its clock where it is."""
    served = Sandbox()
    # Its readers stand for many machines, each with a refresh token or an app of its own.
    served.set(tokens=1_000_000, fxiaoke={"tokens": 1_000_000, "calls": 1_000_000, "daily": 100_000_000})
    yield served
    served.close()


@pytest.fixture
def fresh_sandbox() -> Iterator[Callable[..., Sandbox]]:
    """A factory of companies of the test's own: `fresh_sandbox(seed=7, size="small", clock=None)`."""
    started: list[Sandbox] = []

    def start(**options: Any) -> Sandbox:
        started.append(Sandbox(**options))
        return started[-1]

    yield start
    for served in started:
        served.close()
