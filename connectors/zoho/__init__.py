"""Zoho CRM by its REST API v8. Facts about the API are data (streams.yml, errors.py, centres.py), each with its page.

Never here: what a record means to the business, and anything that writes to Zoho.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

from connectors.core.contract import Setting, Source, SourceContext, SourceSpec, Stream, load_streams


@cache
def known() -> tuple[Stream, ...]:
    """The streams of streams.yml."""
    return load_streams("zoho", Path(__file__).with_name("streams.yml"))


@cache
def declared() -> tuple[Stream, ...]:
    """Those that our models read."""
    return tuple(stream for stream in known() if stream.modelled)


def _open(context: SourceContext) -> Source:
    # The HTTP stack is loaded when a source is opened, not when sources are listed.
    from connectors.zoho.source import ZohoSource

    return ZohoSource(context, known())


SPECS = (
    SourceSpec(
        name="zoho",
        label="Zoho CRM",
        settings=(
            Setting("ZOHO_CLIENT_ID", "Client id of a self client in the API console of your data centre"),
            Setting("ZOHO_CLIENT_SECRET", "Client secret beside that client id", secret=True),
            Setting("ZOHO_REFRESH_TOKEN", "Refresh token made from a grant code of that client", secret=True),
            Setting(
                "ZOHO_ACCOUNTS_URL",
                "Accounts server of your data centre, such as https://accounts.zoho.eu",
                required=False,
                default="https://accounts.zoho.com",
            ),
            Setting(
                "ZOHO_API_URL",
                "API server, if not the one that the accounts server names (a proxy, a sandbox)",
                required=False,
            ),
            Setting(
                "ZOHO_MODULES",
                "Modules to read, separated by commas; `default` and `all` stand for the shipped selection and "
                "for every readable module",
                required=False,
            ),
            Setting("ZOHO_MODULES_EXCEPT", "Modules not to read, separated by commas", required=False),
            Setting(
                "ZOHO_FULL_READ",
                "How whole modules are read: auto (the cheapest in API credits), records, coql or bulk",
                required=False,
                default="auto",
            ),
            Setting(
                "ZOHO_CREDIT_RESERVE",
                "API credits of a day that are left to others: a share such as 10%, or a number",
                required=False,
                default="10%",
            ),
            Setting(
                "ZOHO_DAILY_CREDITS",
                "API credits of a day, so that a share of them is exact (else it is learned while they are spent)",
                required=False,
            ),
        ),
        streams=declared,
        open=_open,
        discovers=True,
    ),
)
