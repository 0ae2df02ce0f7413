"""Python's search for garbage cycles, put off while many rows are made."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def uncollected() -> Iterator[None]:
    """Rows hold no cycles, and looking for some again and again among all that is loaded costs a tenth of cutting a
    file into cells. What is not needed any more is freed all the same."""
    if not gc.isenabled():  # somebody else's rows are being made, or nobody wants it
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
