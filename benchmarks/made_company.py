"""A made-up company of any size, written straight into the raw tables by SQL, the same every time.

Three of five opportunities are Zoho's, the others Fxiaoke's by its API. Each has one to four versions, the last of
which may close it, and Zoho's also the stage history that goes with them. A third of the accounts are customers in both
CRMs, under one credit code. Columns that are not made here stay empty, so a declared stream may grow without this file.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import duckdb

PEOPLE, PRODUCTS = 400, 60
MADE = "made"
ACCOUNTS = 0.27  # of each opportunity, as the sandbox's company has them

_FIRST = "TIMESTAMPTZ '2024-01-01 01:00:00+00'"
_CHANGED = "TIMESTAMPTZ '2026-07-01 00:00:00+00'"
_ZOHO_STAGES = "['Qualification','Needs Analysis','Proposal/Price Quote','Negotiation/Review']"
_FXIAOKE_STAGES = "['验证客户','需求确定','方案/报价','谈判审核']"
_WORDS = (
    "['蓝海','金源','华科','瑞达','恒创','海联','天润','宏峰','鼎图','博讯','远拓','盛航','嘉成',"
    "'云业','星洋','泰迪']"
)
_TRADES = "['科技','机械','物流','医疗器械','贸易','电子','教育','环保','建设工程','食品']"
_REGIONS = "['华东','华南','华北','西南']"
_LOST = "['价格','竞品','取消']"


def _draw(of: int, salt: int) -> str:
    """An integer in [0, of), a function of k."""
    return f"CAST(hash(k, {salt}) % {of} AS BIGINT)"


def _pick(words: str, index: str) -> str:
    return f"({words})[1 + {index}]"


def _lookup(kind: str, number: str, name: str) -> str:
    return f"struct_pack(id := '{kind}' || {number}, name := {name})"


def _code(label: str) -> str:
    """A pick list's value as Fxiaoke's records carry it."""
    return f"struct_pack(id := {label}, name := {label})"


def _account_name(number: str) -> str:
    return (
        f"{_pick(_WORDS, f'({number} % 16)')} || {_pick(_WORDS, f'({number} // 16 % 16)')} || ({number} // 256) "
        f"|| {_pick(_TRADES, f'({number} % 10)')} || '有限公司'"
    )


_LEADER = (
    "CASE WHEN k % 20 > 0 THEN struct_pack(id := 'u' || (k - k % 20), name := '员工' || (k - k % 20)) END"
)
_USERS: Mapping[str, Mapping[str, str]] = {
    "zoho.users": {
        "id": "'u' || k", "full_name": "'员工' || k", "status": "'active'", "state": _pick(_REGIONS, "(k % 4)"),
        "Reporting_To": _LEADER,
        "created_time": _FIRST,
    },
    "fxiaoke.personnel_obj": {
        "_id": "'u' || k", "user_id": "'u' || k", "name": "'员工' || k", "create_time": _FIRST,
        "main_department": _lookup("dep", "(k % 4)", _pick(_REGIONS, "(k % 4)")),
        "leader": _LEADER,
    },
}  # fmt: skip
_PRODUCTS: Mapping[str, Mapping[str, str]] = {
    "zoho.products": {
        "id": "'s' || k", "Product_Name": "'产品' || k", "Product_Code": "'C-' || k", "Unit_Price": "1000 + k",
        "Product_Category": "'产品线' || (k % 3)", "Created_Time": _FIRST,
    },
    "fxiaoke.product_obj": {
        "_id": "'s' || k", "name": "'产品' || k", "product_code": "'C-' || k", "price": "1000 + k",
        "product_line": _code("'产品线' || (k % 3)"), "create_time": _FIRST,
    },
}  # fmt: skip
# A company is in Zoho, in Fxiaoke, or in both.
_ACCOUNTS: Mapping[str, Mapping[str, str]] = {
    "zoho.accounts": {
        "id": "'a' || k", "Account_Name": _account_name("k"), "Industry": "'Technology'", "Employees": "10 + k % 900",
        "Owner": _lookup("u", _draw(PEOPLE, 21), "'员工' || " + _draw(PEOPLE, 21)), "Account_Type": "'Customer'",
        "Billing_State": _pick(_REGIONS, "(k % 4)"), "Website": "'www.example' || k || '.cn'",
        "Created_Time": _FIRST,
    },
    "fxiaoke.account_obj": {
        "_id": "'a' || k", "name": f"replace({_account_name('k')}, '有限公司', '股份有限公司')",
        "owner": _lookup("u", _draw(PEOPLE, 22), "'员工' || " + _draw(PEOPLE, 22)), "employee_count": "10 + k % 900",
        "province": _code(_pick(_REGIONS, "(k % 4)")), "url": "'http://example' || k || '.cn'",
        "create_time": _FIRST,
    },
}  # fmt: skip
_OWNER = "'员工' || owner"
_OPPORTUNITIES: Mapping[str, Mapping[str, str]] = {
    "zoho.deals": {
        "id": "'o' || k", "Deal_Name": f"{_account_name('account')} || '采购' || k", "Currency": "'CNY'",
        "Account_Name": _lookup("a", "account", _account_name("account")), "Owner": _lookup("u", "owner", _OWNER),
        "Product": _lookup("s", "product", "'产品' || product"), "Pipeline": "'Standard'",
        "Stage": f"CASE WHEN is_end THEN if(fate < 3, 'Closed Won', 'Closed Lost') ELSE {_pick(_ZOHO_STAGES, 'v')} END",
        "Amount": "worth + 10 * v", "Closing_Date": "CAST(told_at + INTERVAL 20 DAY AS DATE)", "Exchange_Rate": "1.0",
        "Reason_For_Loss__s": f"CASE WHEN is_end AND fate > 2 THEN {_pick(_LOST, _draw(3, 12))} END",
        "Created_Time": "created",
    },
    "fxiaoke.new_opportunity_obj": {
        "_id": "'o' || k", "name": f"{_account_name('account')} || '采购' || k", "mc_currency": "'CNY'",
        "account_id": _lookup("a", "account", _account_name("account")), "owner": _lookup("u", "owner", _OWNER),
        "product_id": _lookup("s", "product", "'产品' || product"),
        "sales_stage": _code(
            f"CASE WHEN is_end THEN if(fate < 3, '赢单', '输单') ELSE {_pick(_FXIAOKE_STAGES, 'v')} END"
        ),
        "amount": "worth + 10 * v", "close_date": "told_at + INTERVAL 20 DAY", "stg_changed_time": "told_at",
        "actual_close_date": "CASE WHEN is_end THEN told_at END", "life_status": _code("'正常'"),
        "lost_reason": _code(f"CASE WHEN is_end AND fate > 2 THEN {_pick(_LOST, _draw(3, 12))} END"),
        "create_time": "created",
    },
}  # fmt: skip
_VISITS: Mapping[str, str] = {
    "id": "'v' || k || '-' || v",
    "Potential_Name": _lookup("o", "k", "NULL"),
    "Stage": _OPPORTUNITIES["zoho.deals"]["Stage"],
    "Modified_Time": "told_at",
    "Amount": "worth + 10 * v",
}


def make_company(con: duckdb.DuckDBPyConnection, opportunities: int) -> None:
    """Fill the raw tables of both CRMs, which exist and are empty."""
    accounts = _accounts(opportunities)
    con.execute(
        f"""CREATE OR REPLACE TEMP TABLE told AS
        SELECT made.*, v, v = versions - 1 AND fate < 7 AS is_end, created + to_days(CAST(12 * v AS INTEGER)) AS told_at
        FROM ({_made(opportunities)}) AS made, range(4) AS s(v) WHERE v < versions"""
    )
    for table, values in _USERS.items():
        _put(con, table, f"(SELECT k, {_FIRST} AS told_at FROM range({PEOPLE}) AS t(k))", values)
    for table, values in _PRODUCTS.items():
        _put(con, table, f"(SELECT k, {_FIRST} AS told_at FROM range({PRODUCTS}) AS t(k))", values)
    for table, values in _ACCOUNTS.items():
        absent = 0 if table.startswith("zoho") else 1
        rows = f"(SELECT k, {_FIRST} AS told_at FROM range({accounts}) AS t(k) WHERE k % 3 <> {absent})"
        _put(con, table, rows, values)
    _tell(con, "told", MADE)
    _note(con, MADE, 1, [*_USERS, *_PRODUCTS, *_ACCOUNTS, *_OPPORTUNITIES, "zoho.deal_history"])


def change(con: duckdb.DuckDBPyConnection, opportunities: int, percent: int = 1) -> int:
    """A later version of that many of a hundred opportunities, as a load leaves it; returns how many changed."""
    con.execute(
        f"""CREATE OR REPLACE TEMP TABLE changed AS
        SELECT * REPLACE (worth + 100 AS worth), least(versions, 3) AS v, {_draw(2, 9)} = 0 AS is_end,
            {_CHANGED} + to_seconds({_draw(9000, 10)}) AS told_at
        FROM ({_made(opportunities)}) WHERE {_draw(100, 11)} < {percent}"""
    )
    for table in _OPPORTUNITIES:
        con.execute(f"DELETE FROM raw_{table} WHERE _record_id IN (SELECT 'o' || k FROM changed)")
    _tell(con, "changed", "made-later")
    _note(con, "made-later", 2, [*_OPPORTUNITIES, "zoho.deal_history"])
    return int(con.execute("SELECT count(*) FROM changed").fetchall()[0][0])


def _accounts(opportunities: int) -> int:
    return max(int(opportunities * ACCOUNTS), 10)


def _made(opportunities: int) -> str:
    """The opportunities, before anything is told of them."""
    return f"""SELECT k, {_draw(5, 1)} < 3 AS is_zoho, {_draw(_accounts(opportunities), 2)} AS account,
            {_draw(PEOPLE, 3)} AS owner, {_draw(PRODUCTS, 4)} AS product, 1 + {_draw(4, 5)} AS versions,
            {_draw(10, 6)} AS fate, {_FIRST} + to_seconds({_draw(74_000_000, 7)}) AS created,
            CAST(1000 + {_draw(99_000_000, 8)} / 100 AS DECIMAL(18,2)) AS worth
        FROM range({opportunities}) AS t(k)"""


def _note(con: duckdb.DuckDBPyConnection, package: str, order: int, tables: Iterable[str]) -> None:
    """The package into `ops.packages`, as of every stream that it is said to have changed."""
    for table in tables:
        source, stream = table.split(".")
        con.execute(
            "INSERT INTO ops.packages BY NAME SELECT $package AS package_id, $source AS source, $stream AS stream, "
            "$order AS load_order, 'default' AS org, 1 AS inserted",
            {"package": package + "-" + stream, "source": source, "stream": stream, "order": order},
        )


def _tell(con: duckdb.DuckDBPyConnection, versions: str, package: str) -> None:
    """The versions into histories, the last of each opportunity into the current rows, the stays of Zoho's."""
    for table, values in _OPPORTUNITIES.items():
        of_crm = f"SELECT * FROM {versions} WHERE is_zoho = {table.startswith('zoho')}"
        _put(con, table, f"({of_crm})", values, package, suffixes=("__history",))
        newest = f"({of_crm} QUALIFY row_number() OVER (PARTITION BY k ORDER BY v DESC) = 1)"
        _put(con, table, newest, values, package, suffixes=("",))
    _put(con, "zoho.deal_history", f"(SELECT * FROM {versions} WHERE is_zoho)", _VISITS, package)


def _put(
    con: duckdb.DuckDBPyConnection,
    table: str,
    rows: str,
    values: Mapping[str, str],
    package: str = MADE,
    suffixes: tuple[str, ...] = ("", "__history"),
) -> None:
    """Rows (with k and told_at) into the table and its history, by name; columns that the table lacks are left out."""
    id_ = values.get("id") or values["_id"]
    of_row = {
        "_org": "'default'", "_record_id": id_, "_modified_at": "told_at", "_read_at": "told_at",
        "_loaded_at": "told_at",
        "_package_id": f"'{package}-{table.split('.')[1]}'", "_position": "k", "_row_hash": f"md5({id_} || told_at)",
    }  # fmt: skip
    for suffix in suffixes:
        held = {row[0] for row in con.execute(f"DESCRIBE raw_{table}{suffix}").fetchall()}
        columns = ", ".join(
            f'{value} AS "{name}"' for name, value in {**of_row, **values}.items() if name in held
        )
        con.execute(f"INSERT INTO raw_{table}{suffix} BY NAME SELECT {columns} FROM {rows} AS made_rows")
