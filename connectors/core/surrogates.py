"""Half a character in a JSON text.

A CRM that cuts long texts by UTF-16 units leaves half of an emoji behind, as the escape of a lone surrogate.
Strict parsers then refuse the whole page. Unicode's advice (D93b, U+FFFD substitution) is to show the
replacement character in its place; the landed bytes stay as they came.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TypeVar

import msgspec

T = TypeVar("T")

_ESCAPES = re.compile(
    rb"\\(?:(?P<pair>u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2})|(?P<lone>u[dD][89a-fA-F][0-9a-fA-F]{2})|.)",
    re.DOTALL,
)


def without_lone_surrogates(body: bytes) -> bytes:
    """The same JSON text with every lone surrogate escape replaced by U+FFFD; whole pairs stay."""
    return _ESCAPES.sub(lambda m: b"\\ufffd" if m["lone"] else m[0], body)


def decoded(decode: Callable[[bytes | msgspec.Raw], T], body: bytes | msgspec.Raw) -> T:
    """What `decode` makes of the body, or of the body without lone surrogates where it cannot be read as it is: half
    an emoji must not block a module for good. Raises msgspec.DecodeError."""
    try:
        return decode(body)
    except msgspec.DecodeError:
        return decode(without_lone_surrogates(bytes(body)))
