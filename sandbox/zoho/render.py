"""Rows as Zoho writes them: explicit nulls, lookups as objects, the office's offset, `$` properties beside."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import msgspec

from sandbox.company.clock import office_iso
from sandbox.serving.rows import Served
from sandbox.zoho.schema import LOOKUPS, Module
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


def renderer(
    store: Store, module: Module, names: Iterable[str], *, bare: bool = False, named: bool = True
) -> Callable[[Served], dict[str, Any]]:
    """A function that writes rows of the module with these fields; names it does not have are passed over.

    bare: without `$` properties. named: lookups with the name of what they point to.
    """
    known = [module.fields[name] for name in dict.fromkeys(names) if name in module.fields and name != "id"]
    times = [(f.name, STAMPS[f.name]) for f in known if f.name in STAMPS]
    actors = [
        (f.name, ACTORS[f.name], store.resolver("users", named=named)) for f in known if f.name in ACTORS
    ]
    rest = [f for f in known if f.name not in STAMPS and f.name not in ACTORS]
    lookups = [(f.name, store.resolver(f.target or "users", named=named)) for f in rest if f.type in LOOKUPS]
    plain = [(f.name, False if f.type == "boolean" else None) for f in rest if f.type not in LOOKUPS]
    properties = _PROPERTIES if module.listed and not bare else {}

    def render(row: Served) -> dict[str, Any]:
        get = row.values.get  # once: some rows write their values out when asked
        out: dict[str, Any] = {name: get(name, default) for name, default in plain}
        for name, resolve in lookups:
            out[name] = resolve(get(name))
        for name, attribute, resolve in actors:
            out[name] = resolve(getattr(row, attribute))
        for name, attribute in times:
            out[name] = office_iso(getattr(row, attribute))
        out["id"] = row.id
        out.update(properties)
        return out

    return render
