"""What an input is: its columns, its key and its words, read from `schemas/<name>.yml` and checked line by line."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from functools import cache, cached_property
from pathlib import Path
from typing import Annotated, Any

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator
from pydantic_core import PydanticCustomError

from connectors.core.contract import Field as StreamField
from connectors.core.contract import FieldType, Stream
from connectors.core.errors import Actor, Problem
from connectors.core.files.normal import match_label
from connectors.core.yaml_lines import load_with_lines

SOURCE = "inputs"
SCHEMAS = Path(__file__).with_name("schemas")
_SHARED = Path(__file__).with_name("shared.yml")
_TYPE = re.compile(r"^(text|date|integer|boolean|share|decimal\((?P<scale>[0-9]{1,2})\))$")
_SHARE_SCALE = 6
_NAME = r"^[a-z][a-z0-9_]*$"
Text = Annotated[str, Field(min_length=1)]


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Words(_Model):
    """A text in Chinese and in English."""

    zh: Text
    en: Text


class Value(Words):
    """How people write one of a column's allowed values. names: further spellings."""

    names: tuple[Text, ...] = ()


def _texts(value: Any) -> Any:
    """Codes such as 2026 or 01 may stand in a file without quotes."""
    return {str(k): v for k, v in value.items()} if isinstance(value, dict) else value


class Column(_Model):
    """One column of an input.

    type: text, date, integer, boolean, decimal(n), or share (0.4 and 40% are the same). default: what an empty cell
    means. required_when: column → codes; the cell must be filled in rows that hold one of them. values: code → how
    people write it; the code is kept. not_before: a date column that this one must not precede. unit: behind the
    label in templates, and allowed behind a number. unit_when: column → codes; a unit in the header (万元) multiplies
    in rows that hold one of them, and in others nobody knows. pii: personal; no sample of it is shown.
    """

    label: Words
    names: tuple[Text, ...] = ()
    type: str
    about: Words
    required: bool = False
    required_when: dict[str, tuple[Text, ...]] = Field(default_factory=dict)
    default: Text | None = None
    values: Annotated[dict[str, Value], BeforeValidator(_texts)] = Field(default_factory=dict)
    min: Decimal | None = None
    max: Decimal | None = None
    pattern: str | None = None
    not_before: str | None = None
    unit: str = ""
    unit_when: dict[str, tuple[Text, ...]] = Field(default_factory=dict)
    pii: bool = False

    @model_validator(mode="after")
    def _holds_together(self) -> Column:
        if not _TYPE.match(self.type):
            raise _fault(
                "type",
                f"{self.type!r} is no type; known are text, date, integer, boolean, share and decimal(2)",
            )
        if self.values and self.type != "text":
            raise _fault("values", "only a text column has a list of allowed values")
        if self.required and self.default is not None:
            raise _fault("default", "a required column has no default: an empty cell is a mistake there")
        if (self.min is not None or self.max is not None) and not self.is_number:
            raise _fault("min" if self.min is not None else "max", "only numbers have a least and a most")
        if self.min is not None and self.max is not None and self.min > self.max:
            raise _fault("min", "the least is more than the most")
        if self.pattern is not None:
            self._check_pattern()
        if self.pii and (self.type != "text" or self.values or self.pattern):
            raise _fault("pii", "only a free text is personal: of others a wrong cell would be shown")
        if self.default is not None and self.values and self.default not in self.values:
            raise _fault("default", f"the default {self.default!r} is none of the values")
        return self

    def _check_pattern(self) -> None:
        assert self.pattern is not None
        if self.type != "text" or self.values:
            raise _fault("pattern", "only a text column without a list has a pattern")
        try:
            re.compile(self.pattern)
        except re.error as error:
            raise _fault("pattern", f"not a regular expression: {error}") from error

    @property
    def is_number(self) -> bool:
        """Whether cells are numbers."""
        return self.type in ("integer", "share") or self.type.startswith("decimal")

    def field(self, name: str) -> StreamField:
        """The column as a field of its stream."""
        if self.type == "share":
            return StreamField(name, FieldType.DECIMAL, _SHARE_SCALE, self.label.zh, self.pii)
        match = _TYPE.match(self.type)
        assert match is not None
        kind = FieldType(self.type.partition("(")[0])
        return StreamField(name, kind, int(match["scale"] or 0), self.label.zh, self.pii).offering(
            self.values
        )

    def words(self, name: str) -> frozenset[str]:
        """Matching forms of every header label that names this column."""
        return frozenset(map(match_label, (name, self.label.zh, self.label.en, *self.names)))

    @cached_property
    def codes(self) -> Mapping[str, str]:
        """Matching form of every spelling → code."""
        return {
            match_label(word): code
            for code, value in self.values.items()
            for word in (*value.names, value.en, value.zh, code)
        }


class Schema(_Model):
    """One input: a sheet with a header and a row per thing.

    names: what a sheet or file is called besides the label. key: the columns that tell rows apart. one_of: groups of
    columns of which each row must fill at least one. docs: where a person reads more.
    """

    name: str
    label: Words
    names: tuple[Text, ...] = ()
    about: Words
    grain: Text
    docs: Text
    key: Annotated[tuple[Text, ...], Field(min_length=1)]
    one_of: tuple[Annotated[tuple[Text, ...], Field(min_length=2)], ...] = ()
    columns: Annotated[dict[str, Column], Field(min_length=1)]
    examples: Annotated[tuple[dict[str, Any], ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _holds_together(self) -> Schema:
        for name in self.columns:
            if not re.match(_NAME, name):
                raise _fault(f"columns.{name}", "a column's name is lower case with underscores")
        for place, name in enumerate(self.key):
            self._known(name, f"key.{place}")
        for place, group in enumerate(self.one_of):
            for name in group:
                self._known(name, f"one_of.{place}")
        for name, column in self.columns.items():
            self._check_references(name, column)
            if column.pii and (column.required or column.required_when or name in self.key):
                raise _fault(f"columns.{name}.pii", "a personal column can be emptied, so no row may need it")
        for place, example in enumerate(self.examples):
            for name in example:
                self._known(name, f"examples.{place}.{name}")
        if "remark" not in self.columns:
            raise _fault("columns", "every input has the column remark, where an example says that it is one")
        self._check_labels()
        return self

    def _known(self, name: str, at: str) -> None:
        if name not in self.columns:
            raise _fault(at, f"{name!r} is none of the columns")

    def _check_references(self, name: str, column: Column) -> None:
        conditions = {"required_when": column.required_when, "unit_when": column.unit_when}
        for word, condition in conditions.items():
            for other, codes in condition.items():
                self._known(other, f"columns.{name}.{word}")
                if unknown := [code for code in codes if code not in self.columns[other].values]:
                    raise _fault(f"columns.{name}.{word}", f"{unknown[0]!r} is no value of {other}")
        order = list(self.columns)
        if any(order.index(other) > order.index(name) for other in column.unit_when):
            raise _fault(f"columns.{name}.unit_when", "the column that decides must stand before this one")
        if column.not_before is not None:
            self._known(column.not_before, f"columns.{name}.not_before")
            if column.type != "date" or self.columns[column.not_before].type != "date":
                raise _fault(f"columns.{name}.not_before", "both columns must be dates")

    def _check_labels(self) -> None:
        taken: dict[str, str] = {}
        for name, column in self.columns.items():
            for word in column.words(name):
                if (other := taken.setdefault(word, name)) != name:
                    raise _fault(f"columns.{name}", f"the label {word!r} is that of {other} too")

    @cached_property
    def labels(self) -> Mapping[str, str]:
        """Matching form of a header label → column."""
        return {word: name for name, column in self.columns.items() for word in column.words(name)}

    @cached_property
    def called(self) -> frozenset[str]:
        """Matching forms of the names of a sheet or file of this input."""
        return frozenset(map(match_label, (self.name, self.label.zh, self.label.en, *self.names)))

    @cached_property
    def required(self) -> tuple[str, ...]:
        """Columns that a sheet must have to be one of this input."""
        return tuple(name for name, column in self.columns.items() if column.required)

    @cached_property
    def stream(self) -> Stream:
        """The input as a stream."""
        return Stream(
            source=SOURCE,
            name=self.name,
            api_name=self.name,
            label=self.label.zh,
            docs=self.docs,
            fields=tuple(column.field(name) for name, column in self.columns.items()),
            key=self.key[0],
        )


def load_schemas(folder: Path = SCHEMAS) -> tuple[Schema, ...]:
    """Every schema of a folder, by name. Raises Problem with file and line when one is wrong."""
    schemas = tuple(load_schema(path) for path in sorted(folder.glob("*.yml")))
    _refuse_shared_names(schemas)
    return schemas


def load_schema(path: Path) -> Schema:
    """One schema. Raises Problem with file and line when it is wrong."""
    try:
        data, lines = load_with_lines(path.read_text("utf-8"))
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise _unusable(f"{path.name}:{line}", error.problem or "this is not YAML") from error
    if not isinstance(data, dict):
        raise _unusable(f"{path.name}:1", "the file does not hold a label, a key and columns")
    if "name" in data:
        raise _unusable(f"{path.name}:{lines[('name',)]}", "the name is that of the file")
    try:
        return Schema.model_validate({**_filled_in(data), "name": path.stem})
    except ValidationError as error:
        raise _first_fault(error, path.name, lines) from error


def _filled_in(data: dict[str, Any]) -> dict[str, Any]:
    """The schema with shared columns and lists of values in the place of their names."""
    shared = _shared()
    columns = data.get("columns")
    if not isinstance(columns, dict):
        return data
    found = {name: _named(column, shared["columns"]) for name, column in columns.items()}
    return {
        **data,
        "columns": {
            name: {**column, "values": _named(column["values"], shared["values"])}
            if isinstance(column, dict) and "values" in column
            else column
            for name, column in found.items()
        },
    }


def _named(given: Any, known: Mapping[str, Any]) -> Any:
    return known.get(given, given) if isinstance(given, str) else given


@cache
def _shared() -> dict[str, dict[str, Any]]:
    data, _ = load_with_lines(_SHARED.read_text("utf-8"))
    return data


def _refuse_shared_names(schemas: Sequence[Schema]) -> None:
    taken: dict[str, Schema] = {}
    for schema in schemas:
        for word in schema.called:
            if (other := taken.setdefault(word, schema)) is not schema:
                raise _unusable(f"{schema.name}.yml:1", f"the name {word!r} is that of {other.name} too")


def _fault(at: str, message: str) -> PydanticCustomError:
    """An error that knows which key it is about (a dotted path below the one it is raised in)."""
    return PydanticCustomError("schema", "{message}", {"message": message, "at": at})


def _first_fault(error: ValidationError, shown: str, lines: Mapping[tuple[str | int, ...], int]) -> Problem:
    faults = []
    for fault in error.errors(include_url=False):
        at = str(fault.get("ctx", {}).get("at", ""))
        path = (*fault["loc"], *(int(p) if p.isdigit() else p for p in at.split(".") if p))
        named = ".".join(map(str, path))
        while path not in lines:  # what is missing has no line of its own
            path = path[:-1]
        faults.append((lines[path], f"{named}: {fault['msg']}"))
    line, message = min(faults)
    more = f" (and {len(faults) - 1} more)" if len(faults) > 1 else ""
    return _unusable(f"{shown}:{line}", message + more)


def _unusable(where: str, what: str) -> Problem:
    return Problem(
        f"the schema of an input cannot be used: {what}",
        do="Correct the line; connectors/inputs/README.md shows the form of a schema",
        actor=Actor.DEVELOPER,
        source=SOURCE,
        where=f"connectors/inputs/schemas/{where}",
    )
