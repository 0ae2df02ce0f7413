"""A served company, and the environment in which the product and its floors read it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

STARTUP = "import pipelines.cli, pipelines.flow, great_expectations, duckdb"
PRODUCT = "from pipelines.cli import main; main()"
_READY = re.compile(r"sandbox ready on (\S+)")


@contextmanager
def company(deals: str) -> Iterator[str]:
    """The address of a company of so many deals in Zoho, served by a process of its own."""
    command = [sys.executable, "-m", "sandbox", "serve", "--port", "0", "--seed", "7", "--size", deals]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            for line in process.stdout:
                if match := _READY.search(line):
                    yield match[1]
                    return
            raise SystemExit("the sandbox did not start")
        finally:
            process.terminate()


def environment(home: Path, settings: Mapping[str, str]) -> dict[str, str]:
    """Ours, with the settings of one source. Bytecode is kept, or every import is compiled and measured anew."""
    kept = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    return kept | {
        "CRM_WAREHOUSE_HOME": str(home),
        "CRM_WAREHOUSE_ALLOW_LOOPBACK": "1",
        "GX_ANALYTICS_ENABLED": "false",
        **settings,
    }
