"""People: one director, a manager per region, representatives who come and go."""

from __future__ import annotations

from sandbox.company.records import Region, User
from sandbox.company.side import Side


class Staff:
    """The sales force as one CRM knows it; headcount follows the number of deals to be handled."""

    def __init__(self, side: Side, regions: list[Region], heads: int) -> None:
        self._side, self._regions = side, regions
        self._heads = heads
        self._names: set[str] = set()
        self._managers: dict[str, User] = {}

    def found(self) -> None:
        """The director, the managers and most of the representatives, all on the first day."""
        side = self._side
        director = self._hire(self._regions[0], "director", None)
        for region in self._regions:
            manager = self._hire(region, "manager", director)
            self._managers[region.name] = manager
            side.sellers[region.name] = [manager]
        for i in range(self._heads):
            self._hire_rep(self._regions[i % len(self._regions)])
        self._plan()

    def _plan(self) -> None:
        side = self._side
        side.agenda.later(20 + side.chance.below(20), self._month)

    def _month(self) -> None:
        """Every month or so a few leave, and as many join some days later."""
        side, chance = self._side, self._side.chance
        for _ in range(max(1, self._heads // 60)):
            region = chance.pick(self._regions)
            sellers = side.sellers[region.name]
            if len(sellers) > 2:
                leaver = sellers[1 + chance.below(len(sellers) - 1)]  # never the manager
                sellers.remove(leaver)
                leaver.active = False
                side.updated("users", leaver.id, side.admin, side.dialect.left(leaver))
            side.agenda.later(3 + chance.below(12), self._hire_rep, region)
        self._plan()

    def _hire_rep(self, region: Region) -> None:
        rep = self._hire(region, "rep", self._managers[region.name])
        self._side.sellers[region.name].append(rep)

    def _hire(self, region: Region, position: str, leader: User | None) -> User:
        side, chance = self._side, self._side.chance
        id = side.mint()
        surname, given = self._name()
        lines = side.dialect.words["product_lines"]
        line = lines[len(side.users) % len(lines)]["name"]
        user = User(
            id,
            surname,
            given,
            len(side.users) + 1,
            region,
            chance.pick(region.cities),
            line,
            position,
            leader,
        )
        side.admin = side.admin or id
        side.users.append(user)
        side.created("users", id, side.admin, side.dialect.user(user))
        return user

    def _name(self) -> tuple[str, str]:
        """A name nobody here bears; a second 王伟 becomes 王伟02, as tenants do."""
        words, chance = self._side.dialect.words, self._side.chance
        surname, given = chance.pick(words["surnames"]), chance.pick(words["given"])
        name, tail = surname + given, 1
        while name in self._names:
            tail += 1
            name = f"{surname}{given}{tail:02d}"
        self._names.add(name)
        return surname, name.removeprefix(surname)
