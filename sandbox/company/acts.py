"""What a test makes happen in a CRM, beside the company's own life: edits, deletes, restores, new records, changed
fields; in Zoho merges and conversions, too.

Each act is an event of the log like any other, at the second where the clock stands; so two acts without a step of
the clock between them carry the same stamp. The lives of records go on around them: what they would still do to a
record that is gone is void (`Side`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from inspect import signature
from typing import Any

from sandbox.company.clock import office_iso
from sandbox.company.field_acts import FieldActs
from sandbox.company.log import DELETE, FIELD_KINDS, RESTORE, Event
from sandbox.company.side import Side

# Which fields of which records point to an entity, so that a merge can move them to the winner.
CHILDREN: dict[str, tuple[tuple[str, str], ...]] = {
    "accounts": (
        ("contacts", "Account_Name"), ("deals", "Account_Name"), ("accounts", "Parent_Account"),
        ("leads", "Converted_Account"), ("quotes", "Account_Name"), ("site_visits", "Account"),
        ("equipment", "Account"), ("notes", "Parent_Id"),
    ),
    "contacts": (
        ("deals", "Contact_Name"), ("leads", "Converted_Contact"), ("equipment_x_contacts", "Operators"),
    ),
    "deals": (("leads", "Converted_Deal"),),
    "leads": (),
}  # fmt: skip


class _State:
    """The records of one kind, brought up to date from the log."""

    def __init__(self) -> None:
        self.there: dict[str, dict[str, Any]] = {}
        self._binned: dict[str, dict[str, Any]] = {}
        self._read = 0

    def read(self, events: Sequence[Event]) -> None:
        """Take in those that are new."""
        for at in range(self._read, len(events)):
            event = events[at]
            if event.kind in FIELD_KINDS:
                continue
            if event.kind == DELETE:
                self._binned[event.id] = self.there.pop(event.id)
            elif event.kind == RESTORE:
                self.there[event.id] = self._binned.pop(event.id)
            else:
                self.there.setdefault(event.id, {}).update(event.changes)
        self._read = len(events)


class Acts:
    """Acts on the records of one side. Each raises ValueError with a sentence when it cannot be."""

    def __init__(self, side: Side) -> None:
        self._side, fields = side, FieldActs(side)
        self._states: dict[str, _State] = {}
        self.done = 0
        self._known: dict[str, Callable[..., Any]] = {
            "create": self._create, "edit": self._edit, "recompute": self._recompute, "delete": self._delete,
            "restore": self._restore, "recreate": self._recreate, "merge": self._merge, "convert": self._convert,
            "add_field": fields.add, "rename_field": fields.rename, "turn_field": fields.turn,
            "remove_field": fields.remove,
        }  # fmt: skip

    def do(self, act: str, entity: str, **more: Any) -> Any:
        """Do one act; gives the id of the record it made, kept or changed."""
        if act not in self._known:
            raise ValueError(f"act {act!r} is none of {', '.join(self._known)}")
        try:
            asked = signature(self._known[act]).bind(entity, **more)
        except TypeError as error:
            raise ValueError(f"{act} does not take that: {error}") from error
        self.done += 1
        return self._known[act](*asked.args, **asked.kwargs)

    def state(self, entity: str) -> dict[str, dict[str, Any]]:
        """The fields of every record that is there, by id; not to be changed."""
        state = self._states.setdefault(entity, _State())
        state.read(self._side.log.of(self._side.crm, entity))
        return state.there

    def _create(self, entity: str, changes: dict[str, Any]) -> str:
        if (self._side.crm, entity) not in self._side.log.entities():
            raise ValueError(f"there is no {entity} in {self._side.crm}")
        id = self._side.mint()
        self._side.created(entity, id, self._side.admin, self._visited(entity, changes))
        return id

    def _edit(self, entity: str, id: str, changes: dict[str, Any]) -> str:
        self._there(entity, id)
        self._side.updated(entity, id, self._side.admin, self._visited(entity, changes))
        return id

    def _recompute(self, entity: str, id: str, changes: dict[str, Any]) -> str:
        """A change that moves no stamp."""
        self._there(entity, id)
        self._side.recomputed(entity, id, changes)
        return id

    def _delete(self, entity: str, id: str, permanent: bool = False) -> str:
        self._there(entity, id)
        self._side.deleted(entity, id, permanent=permanent)
        return id

    def _restore(self, entity: str, id: str, stamp: bool = False) -> str:
        """Back from the bin; whether that is a modification is not documented."""
        if id not in self._side.away or id in self._side.lost:
            raise ValueError(f"{entity} {id} is not in the recycle bin")
        self._side.restored(entity, id)
        if stamp:
            self._side.updated(entity, id, self._side.admin, {})
        return id

    def _recreate(self, entity: str, id: str) -> str:
        """Deleted by mistake and typed in again: the same fields, another id."""
        fields = {name: value for name, value in self._there(entity, id).items() if name != "_visit"}
        self._side.deleted(entity, id)
        return self._create(entity, fields)

    def _convert(self, entity: str, id: str, deal: dict[str, Any] | None = None) -> str:
        """A lead becomes a customer with a contact, and a deal with these fields if any; what it leads to carries the
        same second."""
        lead = self._there(entity, id)
        if entity != "leads" or lead.get("Converted__s"):
            raise ValueError(f"{entity} {id} cannot be converted" + (": it was" if entity == "leads" else ""))
        owner = lead.get("Owner")
        account = self._create("accounts", {"Account_Name": lead.get("Company"), "Owner": owner})
        people = {name: lead.get(name) for name in ("First_Name", "Last_Name", "Full_Name", "Email", "Owner")}
        contact = self._create("contacts", {**people, "Account_Name": account})
        opened = None
        if deal is not None:
            opened = self._create(
                "deals", {**deal, "Account_Name": account, "Contact_Name": contact, "Owner": owner}
            )
        changes = {
            "Converted__s": True, "Converted_Date_Time": office_iso(self._side.agenda.now),
            "Converted_Account": account, "Converted_Contact": contact, "Converted_Deal": opened,
        }  # fmt: skip
        for known in self._side.leads:
            known.over = known.over or known.id == id
        return self._edit(entity, id, changes)

    def _merge(self, entity: str, id: str, loser: str, stamp: bool = False) -> str:
        """`id` wins, `loser` goes to the bin, its children move; `stamp`: whether that touches the children.

        Children in the bin stay as they are: who is restored later points to a record that is gone.
        """
        if entity not in CHILDREN:
            raise ValueError(f"{entity} cannot be merged, only {', '.join(CHILDREN)}")
        self._there(entity, loser)
        if loser == id:
            raise ValueError("a record cannot be merged into itself")
        side = self._side
        self._edit(entity, id, {})
        for children, field in CHILDREN[entity]:
            for child, fields in list(self.state(children).items()):
                if fields.get(field) == loser and child != loser:
                    if stamp:
                        side.updated(children, child, side.admin, {field: id})
                    else:
                        side.recomputed(children, child, {field: id})
        side.deleted(entity, loser)
        side.lost.add(loser)
        self._follow(entity, id, loser)
        return id

    def _follow(self, entity: str, id: str, loser: str) -> None:
        """The company's own memory of the two."""
        side = self._side
        if entity == "accounts":
            by_id = {account.id: account for account in side.accounts}
            if winner := by_id.get(id):
                for record in (*side.deals, *side.contacts):
                    if record.account.id == loser:
                        record.account = winner
                for party, account in side.customers.items():
                    if account.id == loser:
                        side.customers[party] = winner
            side.accounts[:] = [account for account in side.accounts if account.id != loser]
        elif entity == "contacts":
            for account in side.accounts:
                account.contacts[:] = [contact for contact in account.contacts if contact.id != loser]

    def _there(self, entity: str, id: str) -> dict[str, Any]:
        """The record's fields. Raises ValueError when there is none."""
        found = self.state(entity).get(id)
        if found is None:
            raise ValueError(f"there is no {entity} {id}, or not any more")
        return found

    def _visited(self, entity: str, changes: dict[str, Any]) -> dict[str, Any]:
        """A deal that enters a stage visits it."""
        if entity == "deals" and "Stage" in changes:
            return {**changes, "_visit": self._side.mint()}
        return dict(changes)
