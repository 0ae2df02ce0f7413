"""Reads the rules of a stream from `expectations/<source>/<stream>.yml`.

Needs neither DuckDB nor Great Expectations, so that a wrong file is found before anything runs.
"""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from connectors.core.errors import Problem
from connectors.core.yaml_lines import load_with_lines
from pipelines.quality.model import RuleSet

DISCOVERED = "_discovered.yml"
_OURS = {"source", "stream", "path", "lines"}  # known from where the file is


def load_rules(root: Path, source: str, stream: str, *, needed: bool = True) -> RuleSet:
    """The rules in `<root>/<source>/<stream>.yml`.

    needed: the stream must have rules (an empty list is a decision); one that no model reads goes by those that its
    source has for all such streams (`_discovered.yml`), or has none.
    Raises Problem, with file and line, when a needed file is missing, is not YAML or holds a rule that cannot
    be judged.
    """
    path = root / source / f"{stream}.yml"
    if not path.is_file() and not needed:
        path = path.with_name(DISCOVERED)
    shown = f"{root.name}/{source}/{path.name}"
    if not path.is_file() and not needed:
        return RuleSet(
            source=source, stream=stream, grain="one record of the CRM", owner="nobody", path=shown
        )
    if not path.is_file():
        raise Problem(
            "the stream has no rules",
            do="add the file; `rules: []` says that nothing needs checking",
            source=source, stream=stream, where=shown,
        )  # fmt: skip
    try:
        data, lines = load_with_lines(path.read_text("utf-8"))
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise _unusable(source, stream, f"{shown}:{line}", error.problem or "this is not YAML") from error
    if not isinstance(data, dict):
        raise _unusable(source, stream, f"{shown}:1", "the file does not hold grain, owner and rules")
    if given := next((key for key in data if key in _OURS), None):
        raise _unusable(
            source, stream, f"{shown}:{lines[(given,)]}", f"{given} is known from the file's place"
        )
    named = {
        rule["name"]: lines[("rules", i)]
        for i, rule in enumerate(data.get("rules") or ())
        if isinstance(rule, dict) and isinstance(rule.get("name"), str)
    }
    try:
        return RuleSet.model_validate(
            {**data, "source": source, "stream": stream, "path": shown, "lines": named}
        )
    except ValidationError as error:
        raise _first_fault(error, source, stream, shown, lines) from error


def _first_fault(
    error: ValidationError, source: str, stream: str, shown: str, lines: dict[Any, int]
) -> Problem:
    faults = []
    for fault in error.errors(include_url=False):
        at = str(fault.get("ctx", {}).get("at", ""))
        path = (*fault["loc"], *(int(p) if p.isdigit() else p for p in at.split(".") if p))
        while path not in lines:  # a missing key has no line of its own: take the rule's
            path = path[:-1]
        message = fault["msg"].removeprefix("Value error, ")
        name = ".".join(str(p) for p in fault["loc"] if not isinstance(p, int) and p != "rules")
        faults.append((lines[path], message if fault["type"] == "rule" else f"{name}: {message}"))
    line, message = min(faults)
    more = f" (and {len(faults) - 1} more)" if len(faults) > 1 else ""
    return _unusable(source, stream, f"{shown}:{line}", message + more)


def _unusable(source: str, stream: str, where: str, what: str) -> Problem:
    return Problem(
        f"the rule file cannot be used: {what}",
        do="correct the line; expectations/README.md shows the form of a rule",
        source=source, stream=stream, where=where,
    )  # fmt: skip


def rules_fingerprint(root: Path) -> str:
    """Digest of all rule files: published tables hold what rules say."""
    digest = sha256()
    for path in sorted(root.glob("*/*.yml")):
        digest.update(str(path.relative_to(root)).encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()[:8]
