"""Fxiaoke (纷享销客): its export files, dropped into an inbox."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from connectors.core.contract import Source, SourceContext, SourceSpec, Stream, load_streams


@cache
def _export_streams() -> tuple[Stream, ...]:
    return load_streams("fxiaoke_export", Path(__file__).with_name("streams.yml"))


def _open_exports(context: SourceContext) -> Source:
    # Imported here: listing the sources must not load a spreadsheet reader.
    from connectors.fxiaoke.export_files.source import FxiaokeExport

    return FxiaokeExport(context, _export_streams())


SPECS = (
    SourceSpec(
        "fxiaoke_export", "纷享销客导出文件", settings=(), streams=_export_streams, open=_open_exports
    ),
)
