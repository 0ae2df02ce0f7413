"""Files that arrive: what of them must not be kept, and what cannot be asked of them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path

from connectors.core.contract import Source, Stream
from connectors.core.errors import Problem
from pipelines.landing.redaction.erased import Erasures, landing_policy
from pipelines.landing.redaction.redact import Found
from pipelines.landing.redaction.sheets import blanked, find_cells


def refuse_unwanted(stream: Stream, unwanted: Collection[str]) -> None:
    """Raise Problem when fields of a file are not wanted: the copy in the inbox would hold them all the same."""
    if unwanted:
        raise Problem(
            f"{', '.join(sorted(unwanted))} cannot be left out of files: the file in the inbox holds them anyway",
            do="take the columns out of the export's template in the CRM, and the fields out of "
            "CRM_WAREHOUSE_UNWANTED_FIELDS",
            source=stream.source,
            stream=stream.name,
        )


def without_erased(
    source: Source, stream: Stream, copy: Path, lists: Mapping[str, Erasures]
) -> tuple[Path, Found]:
    """The copied file as it may be kept: itself, or a copy of it without the cells of erased people.

    Call before the package is landed; the copy as it arrived is removed. Raises Problem.
    """
    own = lists.get(stream.name, Erasures())
    policy = landing_policy(lists, stream)
    if not own.erasures and not policy.referred:
        return copy, set()
    alias: dict[str, str] = {}

    def who(key: str | None) -> str | None:
        erasure = own.find(key) if key else None
        if key is None or erasure is None:
            return None
        kept_as = source.alias_key(key, erasure.alias) or key
        alias[kept_as] = erasure.alias
        return kept_as

    blanking = find_cells(source, stream, copy, who, policy.keep, policy.referred)
    if not blanking.cells:
        return copy, set()
    kept = blanked(source, stream, copy, blanking, alias, copy.with_name(f"file.1{copy.suffix}"))
    copy.unlink()
    return kept, blanking.found
