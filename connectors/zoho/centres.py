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


def hosts(*named: str, loopback: bool) -> HostList:
    """Every Zoho host, and the hosts of the addresses that the operator put into the settings."""
    apis = {f"{kind}.{api.removeprefix('www.')}" for api in ACCOUNTS_TO_API.values() for kind in _KINDS}
    for url in named:
        _readable(url)
    own = {urlsplit(url).netloc.lower().removesuffix(":443") for url in named if url}
    return HostList(frozenset(ACCOUNTS_TO_API.keys() | apis | own), loopback=loopback)


def api_of(accounts_url: str) -> str:
    """The API address of an accounts server; a proxy or sandbox is taken to serve both."""
    host = (urlsplit(accounts_url).hostname or "").lower()
    return f"https://{ACCOUNTS_TO_API[host]}" if host in ACCOUNTS_TO_API else accounts_url.rstrip("/")


def _readable(url: str) -> None:
    try:
        urlsplit(url)
    except ValueError as error:
        raise Problem(
            "an address in the settings is no address",
            do="Correct ZOHO_ACCOUNTS_URL or ZOHO_API_URL, for example https://accounts.zoho.com",
        ) from error
