"""Which part of an .xlsx holds the first visible sheet."""

from __future__ import annotations

import posixpath
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from xml.parsers import expat

from connectors.core.errors import Problem
from connectors.core.files.archive import content
from connectors.core.files.content import EXPORT_AGAIN
from connectors.core.files.limits import Limits

_WORKBOOK, _RELATIONS = "xl/workbook.xml", "xl/_rels/workbook.xml.rels"


@dataclass(frozen=True, slots=True)
class SheetPart:
    """A sheet's name and its part of the archive."""

    name: str
    part: str


def first_visible(archive: zipfile.ZipFile, limits: Limits) -> SheetPart | None:
    """The first sheet a person sees; None when the workbook is laid out in an unusual way.

    Raises Problem for a document type declaration, which no spreadsheet writes and every XML bomb needs.
    """
    names = set(archive.namelist())
    if _RELATIONS not in names:
        return None
    targets: dict[str, str] = {}
    sheets: list[Mapping[str, str]] = []

    def on_relation(tag: str, attributes: Mapping[str, str]) -> None:
        if tag == "Relationship" and attributes.get("Type", "").endswith("/worksheet"):
            targets[attributes.get("Id", "")] = attributes.get("Target", "")

    def on_sheet(tag: str, attributes: Mapping[str, str]) -> None:
        if tag == "sheet":
            sheets.append(attributes)

    _walk(content(archive, _RELATIONS, limits.part_bytes), on_relation)
    _walk(content(archive, _WORKBOOK, limits.part_bytes), on_sheet)
    for sheet in sheets:
        target = targets.get(sheet.get("id", ""))
        if target and sheet.get("state", "visible") == "visible":
            part = posixpath.normpath(posixpath.join("xl", target)).lstrip("/")
            return SheetPart(sheet.get("name", ""), part) if part in names else None
    return None


def _walk(xml: bytes, on_start: Callable[[str, Mapping[str, str]], None]) -> None:
    def start(tag: str, attributes: Mapping[str, str]) -> None:
        on_start(_local(tag), {_local(name): value for name, value in attributes.items()})

    def doctype(*_: object) -> None:
        raise Problem("the workbook declares its own XML entities, as attacks do", do="Delete the file")

    parser = expat.ParserCreate(namespace_separator=" ")
    parser.StartElementHandler = start
    parser.StartDoctypeDeclHandler = doctype
    try:
        parser.Parse(xml, True)
    except expat.ExpatError as error:
        raise Problem("the workbook is damaged or incomplete", do=EXPORT_AGAIN) from error


def _local(name: str) -> str:
    return name.rsplit(" ", 1)[-1]
