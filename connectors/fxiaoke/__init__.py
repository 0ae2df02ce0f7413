"""Fxiaoke (纷享销客): its export files, dropped into an inbox, and its OpenAPI."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path

from connectors.core.contract import Setting, Source, SourceContext, SourceSpec, Stream, load_streams


@cache
def _export_streams() -> tuple[Stream, ...]:
    declared = load_streams("fxiaoke_export", Path(__file__).with_name("streams.yml"))
    return tuple(replace(stream, weak_keys=True) for stream in declared)


@cache
def _api_streams() -> tuple[Stream, ...]:
    return load_streams("fxiaoke", Path(__file__).parent / "api" / "streams.yml")


def _open_exports(context: SourceContext) -> Source:
    # Imported here: listing the sources must not load a spreadsheet reader.
    from connectors.fxiaoke.export_files.source import FxiaokeExport

    return FxiaokeExport(context, _export_streams())


def _open_api(context: SourceContext) -> Source:
    # The HTTP stack is loaded when a source is opened, not when sources are listed.
    from connectors.fxiaoke.api.source import FxiaokeApi

    return FxiaokeApi(context, _api_streams())


SPECS = (
    SourceSpec(
        "fxiaoke_export", "纷享销客导出文件", settings=(), streams=_export_streams, open=_open_exports
    ),
    SourceSpec(
        "fxiaoke",
        "纷享销客 OpenAPI",
        settings=(
            Setting("FXIAOKE_APP_ID", "Id of the self-built app in the Fxiaoke console (FSAID_…)"),
            Setting("FXIAOKE_APP_SECRET", "Secret beside that id", secret=True),
            Setting("FXIAOKE_PERMANENT_CODE", "Permanent code of the app for this tenant", secret=True),
            Setting(
                "FXIAOKE_USER_ID",
                "On whose behalf is read, best a CRM administrator: an employee number such as 1000, or with "
                "FXIAOKE_AUTH=legacy an openUserId (FSUID_…)",
            ),
            Setting(
                "FXIAOKE_BASE_URL",
                "The vendor's cloud that the tenant lives in",
                required=False,
                default="https://open.fxiaoke.com",
            ),
            Setting(
                "FXIAOKE_AUTH",
                "Generation of authentication: oauth (the vendor's current way) or legacy (corpAccessToken)",
                required=False,
                default="oauth",
            ),
            Setting(
                "FXIAOKE_OBJECTS",
                "Objects to read, separated by commas; `default` and `all` stand for the shipped selection and for "
                "every object that can be seen",
                required=False,
            ),
            Setting("FXIAOKE_OBJECTS_EXCEPT", "Objects not to read, separated by commas", required=False),
            Setting(
                "FXIAOKE_PERSONAL_DATA",
                "Telephones and e-mails of employees: off (they are never kept) or on",
                required=False,
                default="off",
            ),
            Setting(
                "FXIAOKE_VOID_FIELD",
                "What tells a void record (作废): life_status or is_deleted",
                required=False,
                default="life_status",
            ),
            Setting(
                "FXIAOKE_DAILY_CALLS",
                "API calls of a day that may be made; the rest of what was bought is left to others",
                required=False,
            ),
        ),
        streams=_api_streams,
        open=_open_api,
        discovers=True,
    ),
)
