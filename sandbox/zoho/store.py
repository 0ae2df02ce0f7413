"""All of the organisation's tables, brought up to date from the log, and lookups written out."""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Callable, Container
from functools import partial
from typing import Any

import msgspec

from sandbox.admin.switches import Switches
from sandbox.company.clock import OFFICE_ZONE, office_iso, parse, zoned_iso
from sandbox.company.collector import collector_paused
from sandbox.company.log import FIELD_KINDS, Log
from sandbox.serving.rows import Served, Table
from sandbox.zoho.custom import Customised
from sandbox.zoho.schema import Module, modules
from sandbox.zoho.visits import StatusVisits, Visits

_ENCODE = msgspec.json.Encoder().encode


class Store:
    """Tables by entity; call `catch_up` after the clock moved."""

    def __init__(self, log: Log, switches: Switches) -> None:
        self._log, self._switches = log, switches
        self.customised = Customised()
        self._titles = {module.entity: module.name for module in modules().values()}
        self._titles |= {"roles": "name", "profiles": "name"}
        self.restart()

    def restart(self) -> None:
        """Forget all records and take in the log from its beginning."""
        self._read = 0
        self.tables = {entity: Table() for entity in self._titles} | {
            "deal_history": Visits(), "lead_status_history": StatusVisits(),
        }  # fmt: skip
        self.catch_up()

    def catch_up(self) -> None:
        """Take in what happened since the last call."""
        tables = self.tables
        histories = {"deals": tables["deal_history"], "leads": tables["lead_status_history"]}
        with collector_paused():
            for event in self._log.since(self._read):
                if event.crm != "zoho":
                    continue
                table = tables[event.entity]
                if event.kind in FIELD_KINDS:
                    binned = (binned.row for binned in table.bin.values())
                    self.customised.apply(event, (*table.rows.values(), *binned))
                    continue
                table.apply(self.customised.fitted(event))
                if event.entity in histories:
                    histories[event.entity].apply(event)
        self._read = len(self._log)

    def table(self, module: Module) -> Table:
        """The module's table."""
        return self.tables[module.entity]

    def title(self, module: Module, row: Served) -> str | None:
        """What a lookup to the row shows."""
        return row.values.get(module.name)

    def there(self, target: str) -> Container[str]:
        """The ids of the target module's records that exist; of several modules (`Accounts|Deals`) those of all."""
        if "|" in target:
            return ChainMap(*(self.tables[modules()[name].entity].rows for name in target.split("|")))
        module = modules().get(target)
        return self.tables[module.entity if module else target].rows

    @property
    def time_zone(self) -> str:
        """The organisation's."""
        return self._switches.time_zone

    def stamper(self) -> Callable[[int], str]:
        """Writes a time as the organisation does."""
        return office_iso if self.time_zone == OFFICE_ZONE else partial(zoned_iso, zone=self.time_zone)

    def rewriter(self) -> Callable[[str], str] | None:
        """Writes the time that the log has as a text as the organisation does; None where it is the same text."""
        stamp = self.stamper()
        return None if stamp is office_iso else lambda text: stamp(parse(text))

    def me(self) -> Served:
        """The user on whose behalf the API is called: the first active one."""
        return next(row for row in self.tables["users"].rows.values() if row.values["status"] == "active")

    def resolver(self, target: str, *, named: bool = True) -> Callable[[str | None], Any]:
        """Writes `{"name","id"}` for an id of the target module (users: with email); null if it is gone.

        Without `named` it is `{"id"}` alone.
        """
        if "|" in target:
            found = [(self.there(name), self.resolver(name, named=named)) for name in target.split("|")]
            return lambda id: next((resolve(id) for there, resolve in found if id in there), None)
        if not named:
            there = self.there(target)
            return lambda id: {"id": id} if id in there else None
        module = modules().get(target)
        entity = module.entity if module else target
        table, title = self.tables[entity], self._titles[entity]
        written, rows = table.written, table.rows

        def resolve(id: str | None) -> msgspec.Raw | None:
            known = written.get(id)
            if known is not None or id is None:
                return known
            row = rows.get(id)
            if row is None:
                return None
            lookup = {"name": row.values.get(title), "id": id}
            if entity == "users":
                lookup["email"] = row.values.get("email")
            known = written[id] = msgspec.Raw(_ENCODE(lookup))
            return known

        return resolve
