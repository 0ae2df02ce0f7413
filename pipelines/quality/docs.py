"""Data Docs: Great Expectations' pages of the last validation results, as a site that needs no network.

`<home>/docs/validations/` keeps the results as JSON, `<home>/docs/data_docs/` the pages made from them. The
library's own templates load styles and scripts from six hosts; ours keep its content and bring their style.
"""

from __future__ import annotations

import html
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipelines.quality import gx
from pipelines.quality.verdict import Verdict

KEPT_PACKAGES = 20  # results per stream
_TEMPLATES = Path(__file__).parent / "templates"


@dataclass(frozen=True, slots=True)
class _Kept:
    """A kept result: where it is, and where its page goes (relative to the site)."""

    path: Path
    page: Path


def loaded_tables(org: str) -> str:
    """In place of a package id: what rules of scope cross are about."""
    return f"loaded-{org}"


def page_of(home_docs: Path, source: str, stream: str, package_id: str) -> Path:
    """Where the page of a package is once `build_docs` has run: the link for checks and messages."""
    return home_docs / "data_docs" / source / stream / f"{package_id}.html"


def keep(home_docs: Path, verdict: Verdict) -> Path | None:
    """Keep a verdict's evidence for `build_docs`; None if nothing was judged. Safe in parallel threads.

    A package judged again replaces its earlier result and loses its page until the next build.
    """
    if verdict.evidence is None:
        return None
    folder = home_docs / "validations" / verdict.source / verdict.stream
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{verdict.package_id}.json"
    _write(path, json.dumps(verdict.evidence, ensure_ascii=False, indent=1))
    page_of(home_docs, verdict.source, verdict.stream, verdict.package_id).unlink(missing_ok=True)
    return path


def build_docs(home_docs: Path, *, kept: int = KEPT_PACKAGES) -> Path | None:
    """Render the pages that are missing and the index; the index page, None if nothing was ever judged.

    Drops results and pages beyond the newest `kept` of each stream. Imports Great Expectations only if a
    page is missing, so a run that judged nothing pays nothing.
    """
    site = home_docs / "data_docs"
    results = list(_newest(home_docs / "validations", site, kept))
    if not results:
        return None
    index = site / "index.html"
    missing = [r for r in results if not (site / r.page).is_file()]
    if missing or not index.is_file():
        gx.load()
        view = _view()
        for result in missing:
            _write(site / result.page, _render(view, json.loads(result.path.read_text("utf-8"))))
        _write(index, _render_index(view, results))
    return index


def _newest(folder: Path, site: Path, kept: int) -> Iterator[_Kept]:
    """Results by stream, newest first (package ids sort by time); older ones are deleted with their pages."""
    for stream in sorted(p for p in folder.glob("*/*") if p.is_dir()):
        for i, path in enumerate(sorted(stream.glob("*.json"), reverse=True)):
            page = (path.relative_to(folder)).with_suffix(".html")
            if i < kept:
                yield _Kept(path, page)
            else:
                (site / page).unlink(missing_ok=True)
                path.unlink()


def _view() -> Any:
    from great_expectations.render.view import DefaultJinjaPageView

    return DefaultJinjaPageView(custom_views_directory=str(_TEMPLATES))


def _render(view: Any, data: dict[str, Any]) -> str:
    from great_expectations.core.expectation_validation_result import ExpectationSuiteValidationResultSchema
    from great_expectations.render.renderer import ValidationResultsPageRenderer

    for result in data["results"]:
        values = result["result"]
        # The library's tables print values as they are, and a CRM's texts may be HTML.
        values["partial_unexpected_list"] = [html.escape(str(v)) for v in values["partial_unexpected_list"]]
        config = result["expectation_config"]
        config["description"] = html.escape(config["description"])
        config["kwargs"] = _escaped(config["kwargs"])
    loaded = ExpectationSuiteValidationResultSchema().load(data)
    document = ValidationResultsPageRenderer(run_info_at_end=True).render(loaded)
    header = document.sections[0].content_blocks[0].subheader.string_template
    del header["styling"]["params"]["expectation_suite_name"]  # a link to a page that this site has not
    meta = data["meta"]
    return str(
        view.render(
            document,
            template="offline_page.j2",
            suite=data["suite_name"],
            grain=meta["grain"],
            not_applicable=meta["not_applicable"],
            style=_style(),
        )
    )


def _escaped(value: Any) -> Any:
    match value:
        case str():
            return html.escape(value)
        case dict():
            return {k: _escaped(v) for k, v in value.items()}
        case list():
            return [_escaped(v) for v in value]
    return value


def _render_index(view: Any, results: list[_Kept]) -> str:
    streams: dict[str, list[dict[str, Any]]] = {}
    for result in results:
        data = json.loads(result.path.read_text("utf-8"))
        failed = [r for r in data["results"] if not r["success"]]
        row = {
            "page": result.page.as_posix(),
            "package": result.path.stem,
            "judged_at": data["meta"]["run_id"]["run_time"],
            "rules": data["statistics"]["evaluated_expectations"],
            "failed": [r["expectation_config"]["meta"] for r in failed],
        }
        streams.setdefault(data["suite_name"], []).append(row)
    return str(view.env.get_template("offline_index.j2").render(streams=streams, style=_style()))


def _style() -> str:
    return (_TEMPLATES / "data_docs.css").read_text("utf-8")


def _write(path: Path, text: str) -> None:
    """Whole or not at all: a reader may be looking."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.write_text(text, "utf-8")
    draft.replace(path)
