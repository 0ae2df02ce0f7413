"""COQL: a query over one module, and over what its lookups name.

https://www.zoho.com/crm/developer/docs/api/v8/COQL-Overview.html, …/COQL-Limitations.html
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import Any

import msgspec

from sandbox.admin.switches import Switches
from sandbox.serving.rows import Served
from sandbox.zoho import errors, values
from sandbox.zoho.bulk_query import UNCARRIED
from sandbox.zoho.call import NO_CONTENT, Reply
from sandbox.zoho.coql_grammar import Condition, Item, Pair, Query, parse
from sandbox.zoho.offer import Offer
from sandbox.zoho.render import renderer
from sandbox.zoho.schema import LOOKUPS, FieldFacts, Module, modules
from sandbox.zoho.store import Store
from sandbox.zoho.views import Views, Wish

MAX_SELECT, MAX_ROWS, MAX_ORDER, MAX_GROUPS, MAX_AGGREGATES, MAX_IN = 50, 100_000, 10, 4, 5, 50
_CREDITS = ((200, 1), (1000, 2), (2000, 3))
Get = Callable[[Served], Any]
Test = Callable[[Served], bool]


class Coql:
    """Answers queries on the tables as they stand."""

    def __init__(self, store: Store, switches: Switches, views: Views, offer: Offer) -> None:
        self._store, self._switches, self._views, self._offer = store, switches, views, offer

    def answer(self, body: bytes) -> Reply:
        """`{"select_query": …}` → rows, or 204 when there are none. Raises Refusal."""
        try:
            text = msgspec.json.decode(body, type=dict[str, Any])["select_query"]
        except (msgspec.DecodeError, KeyError) as error:
            raise errors.bad_request(
                "MANDATORY_NOT_FOUND", "required field not found", api_name="select_query"
            ) from error
        query = parse(str(text))
        module = self._offer.module(query.module)
        self._bounded(query)
        rows = self._matching(module, query)
        credits = next(credits for most, credits in _CREDITS if query.limit <= most)
        aggregated = query.groups or any(item.function for item in query.items)
        found = self._grouped(module, query, rows) if aggregated else self._listed(module, query, rows)
        data = list(islice(found, query.offset, query.offset + query.limit + 1))
        more = len(data) > query.limit
        del data[query.limit :]
        if not data:
            return Reply(NO_CONTENT.status, credits=credits)
        return Reply(200, {"data": data, "info": {"count": len(data), "more_records": more}}, credits)

    def _bounded(self, query: Query) -> None:
        aggregates = sum(item.function is not None for item in query.items)
        for clause, count, limit in (
            ("select", len(query.items), MAX_SELECT), ("limit", query.limit, self._switches.coql_rows),
            ("offset", query.offset + query.limit, MAX_ROWS), ("order by", len(query.order), MAX_ORDER),
            ("group by", len(query.groups), MAX_GROUPS), ("aggregate", aggregates, MAX_AGGREGATES),
        ):  # fmt: skip
            if count > limit:
                raise errors.bad_request(
                    "LIMIT_EXCEEDED", f"{clause} limit exceeded", limit=limit, clause=clause
                )
        if aggregates and not query.groups and not self._switches.coql_count:
            raise errors.bad_request("INVALID_QUERY", "aggregates need a group by", clause="group by")
        names = [item.name for item in query.items]
        if len(set(names)) < len(names):
            raise errors.bad_request("DUPLICATE_DATA", "a column is selected twice", clause="select")

    def _matching(self, module: Module, query: Query) -> Iterator[Served]:
        """The rows of the condition in the order of their ids; a key set (`id > …`) is found, not searched."""
        wish = Wish(module.entity, "id", False, None, None)
        rows = self._views.of(self._store.table(module), wish).rows
        low, high = _bounds(query.where, rows)
        test = self._test(module, query.where)
        return (row for row in islice(rows, low, high) if test(row))

    def _test(self, module: Module, node: Condition | Pair) -> Test:
        if isinstance(node, Pair):
            left, right = self._test(module, node.left), self._test(module, node.right)
            if node.operator == "and":
                return lambda row: left(row) and right(row)
            return lambda row: left(row) or right(row)
        facts, get = self._field(module, node.field)
        if facts.type == "textarea":
            raise _invalid(node.field, "the field cannot be used in where")
        if isinstance(node.value, list) and len(node.value) > MAX_IN:
            raise errors.bad_request("LIMIT_EXCEEDED", "in limit exceeded", limit=MAX_IN, clause="where")
        if node.operator.endswith("like"):
            return _like(get, str(node.value), negated=node.operator.startswith("not"))
        try:
            wanted = None if node.value is None else values.literal(facts, node.value)
        except ValueError as error:
            raise _invalid(node.field, "the value does not fit the field") from error
        return values.test(get, node.operator, wanted)

    def _field(self, module: Module, name: str) -> tuple[FieldFacts, Get]:
        """A field of the module, or of the record that one of its lookups names (`Account_Name.Industry`)."""
        first, _, second = name.partition(".")
        facts = module.fields.get(first)
        if facts is None or facts.type in UNCARRIED:
            raise _invalid(name, "column given seems to be invalid")
        get = values.reader(self._store, facts)
        if not second:
            return facts, get
        target = modules().get(facts.target or "")
        if target is None or second not in target.fields:
            raise _invalid(name, "column given seems to be invalid")
        inner, rows = (
            values.reader(self._store, target.fields[second]),
            self._store.tables[target.entity].rows,
        )
        return target.fields[second], lambda row: inner(rows[id]) if (id := get(row)) else None

    def _listed(self, module: Module, query: Query, rows: Iterable[Served]) -> Iterator[dict[str, Any]]:
        direct, joined = [], []
        for item in query.items:
            facts, get = self._field(module, item.field)
            plain = "." not in item.field and item.name == item.field
            direct.append(item.field) if plain else joined.append((item.name, self._written(facts, get)))
        render = renderer(self._store, module, direct, bare=True, named=self._switches.coql_names)
        for row in self._ordered(module, query.order, rows):
            out = render(row)
            for name, write in joined:
                out[name] = write(row)
            yield out

    def _ordered(
        self, module: Module, order: list[tuple[str, bool]], rows: Iterable[Served]
    ) -> Iterable[Served]:
        if order in ([], [("id", False)]):
            return rows
        found = list(rows)
        for name, descending in reversed(order):
            _, get = self._field(module, name)
            found.sort(key=lambda row, get=get: _key(get(row)), reverse=descending)
        return found

    def _grouped(self, module: Module, query: Query, rows: Iterable[Served]) -> Iterator[dict[str, Any]]:
        keys = [self._field(module, name) for name in query.groups]
        for item in query.items:
            if item.function is None and item.field not in query.groups:
                raise _invalid(item.field, "the column must be in group by")
        groups: dict[tuple[Any, ...], list[Served]] = {} if keys else {(): []}
        for row in rows:
            groups.setdefault(tuple(get(row) for _, get in keys), []).append(row)
        facts = {name: found for name, (found, _) in zip(query.groups, keys, strict=True)}
        order = dict(query.order)
        ranked = sorted(
            groups.items(), key=lambda pair: tuple(map(_key, pair[0])), reverse=any(order.values())
        )
        for group, members in ranked:
            known = dict(zip(query.groups, group, strict=True))
            yield {
                item.name: self._aggregate(module, item, members)
                if item.function
                else self._json(facts[item.field], known[item.field])
                for item in query.items
            }

    def _aggregate(self, module: Module, item: Item, rows: Sequence[Served]) -> Any:
        facts, get = self._field(module, item.field)
        found = [value for row in rows if (value := get(row)) is not None]
        match item.function:
            case "count":
                return len(found)
            case "max":
                return self._json(facts, max(found, default=None))
            case "min":
                return self._json(facts, min(found, default=None))
        if not all(isinstance(value, int | float) for value in found):
            raise _invalid(item.field, "the column is no number")
        total = round(sum(found), 2)
        return total if item.function == "sum" else (total / len(found) if found else None)

    def _written(self, facts: FieldFacts, get: Get) -> Get:
        return lambda row: self._json(facts, get(row))

    def _json(self, facts: FieldFacts, value: Any) -> Any:
        """A value as `values.reader` gives it, as JSON has it."""
        if value is None:
            return None
        if facts.type == "datetime":
            return self._store.stamper()(value)
        return {"id": value} if facts.type in LOOKUPS else value


def _bounds(node: Condition | Pair, rows: list[Served]) -> tuple[int, int]:
    """Where rows that can meet the condition lie among rows sorted by id."""
    if isinstance(node, Pair):
        if node.operator == "or":
            return 0, len(rows)
        (a, b), (c, d) = _bounds(node.left, rows), _bounds(node.right, rows)
        return max(a, c), min(b, d)
    if node.field != "id" or not isinstance(node.value, str) or node.operator not in (">", ">=", "<", "<="):
        return 0, len(rows)
    wanted = node.value.zfill(values.ID_LENGTH)
    cut = bisect_right if node.operator in (">", "<=") else bisect_left
    place = cut(rows, wanted, key=lambda row: row.id)
    return (place, len(rows)) if ">" in node.operator else (0, place)


def _like(get: Get, pattern: str, *, negated: bool) -> Test:
    """`%` stands for anything; letters of either case are the same."""
    found = re.compile(".*".join(map(re.escape, pattern.split("%"))), re.IGNORECASE | re.DOTALL).fullmatch
    return lambda row: (value := get(row)) is not None and (found(str(value)) is None) is negated


def _key(value: Any) -> tuple[bool, Any]:
    """Empty values come first."""
    return value is not None, value if value is not None else 0


def _invalid(column: str, reason: str) -> errors.Refusal:
    return errors.bad_request("INVALID_QUERY", "invalid query formed", column_name=column, reason=reason)
