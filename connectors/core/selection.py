"""Which of the things that a CRM holds are read: a default (selection.yml), an allow list, a deny list."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from pathlib import Path

import yaml

from connectors.core.errors import Problem

_DEFAULT, _ALL = "default", "all"


@dataclass(frozen=True, slots=True)
class Choice:
    """What there is to choose from. thing: what the CRM calls it (module, object). allow, deny: the settings.
    default: selection.yml, with `standard` names, `kinds` and `endings` of names that are read by default. show: how
    somebody lets the API user see one."""

    thing: str
    allow: str
    deny: str
    default: Path
    show: str

    def parse(self, allow: str, deny: str) -> Selection:
        """From comma-separated names; `default` and `all` in the allow list stand for what they say."""
        return Selection(self, _names(allow), _names(deny))


@dataclass(frozen=True, slots=True)
class Selection:
    """What the two settings say; names are compared without case. allow: empty for the default."""

    choice: Choice
    allow: frozenset[str]
    deny: frozenset[str]

    def wants(self, names: Collection[str], kind: str = "", *, modelled: bool) -> bool:
        """Whether a thing is read. names: the CRM's own and the stream's; kind: what the CRM says it is."""
        if self.denies(names):
            return False
        own = {name.casefold() for name in names}
        if not self.allow or _DEFAULT in self.allow:
            standard, kinds, endings = _default(self.choice.default)
            if modelled or kind in kinds or own & standard or any(name.endswith(endings) for name in own):
                return True
        return _ALL in self.allow or bool(own & self.allow)

    def denies(self, names: Collection[str]) -> bool:
        """Whether one of a stream's names is on the deny list."""
        return not self.deny.isdisjoint(name.casefold() for name in names)

    def unknown(self, known: Iterable[str]) -> list[Problem]:
        """A Problem for each name that is nothing here: a typo would go unnoticed otherwise."""
        things: dict[str, str] = {}
        for name in known:  # the CRM's own spelling comes first
            things.setdefault(name.casefold(), name)
        named = ((self.choice.allow, self.allow - {_DEFAULT, _ALL}), (self.choice.deny, self.deny))
        return [
            self._unknown(setting, name, things)
            for setting, names in named
            for name in sorted(names - things.keys())
        ]

    def _unknown(self, setting: str, name: str, things: dict[str, str]) -> Problem:
        like = get_close_matches(name, things, 1, 0.75)
        thing = self.choice.thing
        return Problem(
            f"{setting} names {name!r}, and the API user sees no {thing} of that name",
            do=f"Write {things[like[0]]} instead"
            if like
            else f"Take it out of {setting}, or {self.choice.show}; `crm-warehouse doctor` lists the {thing}s",
            code=f"{thing.upper()}_UNKNOWN",
        )


@cache
def _default(path: Path) -> tuple[frozenset[str], frozenset[str], tuple[str, ...]]:
    facts = yaml.safe_load(path.read_text("utf-8"))
    standard, endings = (map(str.casefold, facts[part]) for part in ("standard", "endings"))
    return frozenset(standard), frozenset(facts.get("kinds", ())), tuple(endings)


def _names(text: str) -> frozenset[str]:
    return frozenset(name.strip().casefold() for name in text.split(",") if name.strip())
