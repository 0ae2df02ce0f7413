"""Running the real command line as a user does: a process, an environment, what it prints."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
EXPORTS = ROOT.parent / "shared" / "data" / "crm_sales_opportunities" / "exports"
_OURS = ("ZOHO_", "FXIAOKE_", "CRM_WAREHOUSE_", "DAGSTER_")


@dataclass(frozen=True)
class Outcome:
    code: int
    out: str
    err: str


def crm_warehouse(*arguments: str, home: Path, **settings: str) -> Outcome:
    """`crm-warehouse ARGUMENTS` with only these settings, in an empty working folder."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith(_OURS)}
    environment |= {"CRM_WAREHOUSE_HOME": str(home), "PYTHONUTF8": "1", **settings}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    work = home.parent / "work"
    work.mkdir(exist_ok=True)
    command = [str(Path(sys.executable).with_name("crm-warehouse")), *arguments]
    done = subprocess.run(command, cwd=work, env=environment, capture_output=True, text=True, timeout=280)
    return Outcome(done.returncode, done.stdout, done.stderr)


def digests(folder: Path) -> dict[str, str]:
    """What readers see in a folder: name → digest; health.json is replaced by every run."""
    return {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.iterdir())
        if path.name != "health.json"
    }
