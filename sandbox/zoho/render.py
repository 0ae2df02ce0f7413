"""Rows as Zoho writes them: explicit nulls, lookups as objects, the office's offset, `$` properties beside."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import msgspec

from sandbox.serving.rows import Served
from sandbox.zoho.schema import LOOKUPS, FieldFacts, Module, modules
from sandbox.zoho.store import Store
from sandbox.zoho.values import ACTORS, STAMPS

# Present whatever `fields` says; nobody may depend on any of them.
_PROPERTIES: dict[str, Any] = {
    key: msgspec.Raw(text)
    for key, text in {
        "$currency_symbol": '"¥"', "$field_states": "null", "$review_process":
        '{"approve":false,"reject":false,"resubmit":false}', "$editable": "true", "$orchestration": "false",
        "$in_merge": "false", "$approval_state": '"approved"', "$state": '"save"', "$locked_for_me": "false",
    }.items()
}  # fmt: skip
CUT = 500  # characters of a rich text that a list shows
UNLISTED = frozenset({"subform", "multiselectlookup"})  # a list read leaves them out


def renderer(
    store: Store,
    module: Module,
    names: Iterable[str],
    *,
    bare: bool = False,
    named: bool = True,
    full: bool = False,
) -> Callable[[Served], dict[str, Any]]:
    """A function that writes rows of the module with these fields; names it does not have are passed over.

    bare: without `$` properties. named: lookups with the name of what they point to. full: rich texts whole.
    """
    known = [module.fields[name] for name in dict.fromkeys(names) if name in module.fields and name != "id"]
    times = [(f.name, STAMPS[f.name]) for f in known if f.name in STAMPS]
    actors = [
        (f.name, ACTORS[f.name], store.resolver("users", named=named)) for f in known if f.name in ACTORS
    ]
    rest = [f for f in known if f.name not in STAMPS and f.name not in ACTORS and f.type not in UNLISTED]
    lookups = [(f.name, _resolver(store, f, named=named)) for f in rest if f.type in LOOKUPS]
    plain = [(f.name, False if f.type == "boolean" else None) for f in rest if f.type not in LOOKUPS]
    stamp, rewrite = store.stamper(), store.rewriter()
    moments = [f.name for f in rest if f.type == "datetime"] if rewrite else []
    rich = [] if full else [f.name for f in rest if f.rich]
    properties = _PROPERTIES if module.listed and not bare else {}

    def render(row: Served) -> dict[str, Any]:
        get = row.values.get  # once: some rows write their values out when asked
        out: dict[str, Any] = {name: get(name, default) for name, default in plain}
        for name, resolve in lookups:
            out[name] = resolve(get(name))
        for name, attribute, resolve in actors:
            out[name] = resolve(getattr(row, attribute))
        for name, attribute in times:
            out[name] = stamp(getattr(row, attribute))
        for name in moments:
            if out[name]:
                out[name] = rewrite(out[name])
        for name in rich:
            out[name] = out[name] and out[name][:CUT]
        out["id"] = row.id
        out.update(properties)
        return out

    return render


def whole(store: Store, module: Module) -> Callable[[Served], dict[str, Any]]:
    """A function that writes one record with everything: the rows of its subforms and links too."""
    render = renderer(store, module, module.fields, full=True)
    parts = [(f.name, _children(store, f)) for f in module.fields.values() if f.type in UNLISTED]

    def write(row: Served) -> dict[str, Any]:
        return {**render(row), **{name: children(row.id) for name, children in parts}}

    return write


def _children(store: Store, facts: FieldFacts) -> Callable[[str], list[dict[str, Any]]]:
    """The rows of another module that belong to a record."""
    module = modules()[facts.options.get("linking") or facts.target or ""]
    render = renderer(store, module, module.fields, bare=True)
    back = facts.options["of_field"]
    rows = store.table(module).rows
    return lambda id: [render(row) for row in rows.values() if row.values.get(back) == id]


def _resolver(store: Store, facts: FieldFacts, *, named: bool) -> Callable[[str | None], Any]:
    """Writes a lookup; one into several modules says which."""
    resolve = store.resolver(facts.target or "users", named=named)
    if facts.type != "multi_module_lookup" or not named:
        return resolve
    target = modules()[facts.target or ""]
    rows, place = store.table(target).rows, {"api_name": target.api_name, "id": target.id}

    def write(id: str | None) -> dict[str, Any] | None:
        row = rows.get(id or "")
        return row and {"module": place, "name": store.title(target, row), "id": id}

    return write
