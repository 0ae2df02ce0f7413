"""What each Zoho URL answers. Handlers take a call and give a body (None = no content) or raise a Refusal."""

from __future__ import annotations

from typing import Any

from sandbox.admin.switches import Switches
from sandbox.company.clock import DAY
from sandbox.serving.rows import Binned, Served
from sandbox.zoho import errors
from sandbox.zoho import request as asked
from sandbox.zoho.call import NO_CONTENT, NOT_MODIFIED, Call, Reply
from sandbox.zoho.coql import Coql
from sandbox.zoho.offer import Offer
from sandbox.zoho.render import renderer, whole
from sandbox.zoho.schema import Module, modules
from sandbox.zoho.settings import Settings
from sandbox.zoho.store import Store
from sandbox.zoho.views import Token, Views, Wish

RECYCLED = 60 * DAY  # how long the bin keeps a record
REMEMBERED = 120 * DAY  # how long the deleted list knows an id


class Api:
    """Records, deleted list, users and metadata over a store."""

    def __init__(self, store: Store, switches: Switches, views: Views) -> None:
        self.store, self.switches, self._views = store, switches, views
        self._offer = Offer(switches, store.customised.modules)
        self._coql = Coql(store, switches, views, self._offer)
        self._settings = Settings(store, switches, self._offer)

    def answer(self, call: Call) -> Reply:
        """Find the handler of a path. Raises Refusal."""
        if call.method == "POST":
            if call.path == ("coql",):
                return self._coql.answer(call.body)
            raise errors.no_such_url()
        match call.path:
            case ("org" | "settings" | "__apis", *_):
                return self._settings.answer(call)
            case ("users",):
                return self._users(call)
            case ("users", id):
                return self._user(id)
            case (name,):
                return self._records(self._offer.module(name), call)
            case (name, "deleted"):
                return self._deleted(self._offer.module(name), call)
            case (name, "actions", "fetch_full_data") if self.switches.rich_texts:
                return self._rich_texts(self._offer.module(name), call)
            case (name, "actions", "count"):
                return self._count(self._offer.module(name), call)
            case (name, id):
                return self._record(self._offer.module(name), id)
        raise errors.no_such_url()

    def _records(self, module: Module, call: Call) -> Reply:
        wish = asked.listing(module, call.query, call.headers)
        # Not documented for modules without Modified_Time; here the header is passed over there.
        since = (
            None if wish.since is None or not module.stamped else wish.since + self.switches.exclusive_since
        )
        if wish.ids is not None:
            return self._by_ids(module, wish, since)
        table = self.store.table(module)
        order = Wish(module.entity, wish.sort_by, wish.descending, since, wish.converted)
        view = self._views.of(table, order)
        start, page, served = (wish.page - 1) * wish.per_page, wish.page, 0
        if wish.token is not None:
            token = Token.parse(wish.token, wish.bound, call.now, self.switches.token_life)
            if token.served >= asked.TOKENED_ROWS:
                raise errors.pages_exhausted()
            start, page, served = view.after(token.key), token.page, token.served
        else:
            served = start
        rows, more = view.page(start, wish.per_page)
        if not rows:
            return NOT_MODIFIED if since is not None and not view.rows else NO_CONTENT
        following, stamp = None, self.store.stamper()
        if more:
            following = Token(wish.bound, view.key(rows[-1]), served + len(rows), page + 1, call.now).text()
        info = {
            "per_page": wish.per_page,
            "count": len(rows),
            "page": page,
            "sort_by": wish.sort_by,
            "sort_order": "desc" if wish.descending else "asc",
            "more_records": more,
            "next_page_token": following,
            "previous_page_token": None,
            "page_token_expiry": stamp(call.now + self.switches.token_life) if following else None,
        }
        return Reply(200, {"data": self._write(module, wish.fields, rows), "info": info})

    def _by_ids(self, module: Module, wish: asked.Listing, since: int | None) -> Reply:
        table = self.store.table(module).rows
        rows = [table[id] for id in dict.fromkeys(wish.ids or ()) if id in table]
        if wish.converted is not None:
            rows = [row for row in rows if bool(row.values.get("Converted__s")) is wish.converted]
        if since is not None:
            rows = [row for row in rows if row.modified >= since]
        if not rows:
            return NO_CONTENT if since is None else NOT_MODIFIED
        info = {"per_page": wish.per_page, "count": len(rows), "page": 1, "sort_by": wish.sort_by,
                "sort_order": "desc" if wish.descending else "asc", "more_records": False,
                "next_page_token": None, "previous_page_token": None, "page_token_expiry": None}  # fmt: skip
        return Reply(200, {"data": self._write(module, wish.fields, rows), "info": info})

    def _write(self, module: Module, fields: tuple[str, ...], rows: list[Served]) -> list[dict[str, Any]]:
        render = renderer(self.store, module, fields)
        return [render(row) for row in rows]

    def _record(self, module: Module, id: str) -> Reply:
        row = self.store.table(module).rows.get(id)
        if row is None:
            raise errors.record_not_found()
        return Reply(200, {"data": [whole(self.store, module)(row)]})

    def _rich_texts(self, module: Module, call: Call) -> Reply:
        """https://www.zoho.com/crm/developer/docs/api/v8/get-rich-text-fields.html"""
        ids, names = (tuple(filter(None, call.query.get(name, "").split(","))) for name in ("ids", "fields"))
        if not ids or not names:
            raise errors.missing("fields" if ids else "ids")
        if len(ids) > 200:
            raise errors.too_many("ids", 200)
        if any(name not in module.fields or not module.fields[name].rich for name in names):
            raise errors.invalid_value("fields")
        there = self.store.table(module).rows
        write = renderer(self.store, module, names, bare=True, full=True)
        rows = [write(there[id]) for id in dict.fromkeys(ids) if id in there]
        return Reply(200, {"data": rows}) if rows else NO_CONTENT

    def _count(self, module: Module, call: Call) -> Reply:
        rows = self.store.table(module).rows
        if module.api_name == "Leads" and call.query.get("converted") != "both":
            wanted = call.query.get("converted") == "true"
            return Reply(
                200, {"count": sum(bool(r.values.get("Converted__s")) is wanted for r in rows.values())}, 50
            )
        return Reply(200, {"count": len(rows)}, 50)

    def _deleted(self, module: Module, call: Call) -> Reply:
        """https://www.zoho.com/crm/developer/docs/api/v8/get-deleted-records.html"""
        if module.generated in ("subform", "linking") and not self.switches.deleted_lists:
            raise errors.invalid_module()
        kind = asked.choice(call.query, "type", ["all", "recycle", "permanent"], "all")
        per_page = asked.number(call.query, "per_page", asked.PER_PAGE, asked.PER_PAGE)
        page = asked.number(call.query, "page", 1, 10_000_000)
        since = asked.since(call.headers)
        found = [
            (binned, _kind(binned, call.now))
            for binned in self.store.table(module).bin.values()
            if call.now - binned.time < REMEMBERED
            and (since is None or binned.time >= since + self.switches.exclusive_since)
        ]
        found = [pair for pair in found if kind in ("all", pair[1])]
        by_id = self.switches.deleted_order == "id"
        found.sort(
            key=lambda pair: (0 if by_id else pair[0].time, pair[0].row.id),
            reverse=self.switches.deleted_order == "newest",
        )
        if (page - 1) * per_page >= self.switches.deleted_rows:
            raise errors.page_without_token(self.switches.deleted_rows)
        rows = found[(page - 1) * per_page : page * per_page]
        if not rows:
            return Reply(204, credits=2)
        user, stamp = self.store.resolver("users"), self.store.stamper()
        data = [
            {
                "id": binned.row.id,
                "display_name": self.store.title(module, binned.row),
                "type": type_,
                "deleted_time": stamp(binned.time),
                "deleted_by": user(binned.by),
                "created_by": user(binned.row.created_by),
            }
            for binned, type_ in rows
        ]
        info = {
            "per_page": per_page,
            "count": len(rows),
            "page": page,
            "more_records": page * per_page < len(found),
        }
        return Reply(200, {"data": data, "info": info}, 2)

    def _users(self, call: Call) -> Reply:
        """https://www.zoho.com/crm/developer/docs/api/v8/get-users.html"""
        kind = asked.choice(call.query, "type", list(_USER_TYPES), "AllUsers")
        per_page = asked.number(call.query, "per_page", asked.PER_PAGE, asked.PER_PAGE)
        page = asked.number(call.query, "page", 1, 10_000_000)
        since = asked.since(call.headers)
        statuses, only = _USER_TYPES[kind]
        rows = [row for row in self.store.tables["users"].rows.values() if row.values["status"] in statuses]
        if since is not None:
            rows = [row for row in rows if row.modified >= since]
        rows = rows[:1] if only else rows
        part = rows[(page - 1) * per_page : page * per_page]
        if not part:
            return NO_CONTENT if since is None else NOT_MODIFIED
        info = {
            "per_page": per_page,
            "count": len(part),
            "page": page,
            "more_records": page * per_page < len(rows),
        }
        module = modules()["users"]
        return Reply(200, {"users": self._write(module, tuple(module.fields), part), "info": info})

    def _user(self, id: str) -> Reply:
        row = self.store.tables["users"].rows.get(id)
        if row is None:
            raise errors.record_not_found()
        module = modules()["users"]
        return Reply(200, {"users": self._write(module, tuple(module.fields), [row])})


def _kind(binned: Binned, now: int) -> str:
    """The bin is emptied after 60 days; the id is remembered for 60 more."""
    return "permanent" if binned.permanent or now - binned.time >= RECYCLED else "recycle"


_ACTIVE, _ALL = ("active",), ("active", "disabled", "deleted", "closed")
_USER_TYPES: dict[str, tuple[tuple[str, ...], bool]] = {
    "AllUsers": (_ALL, False),
    "ActiveUsers": (_ACTIVE, False),
    "DeactiveUsers": (("disabled",), False),
    "ConfirmedUsers": (_ALL, False),
    "DeletedUsers": (("deleted",), False),
    "ActiveConfirmedUsers": (_ACTIVE, False),
    "AllActiveUsers": (_ACTIVE, False),
    "AdminUsers": (_ACTIVE, True),
    "CurrentUser": (_ACTIVE, True),
}
