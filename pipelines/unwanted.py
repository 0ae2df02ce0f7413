"""The setting CRM_WAREHOUSE_UNWANTED_FIELDS: personal data that never reaches the disk."""

from __future__ import annotations

from collections.abc import Mapping

from connectors.core.contract import SourceSpec, Stream


def parse_unwanted(text: str, specs: Mapping[str, SourceSpec]) -> dict[tuple[str, str], frozenset[str]]:
    """`zoho.contacts.Mobile,zoho.leads.Email` → fields by (source, stream).

    Raises ValueError with a sentence. A field that is not declared may be one of the organisation's own; one
    that is declared under another spelling is a mistake that nobody would notice otherwise.
    """
    fields: dict[tuple[str, str], set[str]] = {}
    for entry in filter(None, (part.strip() for part in text.split(","))):
        source, _, rest = entry.partition(".")
        name, _, field = rest.partition(".")
        if not (source and name and field):
            raise ValueError(f"{entry!r} is no field such as zoho.contacts.Mobile")
        fields.setdefault((source, name), set()).add(_checked(_stream(entry, source, name, specs), field))
    return {key: frozenset(names) for key, names in fields.items()}


def _stream(entry: str, source: str, name: str, specs: Mapping[str, SourceSpec]) -> Stream:
    if source not in specs:
        raise ValueError(f"{entry!r} names no source; choose among {', '.join(specs)}")
    streams = {stream.name: stream for stream in specs[source].streams()}
    if name not in streams and specs[source].discovers:  # a module of the organisation's own: see `sync`
        return Stream(source=source, name=name, api_name=name, label="", docs="", fields=(), modelled=False)
    if name not in streams:
        raise ValueError(f"{entry!r} names no stream of {source}; choose among {', '.join(streams)}")
    return streams[name]


def _checked(stream: Stream, field: str) -> str:
    place = f"{stream.source}.{stream.name}"
    if field in (stream.key, stream.stamp):
        raise ValueError(
            f"{field} of {place} tells records and their versions apart, so it cannot be left out"
        )
    names = {f.name for f in stream.fields}
    like = [name for name in names if name.casefold() == field.casefold()]
    if field not in names and like:
        raise ValueError(f"{place} has no field {field}; did you mean {like[0]}?")
    return field
