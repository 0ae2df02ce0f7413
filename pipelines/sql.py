"""Quoting and naming: the only place where a name or a text becomes SQL. Values are bound wherever the engine
allows.

A field of a CRM may have any name; a column may not. The engine compares names without regard to case, knows
neither an empty name nor one with a NUL, and some names are our own. A field that cannot have its name as it
is gets `<name>~<first digits of its sha1>`, which no other field can have.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping

# Columns that we add on the way from a page to a raw table; the rules' feeds (`_feed0` …) besides.
_OURS = frozenset(
    {"_org", "_record_id", "_modified_at", "_read_at", "_package_id", "_position", "_row_hash", "_extra"}
    | {
        "_loaded_at",
        "_deleted_at",
        "_deletion_evidence",
        "_misfit",
        "_odd",
        "_cells",
        "_faults",
        "_number",
        "_name",
    }
    | {"_crm_warehouse_position"}
)
_FEED = re.compile(r"_feed\d+")
_DIGITS = (6, 12, 40)
_HASHED = re.compile("~(" + "|".join(f"[0-9a-f]{{{n}}}" for n in _DIGITS) + r")\Z")
_IMPOSSIBLE = re.compile("[\0\ud800-\udfff]")


REFERENCE = "STRUCT(id VARCHAR, name VARCHAR)"  # the type of a lookup's column
# Options of every file of rows. A writer holds a row group at a time; the second version's encodings cost half
# the CPU of the first's.
PARQUET = "FORMAT parquet, COMPRESSION zstd, PARQUET_VERSION v2, ROW_GROUP_SIZE 30720"


def quote(name: str) -> str:
    """A name as an SQL identifier, whatever a CRM put into it."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """A text as an SQL literal. The engine's parser ends at a NUL, so that one is spelled."""
    quoted = "'" + text.replace("'", "''") + "'"
    return quoted if "\0" not in text else "(" + quoted.replace("\0", "' || chr(0) || '") + ")"


def is_reference(kind: str) -> bool:
    """Whether a column of this type holds lookups. The engine quotes `name` when it shows the type."""
    return kind.replace('"', "") == REFERENCE


def same_name(name: str) -> str:
    """What two names have in common if the engine may take one for the other.

    DuckDB folds ASCII letters only, Spark others too; this folds whatever any engine of ours does.
    """
    return name.casefold()


def ours(name: str) -> bool:
    """Whether a field of this name would be taken for a column of our own."""
    folded = same_name(name)
    return folded in _OURS or _FEED.fullmatch(folded) is not None


def columns_of(names: Iterable[str], declared: Collection[str] = ()) -> dict[str, str]:
    """Field → column: its name wherever that can be taken; the same for the same set of names.

    Of names that differ only by case, the declared one keeps its own; nobody else does.
    """
    fields = list(dict.fromkeys(names))
    crowd = Counter(map(same_name, fields))
    columns: dict[str, str] = {}
    taken: set[str] = set()
    for name in sorted(fields, key=lambda name: name not in declared):
        alone = crowd[same_name(name)] == 1 or name in declared
        columns[name] = _first_free(_candidates(name, plain=alone), taken)
    return {name: columns[name] for name in fields}


def fitted(columns: Iterable[str], present: Collection[str]) -> dict[str, str]:
    """Column of a package → column of a table that has the columns `present` already.

    A field keeps the column it has had; a new one gets its name unless another column or another new field
    goes by it. Columns tell by their spelling whose they are, so this does not depend on what came first.
    """
    candidates = {column: _forms(column) for column in columns}
    places = {
        c: had for c, forms in candidates.items() if (had := next((f for f in forms if f in present), None))
    }
    taken = set(map(same_name, present))
    crowd = Counter(same_name(forms[0]) for column, forms in candidates.items() if column not in places)
    for column, forms in candidates.items():
        if column not in places:
            alone = crowd[same_name(forms[0])] == 1
            places[column] = _first_free(forms if alone else forms[1:], taken)
    return places


def renamed(columns: Mapping[str, str]) -> dict[str, str]:
    """Column → field, of the fields that could not have their own name."""
    return {column: field for field, column in columns.items() if column != field}


def _first_free(forms: Iterable[str], taken: set[str]) -> str:
    column = next(form for form in forms if same_name(form) not in taken)
    taken.add(same_name(column))
    return column


def _forms(column: str) -> list[str]:
    """The columns that the field of a package's column may have, best first."""
    if ours(column) and column == same_name(column):
        return [column]
    if match := _HASHED.search(column):
        name = column[: match.start()]
        if "\ufffd" in name:  # the field's own name cannot be told from it, nor could it have another column
            return [column]
        if _digest(name).startswith(match[1]):
            return list(_candidates(name))
    return list(_candidates(column))


def _candidates(name: str, *, plain: bool = True) -> Iterator[str]:
    """The columns that a field may have, best first."""
    spelled = _IMPOSSIBLE.sub("\ufffd", name)
    if plain and name and spelled == name and not ours(name) and not _HASHED.search(name):
        yield name
    for digits in _DIGITS if spelled == name else _DIGITS[1:]:  # other names may be spelled like this one
        yield f"{spelled}~{_digest(name)[:digits]}"


def _digest(name: str) -> str:
    return hashlib.sha1(name.encode("utf-8", "surrogatepass"), usedforsecurity=False).hexdigest()
