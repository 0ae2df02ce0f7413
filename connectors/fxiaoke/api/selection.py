"""Which objects are read: the default of selection.yml, an allow list, a deny list."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from pathlib import Path

import yaml

from connectors.core.errors import Problem

ALLOW, DENY = "FXIAOKE_OBJECTS", "FXIAOKE_OBJECTS_EXCEPT"
_DEFAULT, _ALL = "default", "all"


@dataclass(frozen=True, slots=True)
class Selection:
    """What the two settings say; names are compared without case. allow: empty for the default."""

    allow: frozenset[str]
    deny: frozenset[str]

    @staticmethod
    def parse(allow: str, deny: str) -> Selection:
        """From comma-separated names; `default` and `all` in the allow list stand for what they say."""
        return Selection(_names(allow), _names(deny))

    def wants(self, names: Collection[str], *, modelled: bool) -> bool:
        """Whether an object is read. names: the CRM's own and the stream's."""
        own = {name.casefold() for name in names}
        if own & self.deny:
            return False
        by_default = modelled or bool(own & _standard()) or any(name.endswith("__c") for name in own)
        if by_default and (not self.allow or _DEFAULT in self.allow):
            return True
        return _ALL in self.allow or bool(own & self.allow)

    def unknown(self, known: Iterable[str]) -> list[Problem]:
        """A Problem for each name that is no object here: a typo would go unnoticed otherwise."""
        objects: dict[str, str] = {}
        for name in known:  # the CRM's own spelling comes first
            objects.setdefault(name.casefold(), name)
        return [
            _unknown(setting, name, objects)
            for setting, names in ((ALLOW, self.allow - {_DEFAULT, _ALL}), (DENY, self.deny))
            for name in sorted(names - objects.keys())
        ]


def _names(text: str) -> frozenset[str]:
    return frozenset(name.strip().casefold() for name in text.split(",") if name.strip())


@cache
def _standard() -> frozenset[str]:
    facts = yaml.safe_load(Path(__file__).with_name("selection.yml").read_text("utf-8"))
    return frozenset(map(str.casefold, facts["standard"]))


def _unknown(setting: str, name: str, objects: dict[str, str]) -> Problem:
    like = get_close_matches(name, objects, 1, 0.75)
    do = (
        f"Write {objects[like[0]]} instead"
        if like
        else f"Take it out of {setting}, or give the API user the right to see it; `crm-warehouse doctor` lists the "
        "objects"
    )
    return Problem(
        f"{setting} names {name!r}, and the API user sees no object of that name",
        do=do,
        code="OBJECT_UNKNOWN",
    )
