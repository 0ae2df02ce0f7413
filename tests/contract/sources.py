"""The registry of sources for the contract suite: one `Case` per source, nothing else to edit.

A case says how to open the source on some data, what a witness that is not the source says about that
data (`Truth`), and in which ways opening or reading must fail. `test_source_contract.py` does the rest.

Never here: assertions, and anything that asks the source itself what is right.
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol, TypeAlias

import pytest

from connectors import discover
from connectors.core.contract import Source, SourceContext
from tests.conftest import Sandbox
from tests.contract.fxiaoke_api_truth import FxiaokeApiTruth
from tests.contract.fxiaoke_truth import FxiaokeTruth
from tests.contract.inputs_truth import InputsTruth
from tests.contract.zoho_truth import ZohoTruth

Canonical: TypeAlias = dict[str, Any]
Opener: TypeAlias = Callable[[pytest.FixtureRequest, Path], Source]
"""Given pytest's request (for fixtures such as `sandbox`) and an empty folder of its own."""


class Truth(Protocol):
    """What a source must deliver, from a witness that is not the source.

    Values are canonical: text as str, "" as None, boolean as bool, integer as int, decimal as Decimal,
    double as float, date as date, datetime and epoch_ms as aware datetime, lookup as the id (its name where
    the source knows no ids). Fields that a record of the truth does not name are not compared.
    """

    def records(self, stream: str) -> Mapping[str, Canonical]:
        """Every record of the stream by key."""
        ...

    def changed_since(self, stream: str, since: datetime) -> set[str]:
        """Keys of the records stamped at or after `since`."""
        ...

    def deleted(self, stream: str) -> set[str]:
        """Keys of the records on the CRM's own list of deletes."""
        ...


@dataclass(frozen=True, kw_only=True)
class Case:
    """One source under the contract.

    long: a stream that takes at least three pages and more than 2,000 rows; "" where pages do not apply.
    whole: streams that every window delivers whole (small, or without a stamp).
    broken: what is broken → how to open it; opening, listing or reading it must raise a Problem.
    secrets: texts that no Problem may hold. unlike: what differs in every answer, a regular expression.
    """

    name: str
    open: Opener
    truth: Callable[[pytest.FixtureRequest], Truth]
    long: str = ""
    whole: frozenset[str] = frozenset()
    broken: Mapping[str, Opener] = field(default_factory=dict)
    secrets: tuple[str, ...] = ()
    unlike: bytes = b"(?!)"


def _zoho(sandbox: Sandbox, folder: Path, *, loopback: bool = True, **other: str) -> Source:
    """Zoho on a served company; `other` settings instead of the right ones."""
    context = SourceContext(
        org="default",
        values={**sandbox.settings, **other},
        inbox=folder,
        cache=folder / "cache",
        allow_loopback=loopback,
    )
    return discover()["zoho"].open(context)


def _dead_zoho(request: pytest.FixtureRequest, folder: Path) -> Source:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    values = {"ZOHO_CLIENT_ID": "c", "ZOHO_CLIENT_SECRET": "s3cret-of-a-test", "ZOHO_REFRESH_TOKEN": "r"}
    context = SourceContext(
        "default", {**values, "ZOHO_ACCOUNTS_URL": url}, folder, folder / "cache", allow_loopback=True
    )
    return discover()["zoho"].open(context)


ZOHO = Case(
    name="zoho",
    open=lambda request, folder: _zoho(request.getfixturevalue("sandbox"), folder),
    truth=lambda request: ZohoTruth(request.getfixturevalue("sandbox")),
    long="deal_history",
    whole=frozenset({"users", "currencies"}),
    broken={
        "dead server": _dead_zoho,
        "wrong secret": lambda request, folder: _zoho(
            request.getfixturevalue("sandbox"), folder, ZOHO_CLIENT_SECRET="s3cret-of-a-test"
        ),
        "revoked refresh token": lambda request, folder: _zoho(
            request.getfixturevalue("sandbox"), folder, ZOHO_REFRESH_TOKEN="s3cret-of-a-test"
        ),
        "address of this machine": lambda request, folder: _zoho(
            request.getfixturevalue("sandbox"), folder, loopback=False
        ),
        "foreign accounts server": lambda request, folder: _zoho(
            request.getfixturevalue("sandbox"), folder, ZOHO_ACCOUNTS_URL="http://accounts.zoho.example"
        ),
    },
    secrets=("s3cret-of-a-test", "sandbox-secret", "sandbox-refresh-token"),
)


def _exports(folder: Path, *files: tuple[str, str]) -> Source:
    """Fxiaoke's export files as they lie in a folder, after these (name, text) were added to it."""
    for name, text in files:
        (folder / name).write_text(text, "utf-8")
    return discover()["fxiaoke_export"].open(SourceContext("default", {}, folder, folder / ".cache"))


def _exported(request: pytest.FixtureRequest, folder: Path) -> Source:
    request.getfixturevalue("sandbox").exports(folder)
    return _exports(folder)


FXIAOKE_EXPORT = Case(
    name="fxiaoke_export",
    open=_exported,
    truth=lambda request: FxiaokeTruth(request.getfixturevalue("sandbox")),
    broken={
        "missing inbox": lambda _, folder: _exports(folder / "nowhere"),
        "inbox that is a file": lambda _, folder: _exports(Path(__file__)),
        "unreadable workbook": lambda _, folder: _exports(folder, ("商机对象导出结果_20260101.xlsx", "PK")),
        "unknown headers": lambda _, folder: _exports(folder, ("a.csv", "a,b\n1,2\n")),
        "wrong labels of the tenant": lambda _, folder: _exports(folder, ("labels.yml", "项目: {}")),
    },
)


def _fxiaoke(sandbox: Sandbox, folder: Path, *, loopback: bool = True, **other: str) -> Source:
    """Fxiaoke's API on a served company; `other` settings instead of the right ones."""
    context = SourceContext(
        org="default",
        values={**sandbox.fxiaoke, **other},
        inbox=folder,
        cache=folder / "cache",
        allow_loopback=loopback,
    )
    return discover()["fxiaoke"].open(context)


def _wrong_fxiaoke(**settings: str) -> Opener:
    return lambda request, folder: _fxiaoke(request.getfixturevalue("sandbox"), folder, **settings)


def _dead_fxiaoke(request: pytest.FixtureRequest, folder: Path) -> Source:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    return _fxiaoke(request.getfixturevalue("sandbox"), folder, FXIAOKE_BASE_URL=url)


FXIAOKE_API = Case(
    name="fxiaoke",
    open=lambda request, folder: _fxiaoke(request.getfixturevalue("sandbox"), folder),
    truth=lambda request: FxiaokeApiTruth(request.getfixturevalue("sandbox")),
    broken={
        "dead server": _dead_fxiaoke,
        "wrong secret": _wrong_fxiaoke(FXIAOKE_APP_SECRET="s3cret-of-a-test"),
        "wrong permanent code": _wrong_fxiaoke(FXIAOKE_PERMANENT_CODE="s3cret-of-a-test"),
        "unknown user": _wrong_fxiaoke(FXIAOKE_USER_ID="7"),
        "user of the other generation": _wrong_fxiaoke(FXIAOKE_USER_ID="FSUID_7"),
        "unknown generation": _wrong_fxiaoke(FXIAOKE_AUTH="basic"),
        "unknown object": _wrong_fxiaoke(FXIAOKE_OBJECTS="LeadObj"),
        "wrong budget": _wrong_fxiaoke(FXIAOKE_DAILY_CALLS="many"),
        "address of this machine": lambda request, folder: _fxiaoke(
            request.getfixturevalue("sandbox"), folder, loopback=False
        ),
        "foreign server": _wrong_fxiaoke(FXIAOKE_BASE_URL="https://open.fxiaoke.example"),
        "the vendor's web page": _wrong_fxiaoke(FXIAOKE_BASE_URL="https://www.fxiaoke.com"),
    },
    secrets=("s3cret-of-a-test", "sandbox-app-secret", "sandbox-permanent-code"),
    unlike=rb'"traceId":"[^"]*"',
)


def _inputs(folder: Path, *files: tuple[str, str]) -> Source:
    """The spreadsheets in a folder, after these (name, text) were added to it."""
    for name, text in files:
        (folder / name).write_text(text, "utf-8")
    return discover()["inputs"].open(SourceContext("default", {}, folder, folder / ".cache"))


def _kept(request: pytest.FixtureRequest, folder: Path) -> Source:
    request.getfixturevalue("sandbox").inputs(folder)
    return _inputs(folder)


INPUTS = Case(
    name="inputs",
    open=_kept,
    truth=lambda request: InputsTruth(request.getfixturevalue("sandbox")),
    broken={
        "missing inbox": lambda _, folder: _inputs(folder / "nowhere"),
        "unreadable workbook": lambda _, folder: _inputs(folder, ("销售目标.xlsx", "PK")),
        "unknown headers": lambda _, folder: _inputs(folder, ("a.csv", "a,b\n1,2\n")),
        "a column that is required and lacks": lambda _, folder: _inputs(
            folder, ("汇率.csv", "币种,汇率\nUSD,7\n")
        ),
        "a wrong cell": lambda _, folder: _inputs(
            folder, ("汇率.csv", "币种,日期,汇率\nUSD,2026-01-01,seven\n")
        ),
        "an empty file": lambda _, folder: _inputs(folder, ("汇率.csv", "\n\n")),
    },
)

CASES: tuple[Case, ...] = (ZOHO, FXIAOKE_EXPORT, FXIAOKE_API, INPUTS)
