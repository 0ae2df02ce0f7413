"""A past publication again: the warehouse as its receipts say it was, today's models on it, a file of its own.

The fold goes up to the place that the publication noted, in a folder aside; the warehouse, the last build and the
published versions stay untouched. What may make the result another than what was published then is said, never
guessed: other models, rules or fold, packages that are gone, people who were forgotten since.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from zoneinfo import ZoneInfo

from connectors.core.errors import Problem
from pipelines.build import build_models, models_fingerprint, published_tables
from pipelines.faults import step
from pipelines.files import private_folder
from pipelines.flow import as_of_date
from pipelines.fold import fold_until
from pipelines.landing.publications import Published, published_of, read_publications
from pipelines.landing.zone import Package
from pipelines.quality.rules import rules_fingerprint
from pipelines.settings import EXPECTATIONS, WRONG_USE, Settings
from pipelines.version import VERSION, folder
from pipelines.warehouse.publish import publish, published_about, version_file

FOLDER = "past"
# Tables that speak of the pipeline as it is at the moment of the build, not of what was loaded: what waits, fails and
# is reconciled lies in the landing zone as it stands today, and nobody wrote down how it stood.
OF_THE_PRESENT = frozenset({"mart_data_quality"})


@dataclass(frozen=True, slots=True)
class Again:
    """A past publication, built again. differences: why it may be another than then; empty where nothing speaks for
    that."""

    published: Published
    path: Path
    differences: tuple[str, ...]


def build_past(settings: Settings, wanted: str) -> Again:
    """Build the publication `wanted` again, as `published/past/bi.<version>.duckdb`. Call under the lock.

    wanted: a version, or a day (YYYY-MM-DD, in the business time zone) whose last version is meant. Raises Problem when
    there is none, when a package it needs is damaged, and when its models cannot be built any more.
    """
    then = find(settings, wanted)
    aside = settings.scratch() / "past"
    shutil.rmtree(aside, ignore_errors=True)  # of one that was killed
    try:
        return _build(settings, then, _home_aside(settings, aside, then))
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def find(settings: Settings, wanted: str) -> Published:
    """The publication of this version, or the last one of this day. Raises Problem where there is none."""
    known = {p.version: p for p in _publications(settings)}
    if found := known.get(wanted):
        return found
    try:
        day = date.fromisoformat(wanted)
    except ValueError:
        day = None
    of_day = [version for version, p in known.items() if day and _day(p) == day]
    if of_day:
        return known[max(of_day)]
    newest = ", ".join(sorted(known)[-5:]) or "none"
    raise Problem(
        f"no publication {wanted} is known; the newest ones are: {newest}",
        do="name a version, or a day as YYYY-MM-DD on which one was published; what older releases published is not in "
        "the diary",
        code=WRONG_USE,
    )


def _publications(settings: Settings) -> Iterator[Published]:
    """Those of the diary, and the one that lies there where a killed process had not noted it."""
    yield from read_publications(settings.landing)
    about = published_about(settings.published)
    if about and (newest := published_of(about)):
        yield newest


def _day(published: Published) -> date:
    return published.published_at.astimezone(ZoneInfo(published.business_timezone)).date()


def _home_aside(settings: Settings, aside: Path, then: Published) -> Settings:
    """A home of its own, so that nothing of this one is written."""
    values = settings.model_dump() | {"home": aside, "timezone": then.business_timezone}
    private_folder(aside)
    home = type(settings)(**values)
    home.prepare_home()
    return home


def _build(settings: Settings, then: Published, home: Settings) -> Again:
    packages = fold_until(settings, home.warehouse, then.load_order)
    step("past folded", packages=len(packages), load_order=then.load_order)
    built = build_models(home)
    if not built.ok:
        raise Problem(
            f"the models of today do not build on what was loaded then: {'; '.join(built.failures)}",
            do="check out the code of that time (`about` names its version) and build there",
        )
    differences = tuple(_differences(then, packages, as_of_date(home)))
    about = {
        "past_version": then.version,
        "past_published_at": then.published_at.isoformat(),
        "load_order": str(then.load_order),
        "as_of_date": as_of_date(home),
        "business_timezone": then.business_timezone,
        "code_version": VERSION,
        "differences": "; ".join(differences),
        "left_out": ", ".join(sorted(OF_THE_PRESENT)),
    }
    made = publish(
        home.warehouse,
        home.published,
        [table for table in published_tables(home) if table.name not in OF_THE_PRESENT],
        about,
        memory_limit=settings.memory_limit,
        threads=settings.threads,
    )
    past = settings.published / FOLDER
    past.mkdir(mode=0o755, exist_ok=True)
    path = past / version_file(then.version)
    made.path.replace(path)
    step("past version written", version=then.version)
    return Again(then, path, differences)


def _differences(then: Published, packages: Sequence[Package], as_of: str) -> Iterator[str]:
    """Why what is built now may be another than what was published then."""
    digests = (
        ("models", then.models, models_fingerprint()),
        ("validation rules", then.rules, rules_fingerprint(EXPECTATIONS)),
        ("code that folds packages", then.fold, folder()),
    )
    for what, before, now in digests:
        if before != now:
            yield f"the {what} are others now ({before} then, {now} now; release {then.code_version} then)"
    orders = {receipt.order for package in packages if (receipt := package.receipt)}
    if gone := sorted(set(range(1, then.load_order + 1)) - orders):
        yield f"{len(gone)} packages that were loaded then are gone (place {gone[0]} of the fold is the first)"
    if forgotten := [package.id for package in packages if _forgotten_since(package, then)]:
        yield f"people or fields were taken out of {len(forgotten)} packages since (the first is {forgotten[0]})"
    if as_of != then.as_of_date:
        yield f"the as-of day is {as_of or 'none'} now and was {then.as_of_date or 'none'} then"


def _forgotten_since(package: Package, then: Published) -> bool:
    checked = package.checked
    redactions = [*package.landed.redactions, *(checked.redactions if checked else ())]
    return any(redaction.at > then.published_at for redaction in redactions)
