"""How each stream stands: what the last run said of it and of every rule, and since when that is so.

`standing.json` in the stream's folder is replaced at every sync. It is a summary of what packages and the diary hold,
and no evidence: one that is lost costs only the dates in it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

import msgspec

from pipelines.files import private_folder, write_atomic
from pipelines.landing.zone import StreamZone, Zone

NAME = "standing.json"


class RuleStanding(msgspec.Struct, frozen=True, kw_only=True):
    """One rule: its newest result as plain data, when that was judged, and since when it has failed (None: it passes).

    package: the newest one that it was judged on; "" where it is about the loaded tables, and then `on` says how far
    these were loaded. digest: of the rule as it was then.
    """

    result: dict[str, Any]
    judged_at: datetime
    since: datetime | None = None
    package: str = ""
    on: str = ""
    digest: str = ""

    @property
    def blocks(self) -> bool:
        """It fails, and what was loaded must not be published as it is."""
        of = self.result
        return self.since is not None and of.get("scope") == "cross" and of.get("severity") == "block"


class Broken(msgspec.Struct, frozen=True, kw_only=True):
    """Rows that break one rule now, since when, and who must act. A row that breaks two rules is in both."""

    rows: int
    since: datetime
    owner: str = ""
    reason: str = ""


class Aside(msgspec.Struct, frozen=True):
    """Rows set aside about which nobody has decided, when the oldest of them was landed, and by which rules."""

    rows: int = 0
    since: datetime | None = None
    rules: dict[str, Broken] = {}


class Failing(msgspec.Struct, frozen=True, kw_only=True):
    """A rule that somebody must act on: it fails, or rows that it set aside wait."""

    rule: str
    severity: str
    owner: str
    reason: str
    since: datetime
    failing: int
    checked: int
    observed: str | None = None


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """One stream. status: of its last run; since: when it came to be served, or ceased to be. served_at: start of the
    newest run that read it whole. messages: what somebody must act on. warned: loaded rows that break a rule now."""

    format: int = 1
    status: str
    good: bool
    since: datetime
    served_at: datetime | None = None
    messages: list[str] = []
    rules: dict[str, RuleStanding] = {}
    aside: Aside = Aside()
    warned: dict[str, Broken] = {}

    def failing(self) -> Iterator[Failing]:
        """A rule over rows fails as long as such rows wait or are loaded, however good the next package was."""
        for name, rule in self.rules.items():
            of = rule.result
            of_rows = of["severity"] == _QUARANTINE or (of["severity"] == "warn" and of.get("scope") == "row")
            if rule.since is not None and not of_rows:
                yield Failing(
                    rule=name, severity=str(of["severity"]), owner=str(of.get("owner") or ""),
                    reason=str(of["reason"]), since=rule.since, failing=int(of.get("failing") or 0),
                    checked=int(of.get("checked") or 0), observed=of.get("observed"),
                )  # fmt: skip
        for severity, told, broken in (
            (_QUARANTINE, "rows that wait", self.aside.rules),
            ("warn", "records that break it", self.warned),
        ):
            for name, by in broken.items():
                yield Failing(
                    rule=name, severity=severity, owner=by.owner, reason=by.reason, since=by.since,
                    failing=by.rows, checked=0, observed=f"{told}: {by.rows:,}",
                )  # fmt: skip


_QUARANTINE = "quarantine"


def read_standing(zone: StreamZone) -> Standing | None:
    """None before the first run, and where it was lost or damaged: the next run writes it anew."""
    try:
        return msgspec.json.decode((zone.folder / NAME).read_bytes(), type=Standing)
    except (OSError, msgspec.MsgspecError):
        return None


def write_standing(zone: StreamZone, standing: Standing) -> None:
    """Replace it in one act, also of a stream of which nothing was ever landed."""
    private_folder(zone.folder)
    write_atomic(zone.folder / NAME, msgspec.json.format(msgspec.json.encode(standing), indent=1))


def retire(zone: StreamZone) -> None:
    """The source has no such stream any more: how it stood once is nobody's concern."""
    (zone.folder / NAME).unlink(missing_ok=True)


def stand(
    before: Standing | None,
    *,
    status: str,
    good: bool,
    messages: Collection[str],
    results: Iterable[Mapping[str, Any]],
    rules: Mapping[str, str],
    package: str,
    on: Mapping[str, str] | None = None,
    decided: Collection[str] = (),
    aside: Aside | None = None,
    warned: Mapping[str, Broken] | None = None,
    began: datetime,
    now: datetime,
) -> Standing:
    """How a stream stands after a run that began at `began`.

    results: of the rules that were judged in it, over all packages. rules: name → digest of each rule as it is written;
    an older result stays while its rule is written as it was then, and while nobody has `decided` about the package
    that it blocks. package: the newest one judged. on: how far the tables were loaded, by rule of scope cross. aside:
    None where nobody looked; warned likewise. A rule that could not be judged says nothing new.
    """
    known = before.rules if before else {}
    kept = {name: of for name, of in known.items() if _still(of, rules.get(name), decided)}
    for result in together(results):
        name = str(result["rule"])
        old = kept.get(name)
        if old is not None and result.get("not_applicable"):
            continue
        since = None if result["passed"] else old.since if old and old.since else now
        of = package if result.get("scope") != "cross" else ""
        kept[name] = RuleStanding(
            result=result, judged_at=now, since=since, package=of, on=(on or {}).get(name, ""),
            digest=rules.get(name, ""),
        )  # fmt: skip
    return Standing(
        status=status,
        good=good,
        since=before.since if before and before.good == good else now,
        served_at=began if good else before.served_at if before else None,
        messages=list(messages),
        rules=kept,
        aside=aside if aside is not None else before.aside if before else Aside(),
        warned=dict(warned if warned is not None else before.warned if before else {}),
    )


def _still(of: RuleStanding, digest: str | None, decided: Collection[str]) -> bool:
    return digest == of.digest and not (of.result.get("severity") == "block" and of.package in decided)


def without_samples(zone: StreamZone) -> None:
    """Show no row any more: somebody among them was erased."""
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
    """Changes when a stream ceases to be served or is served again, a rule of it begins or ceases to fail, or more or
    fewer rows wait: what is published says so, and must be made anew."""
    lines = []
    for key, of in stands.items():
        failing = [f"{f.rule}={f.failing}" if f.severity == _QUARANTINE else f.rule for f in of.failing()]
        if failing or not of.good:
            lines.append("/".join([*key, *([] if of.good else ["stale"]), *sorted(failing)]))
    return sha256("\n".join(sorted(lines)).encode()).hexdigest()[:8] if lines else ""
