"""Fxiaoke (纷享销客): its export files, dropped into an inbox."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from connectors.core.contract import Setting, Source, SourceContext, SourceSpec, Stream, load_streams

_MAX_MB = Setting(
    name="FXIAOKE_EXPORT_MAX_MB",
    help="largest export file that is read, in megabytes",
    required=False,
    default="512",
)


@cache
def _export_streams() -> tuple[Stream, ...]:
    return load_streams("fxiaoke_export", Path(__file__).with_name("streams.yml"))


def _open_exports(context: SourceContext) -> Source:
    # Imported here: listing the sources must not load a spreadsheet reader.
    from connectors.fxiaoke.export_files.limits import with_largest_file
    from connectors.fxiaoke.export_files.source import FxiaokeExport

    limits = with_largest_file(context.values.get(_MAX_MB.name) or _MAX_MB.default)
    return FxiaokeExport(context, _export_streams(), limits)


SPECS = (
    SourceSpec(
        "fxiaoke_export", "纷享销客导出文件", settings=(_MAX_MB,), streams=_export_streams, open=_open_exports
    ),
)
