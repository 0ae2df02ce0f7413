"""What of a failing row may be shown."""

from __future__ import annotations

import re
from collections.abc import Collection

from pipelines.quality.verdict import MASK

_LONGEST = 120
# A key that a CRM made: no blanks, digits in it. Where a file has no ids, a person's name may be the key.
_MADE = re.compile(r"^(number:)?(?=.*\d)[0-9A-Za-z_-]{6,}$")


class Privacy:
    """Masks by column. pii: columns with personal data; None = not known, then every value is masked."""

    def __init__(self, pii: Collection[str] | None) -> None:
        self._pii = None if pii is None else frozenset(pii)

    def value(self, bases: frozenset[str], text: str | None) -> str | None:
        """A value as it may be shown. That there is none is no secret."""
        if text is None:
            return None
        if self._pii is None or bases & self._pii:
            return MASK
        return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"

    def record_id(self, text: str | None) -> str | None:
        """A record id as it may be shown: in streams about people only one that a CRM made."""
        if text is None or self._pii == frozenset() or _MADE.match(text):
            return text
        return MASK
