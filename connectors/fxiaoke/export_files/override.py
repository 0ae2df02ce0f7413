"""A tenant's own words: `labels.yml` at the top of the inbox, checked before anything is read with it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from connectors.core.contract import Stream
from connectors.core.errors import Problem
from connectors.core.files.normal import match_label

NAME = "labels.yml"
_LARGEST = 1 << 20
_KEYS = ("names", "number", "fields")


def read_override(inbox: Path, streams: Sequence[Stream]) -> dict[str, dict[str, Any]]:
    """Stream name → {names, number, fields}, every word a list of texts; {} without a file.

    Raises Problem naming the faulty entry: a wrong label would put values into a wrong column.
    """
    path = inbox / NAME
    if not path.is_file():
        return {}
    data = _load(path)
    found: dict[str, dict[str, Any]] = {}
    for name, facts in _mapping(data, "the file").items():
        stream = _stream(name, streams)
        if stream.name in found:
            raise _wrong(f"{stream.label} is listed twice")
        found[stream.name] = _entry(str(name), facts, stream)
    return found


def _load(path: Path) -> Any:
    try:
        if path.is_symlink() or path.stat().st_size > _LARGEST:
            raise _wrong("the file is a link or larger than 1 MB")
        return yaml.safe_load(path.read_text("utf-8-sig")) or {}
    except UnicodeDecodeError as error:
        raise _wrong("the file is not UTF-8 text") from error
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        raise _wrong(
            f"line {mark.line + 1} is not valid YAML" if mark else "the file is not valid YAML"
        ) from error
    except OSError as error:
        raise _wrong("the file cannot be read") from error


def _stream(name: object, streams: Sequence[Stream]) -> Stream:
    for stream in streams:
        if name in (stream.name, stream.api_name, stream.label):
            return stream
    raise _wrong(f"{name!r} is no object; known are {', '.join(f'{s.label} ({s.name})' for s in streams)}")


def _entry(name: str, facts: object, stream: Stream) -> dict[str, Any]:
    entry = _mapping(facts, name)
    unknown = [key for key in entry if key not in _KEYS]
    if unknown:
        raise _wrong(f"{name} has {unknown[0]!r}; possible are {', '.join(_KEYS)}")
    declared = {f.name for f in stream.fields}
    fields = {
        field: _words(words, f"{name}.fields.{field}")
        for field, words in _mapping(entry.get("fields", {}), f"{name}.fields").items()
    }
    taken: dict[str, str] = {}
    for field, words in fields.items():
        if field not in declared:
            raise _wrong(
                f"{name}.fields has {field!r}, which is no field of {stream.label}; "
                f"known are {', '.join(sorted(declared))}"
            )
        for word in words:
            other = taken.setdefault(match_label(word), field)
            if other != field:
                raise _wrong(f"{name}.fields gives the label {word!r} to both {other} and {field}")
    return {
        "names": _words(entry.get("names", []), f"{name}.names"),
        "number": _words(entry.get("number", []), f"{name}.number"),
        "fields": fields,
    }


def _mapping(value: object, where: str) -> Mapping[Any, Any]:
    if not isinstance(value, dict):
        raise _wrong(f"{where} must be a list of `name: value` lines")
    return value


def _words(value: object, where: str) -> list[str]:
    words = value if isinstance(value, list) else [value]
    if not all(isinstance(word, str) and word.strip() for word in words):
        raise _wrong(f"{where} must be a text or a list of texts")
    return words


def _wrong(what: str) -> Problem:
    return Problem(
        f"the tenant's own header labels are wrong: {what}; nothing in the inbox is read until they are right",
        do=f"Correct or delete {NAME} in the inbox (its form: connectors/fxiaoke/README.md)",
        where=NAME,
    )
