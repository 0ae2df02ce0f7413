"""Which hosts may be called. A reply can name a host (Zoho's `api_domain`), so the list is closed."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from connectors.core.errors import Actor, Problem

# Anything else in an authority (user@, a backslash, a percent sign) is read differently by different parsers.
_AUTHORITY = re.compile(r"(?:[a-z0-9.-]+|\[[0-9a-f:]+\])(?::\d{1,5})?")


@dataclass(frozen=True, slots=True)
class HostList:
    """Authorities (`host`, `host:port`) that may be called by https; plain http only to allowed loopback."""

    names: frozenset[str]
    loopback: bool = False

    def permits(self, url: str) -> bool:
        """Whether this address may be called."""
        try:
            parts = urlsplit(url)
        except ValueError:  # such as an unclosed bracket
            return False
        authority = parts.netloc.lower()
        if parts.scheme not in ("http", "https") or not _AUTHORITY.fullmatch(authority):
            return False
        if _is_loopback(parts.hostname or ""):
            return self.loopback
        return parts.scheme == "https" and authority.removesuffix(":443") in self.names

    def check(self, url: str) -> None:
        """Raise Problem unless this address may be called."""
        if self.permits(url):
            return
        host = _host(url)
        if _is_loopback(host) and not self.loopback:
            what, do = (
                "an address on this machine is not allowed",
                "Set CRM_WAREHOUSE_ALLOW_LOOPBACK=1 for a sandbox",
            )
        else:
            what = f"the host {host[:80]!r} is not one of this source's hosts, or the address is not https"
            do = "Check the addresses of this source in the settings; nothing was sent"
        raise Problem(what, do=do, actor=Actor.OPERATOR, code="HOST_REFUSED")


def _host(url: str) -> str:
    try:
        return urlsplit(url).hostname or "(none)"
    except ValueError:
        return "(none)"


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
