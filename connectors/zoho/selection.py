"""Which modules are read: the default of selection.yml, an allow list, a deny list."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from connectors.core.errors import Problem

ALLOW, DENY = "ZOHO_MODULES", "ZOHO_MODULES_EXCEPT"
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

    def wants(self, names: Collection[str], kind: str, *, modelled: bool) -> bool:
        """Whether a module is read. names: the CRM's own and the stream's; kind: its `generated_type`."""
        if self.denies(names):
            return False
        own = {name.casefold() for name in names}
        if not self.allow or _DEFAULT in self.allow:
            standard, kinds, endings = _default()
            if modelled or kind in kinds or own & standard or any(name.endswith(endings) for name in own):
                return True
        return _ALL in self.allow or bool(own & self.allow)

    def denies(self, names: Collection[str]) -> bool:
        """Whether one of a stream's names is on the deny list."""
        return not self.deny.isdisjoint(name.casefold() for name in names)

    def unknown(self, known: Iterable[str]) -> list[Problem]:
        """A Problem for each name that is no module here: a typo would go unnoticed otherwise."""
        modules: dict[str, str] = {}
        for name in known:  # the CRM's own spelling comes first
            modules.setdefault(name.casefold(), name)
        return [
            _unknown(setting, name, modules)
            for setting, names in ((ALLOW, self.allow - {_DEFAULT, _ALL}), (DENY, self.deny))
            for name in sorted(names - modules.keys())
        ]


def _names(text: str) -> frozenset[str]:
    return frozenset(name.strip().casefold() for name in text.split(",") if name.strip())


@cache
def _default() -> tuple[frozenset[str], frozenset[str], tuple[str, ...]]:
    facts: dict[str, dict[str, Any]] = yaml.safe_load(
        Path(__file__).with_name("selection.yml").read_text("utf-8")
    )
    standard, endings = (map(str.casefold, facts[part]) for part in ("standard", "endings"))
    return frozenset(standard), frozenset(facts["kinds"]), tuple(endings)


def _unknown(setting: str, name: str, modules: dict[str, str]) -> Problem:
    like = get_close_matches(name, modules, 1, 0.75)
    return Problem(
        f"{setting} names {name!r}, and the API user sees no module of that name",
        do=f"Write {modules[like[0]]} instead"
        if like
        else f"Take it out of {setting}, or show the module "
        "to the API user's profile; `crm-warehouse doctor` lists the modules",
        code="MODULE_UNKNOWN",
    )
