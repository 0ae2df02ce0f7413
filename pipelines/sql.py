"""Quoting: the only place where a name or a text becomes SQL. Values are bound wherever the engine allows."""

from __future__ import annotations


def quote(name: str) -> str:
    """A name as an SQL identifier, whatever a CRM put into it."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """A text as an SQL literal."""
    return "'" + text.replace("'", "''") + "'"
