"""Zoho's data centres: an account lives in one, and its tokens work only there.

https://www.zoho.com/crm/developer/docs/api/v8/multi-dc.html names all but China and the United Kingdom,
which public clients use. Sandbox and developer organisations answer on hosts of their own.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from connectors.core.errors import Problem
from connectors.core.hosts import HostList

ACCOUNTS_TO_API: dict[str, str] = {
    "accounts.zoho.com": "www.zohoapis.com",
    "accounts.zoho.eu": "www.zohoapis.eu",
    "accounts.zoho.in": "www.zohoapis.in",
    "accounts.zoho.com.cn": "www.zohoapis.com.cn",
    "accounts.zoho.jp": "www.zohoapis.jp",
    "accounts.zoho.com.au": "www.zohoapis.com.au",
    "accounts.zohocloud.ca": "www.zohoapis.ca",
    "accounts.zoho.sa": "www.zohoapis.sa",
    "accounts.zoho.uk": "www.zohoapis.uk",
}
_KINDS = ("www", "sandbox", "developer")
# What people write for an accounts server, and its name.
_MISTAKEN = {
    "accounts.zoho.ca": "accounts.zohocloud.ca",
    "accounts.zoho.cn": "accounts.zoho.com.cn",
    "accounts.zoho.au": "accounts.zoho.com.au",
    "accounts.zoho.co.uk": "accounts.zoho.uk",
    "accounts.zoho.co.jp": "accounts.zoho.jp",
}


def hosts(*named: str, loopback: bool) -> HostList:
    """Every Zoho host, and the hosts of the addresses that the operator put into the settings."""
    apis = {f"{kind}.{api.removeprefix('www.')}" for api in ACCOUNTS_TO_API.values() for kind in _KINDS}
    for url in named:
        _readable(url)
    check_addresses(*(*named, "", "")[:2])
    own = {urlsplit(url).netloc.lower().removesuffix(":443") for url in named if url}
    return HostList(frozenset(ACCOUNTS_TO_API.keys() | apis | own), loopback=loopback)


def check_addresses(accounts_url: str, api_url: str) -> None:
    """Raise Problem when the two cannot belong together. Addresses that are not Zoho's own are not judged."""
    accounts, api = _host(accounts_url), _host(api_url)
    if accounts in _MISTAKEN:
        raise _misplaced(
            f"ZOHO_ACCOUNTS_URL names {accounts}, which is no accounts server of Zoho's",
            f"Set it to https://{_MISTAKEN[accounts]}",
        )
    if centre := _centre_of_api(accounts) or _centre_of_app(accounts):
        raise _misplaced(
            f"ZOHO_ACCOUNTS_URL names {accounts}, which gives out no tokens", f"Set it to https://{centre}"
        )
    if api in ACCOUNTS_TO_API or _centre_of_app(api):
        raise _misplaced(
            f"ZOHO_API_URL names {api}, which serves no API",
            "Leave it empty: Zoho names the API server itself; for a sandbox set https://sandbox.zohoapis.com "
            "of your data centre",
        )
    centre = _centre_of_api(api)
    if centre and accounts in ACCOUNTS_TO_API and centre != accounts:
        raise _misplaced(
            f"ZOHO_ACCOUNTS_URL ({accounts}) and ZOHO_API_URL ({api}) are of different data centres",
            f"Set ZOHO_ACCOUNTS_URL to https://{centre}, or leave ZOHO_API_URL empty",
        )


def _centre_of_api(host: str) -> str:
    """The accounts server of an API host, "" for another host."""
    kind, _, rest = host.partition(".")
    if kind not in _KINDS:
        return ""
    return next((accounts for accounts, api in ACCOUNTS_TO_API.items() if api == f"www.{rest}"), "")


def _centre_of_app(host: str) -> str:
    """The accounts server of the web page that people see (crm.zoho.eu, api-console.zoho.eu), else ""."""
    kind, _, rest = host.partition(".")
    accounts = f"accounts.{rest}"
    return accounts if kind in ("crm", "api-console") and accounts in ACCOUNTS_TO_API else ""


def _host(url: str) -> str:
    return (urlsplit(url).hostname or "").lower()


def _misplaced(what: str, do: str) -> Problem:
    return Problem(what, do=do, code="WRONG_CENTRE")


def api_of(accounts_url: str) -> str:
    """The API address of an accounts server; a proxy or sandbox is taken to serve both."""
    host = _host(accounts_url)
    return f"https://{ACCOUNTS_TO_API[host]}" if host in ACCOUNTS_TO_API else accounts_url.rstrip("/")


def _readable(url: str) -> None:
    try:
        urlsplit(url)
    except ValueError as error:
        raise Problem(
            "an address in the settings is no address",
            do="Correct ZOHO_ACCOUNTS_URL or ZOHO_API_URL, for example https://accounts.zoho.com",
        ) from error
