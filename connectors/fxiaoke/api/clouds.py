"""The vendor's clouds: a tenant lives in one of them, and nothing is ever sent anywhere else."""

from __future__ import annotations

from urllib.parse import urlsplit

from connectors.core.errors import Problem
from connectors.core.hosts import HostList

DEFAULT = "https://open.fxiaoke.com"
CLOUDS = frozenset(
    {
        "open.fxiaoke.com",
        "open-hwcloud.fxiaoke.com",
        "open-ale.fxiaoke.com",
        "open-hws.fxiaoke.com",
        "open-ksc.sharecrm.com",
        "open-na.sharecrm.com",
    }
)
# Printed in examples of the vendor's pages, and where people work; both answer with a web page.
_MISTAKEN = {"www.fxiaoke.com": "open.fxiaoke.com", "fxiaoke.com": "open.fxiaoke.com"}


def hosts(base_url: str, *, loopback: bool) -> HostList:
    """The clouds. Raises Problem when the address of the settings is none of them."""
    try:
        parts = urlsplit(base_url)
        host = (parts.hostname or "").lower()
    except ValueError as error:
        raise _wrong("is no address", f"Set it to {DEFAULT}") from error
    if "://" not in base_url:
        raise _wrong("lacks its https://", f"Set it to https://{base_url.partition('/')[0]}")
    if host in _MISTAKEN:
        raise _wrong(f"names {host}, which is no API server", f"Set it to https://{_MISTAKEN[host]}")
    if parts.path.strip("/") or parts.query:
        raise _wrong("holds more than a host", f"Leave the path out, as in {DEFAULT}")
    allowed = HostList(CLOUDS, loopback=loopback)
    allowed.check(base_url)
    return allowed


def _wrong(what: str, do: str) -> Problem:
    return Problem(f"FXIAOKE_BASE_URL {what}", do=f"{do}, or to the cloud of your tenant", code="WRONG_CLOUD")
