"""The version of this code, as manifests and the published file carry it."""

from functools import cache
from hashlib import sha256
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

try:
    VERSION = version("crm-warehouse")
except PackageNotFoundError:  # run from a checkout that was never installed
    VERSION = "0+unknown"

_ROOT = Path(__file__).resolve().parents[1]
_READS = ("connectors", "pipelines/landing")
_FOLDS = ("pipelines/warehouse",)


@cache
def reader() -> str:
    """Digest of the code and the facts that turn bytes into rows: a row that could not be read by one reader may be
    read by the next."""
    return _digest(_READS)


@cache
def folder() -> str:
    """Digest of the code that folds checked rows into tables: another one may fold the same packages otherwise."""
    return _digest(_FOLDS)


def _digest(rooms: tuple[str, ...]) -> str:
    digest = sha256()
    for room in rooms:
        for path in sorted((_ROOT / room).rglob("*")):
            if path.suffix in {".py", ".yml"}:
                digest.update(str(path.relative_to(_ROOT)).encode())
                digest.update(path.read_bytes())
    return digest.hexdigest()[:16]
