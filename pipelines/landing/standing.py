"""How each stream stands: what the last run said of it and of every rule, and since when that is so.

`standing.json` in the stream's folder is replaced at every sync. It is a summary of what packages and the diary hold,
and no evidence: one that is lost costs only the dates in it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

import msgspec

from pipelines.files import write_atomic
from pipelines.landing.zone import StreamZone, Zone

NAME = "standing.json"


class RuleStanding(msgspec.Struct, frozen=True, kw_only=True):
    """One rule: its newest result as plain data, when that was judged, and since when it has failed (None: it passes).

    package: the newest one that it was judged on; "" where it is about the loaded tables.
    """

    result: dict[str, Any]
    judged_at: datetime
    since: datetime | None = None
    package: str = ""

    @property
    def blocks(self) -> bool:
        """It fails, and what was loaded must not be published as it is."""
        of = self.result
        return self.since is not None and of.get("scope") == "cross" and of.get("severity") == "block"


class Aside(msgspec.Struct, frozen=True):
    """Rows set aside about which nobody has decided, and when the oldest of them was landed."""

    rows: int = 0
    since: datetime | None = None


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """One stream. status: of its last run; since: when it came to be served, or ceased to be. served_at: start of the
    newest run that read it whole. messages: what somebody must act on. rules_hash: of the rules as they were then."""

    format: int = 1
    status: str
    good: bool
    since: datetime
    served_at: datetime | None = None
    messages: list[str] = []
    rules: dict[str, RuleStanding] = {}
    rules_hash: str = ""
    aside: Aside = Aside()


def read_standing(zone: StreamZone) -> Standing | None:
    """None before the first run, and where it was lost or damaged: the next run writes it anew."""
    try:
        return msgspec.json.decode((zone.folder / NAME).read_bytes(), type=Standing)
    except (OSError, msgspec.MsgspecError):
        return None


def write_standing(zone: StreamZone, standing: Standing) -> None:
    """Replace it in one act; a stream that was never landed has no folder and needs none."""
    if zone.folder.is_dir():
        write_atomic(zone.folder / NAME, msgspec.json.format(msgspec.json.encode(standing), indent=1))


def stand(
    before: Standing | None,
    *,
    status: str,
    good: bool,
    messages: Collection[str],
    results: Iterable[Mapping[str, Any]],
    rules: Collection[str],
    package: str,
    rules_hash: str = "",
    aside: Aside | None = None,
    began: datetime,
    now: datetime,
) -> Standing:
    """How a stream stands after a run that began at `began`.

    results: of the rules that were judged in it, over all packages; those of other rules stay, as long as they are
    among `rules`. package: the newest one judged. aside: None where nobody looked.
    """
    kept = {name: of for name, of in (before.rules if before else {}).items() if name in rules}
    for result in together(results):
        name = str(result["rule"])
        old = kept.get(name)
        since = None if result["passed"] else old.since if old and old.since else now
        of = package if result.get("scope") != "cross" else ""
        kept[name] = RuleStanding(result=result, judged_at=now, since=since, package=of)
    return Standing(
        status=status,
        good=good,
        since=before.since if before and before.good == good else now,
        served_at=began if good else before.served_at if before else None,
        messages=list(messages),
        rules=kept,
        rules_hash=rules_hash,
        aside=aside or (before.aside if before else Aside()),
    )


def without_samples(zone: StreamZone) -> None:
    """Show no row any more: somebody among them was erased. The next sync judges anew."""
    standing = read_standing(zone)
    if standing is None:
        return
    rules = {
        name: msgspec.structs.replace(rule, result=rule.result | {"samples": []})
        for name, rule in standing.rules.items()
    }
    write_standing(zone, msgspec.structs.replace(standing, rules=rules))


def together(results: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """One result per rule: over several packages counts are added, and one failure is a failure."""
    found: dict[str, dict[str, Any]] = {}
    for result in results:
        name = str(result["rule"])
        old = found.get(name)
        if old is None or (old.get("not_applicable") and not result.get("not_applicable")):
            found[name] = dict(result)
        elif not result.get("not_applicable"):
            found[name] = _added(old, result)
    return list(found.values())


_SAMPLES = 5


def _added(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
    counts = {name: int(old.get(name) or 0) + int(new.get(name) or 0) for name in ("checked", "failing")}
    worse = old if new["passed"] else new  # what was measured where it failed
    samples = [*(old.get("samples") or ()), *(new.get("samples") or ())][:_SAMPLES]
    return {**worse, **counts, "passed": old["passed"] and new["passed"], "samples": samples}


def standings(landing: Path) -> dict[tuple[str, str, str], Standing]:
    """Every stream that was ever landed and has a standing, by source, organisation and name."""
    found = ((names, read_standing(zone)) for *names, zone in Zone(landing).streams())
    return {(names[0], names[1], names[2]): standing for names, standing in found if standing}


def digest(stands: Mapping[tuple[str, str, str], Standing]) -> str:
    """Changes when a stream ceases to be served or is served again, or a rule of it begins or ceases to fail: what is
    published says so, and must be made anew."""
    failing = [
        "/".join([*key, *([] if of.good else ["stale"]), *sorted(n for n, r in of.rules.items() if r.since)])
        for key, of in stands.items()
        if not of.good or any(rule.since for rule in of.rules.values())
    ]
    return sha256("\n".join(sorted(failing)).encode()).hexdigest()[:8] if failing else ""
