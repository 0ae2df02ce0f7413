"""What every day brings besides the sales: calls, visits, chores, troubles, campaigns, surveys, and clearing up."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sandbox.company.books.office import Office
from sandbox.company.books.papers import Case
from sandbox.company.books.pen import Pen
from sandbox.company.chance import Chance
from sandbox.company.clock import HISTORY_BEGINS, OPENING, day_starts, is_weekend, local_day
from sandbox.company.records import Account, Contact, Deal, Lead, User
from sandbox.company.side import Side

_FIRST, _OPENING = local_day(HISTORY_BEGINS), local_day(OPENING)
_DAYS = _OPENING - _FIRST
_MOST = 20_000  # deals that the days are measured by, however large the company is
_CAMPAIGN_EVERY, _ASKED_EVERY = 40, 90  # days
_ENTITIES = {"zoho": ("calls", "events", "tasks"), "fxiaoke": ("active_record_obj", "checkins_obj", "")}


class Rounds:
    """Spread over working days; after the opening every kind is made, edited and removed daily."""

    def __init__(
        self, side: Side, chance: Chance, pen: Pen, office: Office, words: dict[str, Any], plan: int
    ) -> None:
        self._side, self._chance, self._pen, self._office, self._words = side, chance, pen, office, words
        self._plan = min(plan, _MOST)
        self._kept: dict[str, list[str]] = {entity: [] for entity in _ENTITIES[side.crm] if entity}
        self._asked = 0

    def begin(self) -> None:
        """The first day; each plans the next."""
        self._side.agenda.at(day_starts(_FIRST) + 8 * 3600, self._pen.begin)
        self._side.agenda.at(day_starts(_FIRST + 1), self._day)

    def _day(self) -> None:
        agenda, day = self._side.agenda, self._side.agenda.today
        least = int(day >= _OPENING)
        for act, percent in (
            (self._follow_up, 60), (self._visit, 50), (self._chore, 40), (self._case, 15), (self._edit, 4),
            (self._drop, 3),
        ):  # fmt: skip
            for _ in range(max(least, self._share(self._plan * percent // 100, day))):
                self._at_work(act)
        if day % _CAMPAIGN_EVERY == 0:
            self._at_work(self._campaign)
        if day % _ASKED_EVERY == 0:
            self._at_work(self._survey)
        self._pen.campaigns_over()
        agenda.at(day_starts(day + 1), self._day)

    def _at_work(self, act: Callable[[], None]) -> None:
        agenda = self._side.agenda
        agenda.at(day_starts(agenda.today) + 9 * 3600 + self._chance.below(32_000), act)

    @staticmethod
    def _share(total: int, day: int) -> int:
        """This day's part of a total for the history; nothing on weekends of the history, whose part is Monday's."""
        if is_weekend(day):
            return 0
        passed = day - _FIRST
        before = passed - 1
        while is_weekend(_FIRST + before):
            before -= 1
        return total * passed // _DAYS - total * before // _DAYS

    def _whom(self) -> tuple[Account, Deal | None, Contact | None]:
        """A customer, mostly one of the big ones, with a contact; of half of them a deal that goes on."""
        chance = self._chance
        account = chance.favour(self._side.accounts)
        deal = None
        if self._side.deals and chance.percent(50):
            young = self._side.deals[-min(len(self._side.deals), 200) :]
            found = chance.pick(young)
            if not found.deleted:
                deal, account = found, found.account
        return account, deal, chance.pick(account.contacts) if account.contacts else None

    def _follow_up(self) -> None:
        account, deal, contact = self._whom()
        self._keep(0, self._pen.follow_up(account, deal, contact, self._chance.below(1000)))

    def _visit(self) -> None:
        account, deal, contact = self._whom()
        real = self._chance.percent(self._words["checked_in"])
        self._keep(1, self._pen.visit(account, deal, contact, real=real))

    def _chore(self) -> None:
        account, deal, contact = self._whom()
        if made := self._pen.chore(account, deal, contact):
            self._keep(2, made)

    def _keep(self, kind: int, id: str) -> None:
        self._kept[_ENTITIES[self._side.crm][kind]].append(id)

    def _edit(self) -> None:
        """Somebody adds a word to what was written down."""
        field = {"calls": "Description", "events": "Description", "tasks": "Description"}
        entity = self._chance.pick(list(self._kept))
        if self._kept[entity]:
            name = field.get(entity) or (
                "communicate_record" if entity == "checkins_obj" else "active_record_content"
            )
            by = self._side.users[0]
            id = self._chance.pick(self._kept[entity])
            self._pen.rewrote(entity, id, by, {name: f"补充说明{self._chance.below(1000)}"})

    def _drop(self) -> None:
        entity = self._chance.pick(list(self._kept))
        if len(self._kept[entity]) > 5:
            self._pen.drop(entity, self._kept[entity].pop(self._chance.below(len(self._kept[entity]))))

    def _case(self) -> None:
        side, chance, words = self._side, self._chance, self._words
        account = chance.favour(side.accounts)
        if not account.contacts or not side.products:
            return
        case = Case(
            self._pen.mint(), f"GD{self._pen.number('GD'):06d}", account, chance.pick(account.contacts),
            chance.pick(side.products), account.owner, chance.pick(words["case_types"][side.crm]),
            chance.pick(words["priorities"][side.crm]), chance.pick(words["origins"][side.crm]),
            chance.pick(words["case_subjects"]), side.agenda.now,
        )  # fmt: skip
        self._pen.case(case)
        now = side.agenda.now
        answered = now + 600 + chance.below(8 * 3600)
        side.agenda.at(answered, self._pen.case_moved, case, "answered")
        solved = answered + 3600 + chance.below(6 * 86_400)
        side.agenda.at(solved, self._solved, case)

    def _solved(self, case: Case) -> None:
        chance, agenda = self._chance, self._side.agenda
        self._pen.case_moved(case, "solved")
        if not case.reopened and chance.percent(self._words["reopened"]):
            agenda.at(agenda.now + 86_400 + chance.below(86_400), self._reopened, case)
        elif chance.percent(self._words["surveyed"]):
            score = 5 - chance.below(3) - chance.below(2) - case.reopened
            facts = {"case_no": case.number, "scale_min": "1", "scale_max": "5"}
            self._answer("工单满意度", "csat", case.account, max(1, score), case.contact, case.owner, facts)

    def _reopened(self, case: Case) -> None:
        case.reopened += 1
        self._pen.case_moved(case, "reopened")
        agenda = self._side.agenda
        agenda.at(agenda.now + 7200 + self._chance.below(2 * 86_400), self._solved, case)

    def _campaign(self) -> None:
        side, chance, words = self._side, self._chance, self._words
        name = chance.pick(words["campaign_names"])
        owner = next(user for user in side.users if user.active)
        # Only leads that are over, and not gone: the others may be deleted, and nobody refers to what is gone.
        leads: list[Lead | Contact] = [
            lead for lead in side.leads[-300:] if lead.over and lead.id not in side.away
        ]
        customers = [account for account in side.accounts[-400:] if account.contacts]
        reached = [chance.pick(leads) for _ in range(8) if leads]
        reached += [chance.pick(chance.pick(customers).contacts) for _ in range(8) if customers]
        kind = chance.below(len(words["campaign_kinds"][side.crm]))
        cost = (5 + chance.below(40)) * 100_000
        self._pen.campaign(
            f"{name}{side.agenda.today - _FIRST:03d}", kind, owner, cost, list(dict.fromkeys(reached))
        )

    def _survey(self) -> None:
        """Every quarter some customers say whether they would recommend us."""
        buyers = [account for account in self._side.accounts if account.buyer and account.contacts]
        for account in buyers[: 3 + self._plan // 100]:
            score = max(0, 10 - self._chance.below(4) - self._chance.below(4))
            contact = self._chance.pick(account.contacts)
            facts = {"scale_min": "0", "scale_max": "10"}
            self._answer("客户推荐意愿", "nps", account, score, contact, account.owner, facts)

    def _answer(
        self, survey: str, kind: str, account: Account, score: int, contact: Contact, owner: User, facts: dict[str, Any]
    ) -> None:  # fmt: skip
        self._asked += 1
        who = self._office.who(owner)
        self._office.write(
            "survey_responses", survey=survey, response_no=f"{self._side.crm[0].upper()}{self._asked:05d}", kind=kind,
            **self._office.of(account), answered_on=self._office.today(), score=str(score),
            respondent=contact.surname + contact.given, owner=who["name"], owner_id=who["number"], **facts,
        )  # fmt: skip
