"""Fxiaoke's words for the paper work: an object for each kind of paper, options by their labels."""

from __future__ import annotations

from typing import Any

from sandbox.company.books.papers import Case, Instalment, Paper, year_after
from sandbox.company.books.pen import Changes, Pen
from sandbox.company.clock import day_text, office_iso
from sandbox.company.dialects.base import mobile, money
from sandbox.company.dialects.fxiaoke import department
from sandbox.company.records import Account, Contact, Deal, Lead, User

STATUSES = ("已确认", "已发货", "已收货", "已作废")


class FxiaokePen(Pen):
    """Ids are 24 hexadecimal digits that begin with the time of creation."""

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self._parts: dict[str, set[str]] = {}  # receipt → the lines of it that are there
        self._receipt_of: dict[str, str] = {}
        self._rivals: list[str] = []
        self._fights: dict[str, str] = {}
        self._running: list[tuple[str, int, User, int]] = []

    def mint(self) -> str:
        self._serial += 1
        return f"{self._side.agenda.now:08x}b00c0000{self._serial:08x}"

    def begin(self) -> None:
        for name in self._side.dialect.words["competitors"]:
            id = self.mint()
            changes = {
                "name": name,
                "competitor_level": "主要",
                "advantage": "价格低",
                "weaknesses": "交付慢",
            }
            self._side.created("competitor_obj", id, self._side.admin, changes | {"life_status": "正常"})
            self._rivals.append(id)

    def quote(self, paper: Paper) -> None:
        deal = paper.deal
        changes = {
            **self._of(deal, paper.number), "quote_time": day_text(paper.day), "quote_amount": money(paper.total),
            "discount": 100,
        }  # fmt: skip
        self.wrote("quote_obj", paper.id, deal, deal.owner, changes)
        for line in paper.lines:
            listed = max(line.listed, line.total)
            self._line("quote_lines_obj", paper, {
                "quote_id": paper.id, "product_id": line.product.id, "quantity": line.quantity,
                "price": money(listed // line.quantity), "discount": line.total * 100 // listed,
                "selling_price": money(line.total // line.quantity), "total_amount": money(line.total),
            })  # fmt: skip

    def quote_ended(self, quote: Paper, *, won: bool) -> None:
        """A quote has no status of its own here; its discount is written anew."""
        self.rewrote("quote_obj", quote.id, quote.deal.owner, {"discount": 100 if won else 95})

    def contract(self, paper: Paper, renewed: Paper | None) -> None:
        there = renewed and renewed.id not in self._side.away
        changes = {
            **self._of(paper.deal, paper.number), "contract_amount": money(paper.total),
            "sign_time": day_text(paper.day), "start_time": day_text(paper.day), "end_time": year_after(paper.day),
            "contract_status": "执行中", "renewed_from_id": renewed.id if renewed and there else None,
        }  # fmt: skip
        self.wrote("sale_contract_obj", paper.id, paper.deal, paper.deal.owner, changes)

    def order(self, paper: Paper, quote: Paper | None, contract: Paper | None, delivery: int) -> None:
        deal = paper.deal
        changes = {
            **self._of(deal, paper.number), "quote_id": quote.id if quote else None,
            "sale_contract_id": contract.id if contract else None, "order_time": day_text(paper.day),
            "delivery_date": day_text(delivery), "order_amount": money(paper.total),
            "product_amount": money(paper.total), "discount": 100, "order_status": STATUSES[0],
            "payment_amount": 0.0, "receivable_amount": money(paper.total),
        }  # fmt: skip
        self.wrote("sales_order_obj", paper.id, deal, deal.owner, changes)
        for line in paper.lines:
            listed = max(line.listed, line.total)
            self._line("sales_order_product_obj", paper, {
                "order_id": paper.id, "product_id": line.product.id, "quantity": line.quantity,
                "product_price": money(listed // line.quantity), "discount": line.total * 100 // listed,
                "sales_price": money(line.total // line.quantity), "subtotal": money(line.total),
            })  # fmt: skip

    def order_moved(self, order: Paper, status: int) -> None:
        changes: Changes = {"order_status": STATUSES[status]}
        if status == 2:
            changes["delivered_amount_sum"] = money(order.total)
        self.rewrote("sales_order_obj", order.id, order.deal.owner, changes)

    def invoice(self, paper: Paper, order: Paper, share: int) -> None:
        changes = {
            **self._of(paper.deal, paper.number, deal_too=False), "order_id": order.id,
            "invoice_applied_amount": money(paper.total), "invoice_date": day_text(paper.day),
            "invoice_no": f"{paper.day}{self._serial:06d}", "invoice_type": "增值税专用发票", "status": "已开票",
        }  # fmt: skip
        self.wrote("invoice_application_obj", paper.id, paper.deal, paper.deal.owner, changes)

    def plan(self, part: Instalment) -> None:
        changes = {
            **self._of(part.order.deal, f"JH{self.number('JH'):06d}", deal_too=False), "order_id": part.order.id,
            "plan_payment_amount": money(part.amount), "plan_payment_time": day_text(part.due),
            "plan_payment_method": "银行转账", "plan_payment_status": "未回款", "actual_payment_amount": 0.0,
        }  # fmt: skip
        self.wrote("payment_plan_obj", part.id, part.order.deal, part.order.deal.owner, changes)

    def receipt(self, number: str, parts: list[tuple[Instalment, int]], method: str) -> str:
        deal, today = parts[0][0].order.deal, day_text(self._side.agenda.today)
        header, total = self.mint(), money(sum(cents for _, cents in parts))
        changes = {
            **self._of(deal, number, deal_too=False), "payment_time": today, "amount": total, "payment_term": method,
        }  # fmt: skip
        self.wrote("payment_obj", header, None, deal.owner, changes)
        self._parts[header] = set()
        for part, cents in parts:
            order, line = part.order, self.mint()
            self._parts[header].add(line)
            self._receipt_of[line] = header
            self.wrote("order_payment_obj", line, order.deal, order.deal.owner, {
                "name": f"MX{self.number('MX'):06d}", "payment_id": header, "account_id": order.account.id,
                "order_id": order.id, "payment_plan_id": part.id, "payment_amount": money(cents),
                "payment_time": today, "owner": order.deal.owner.id, "life_status": "正常",
            })  # fmt: skip
            whole = part.paid >= part.amount
            self.rewrote("payment_plan_obj", part.id, order.deal.owner, {
                "actual_payment_amount": money(part.paid), "plan_payment_status": "已回款" if whole else "部分回款",
            })  # fmt: skip
            left = max(0, order.total - order.paid)
            self.rewrote("sales_order_obj", order.id, order.deal.owner, {
                "payment_amount": money(order.paid), "receivable_amount": money(left),
            })  # fmt: skip
        return header

    def refund(self, order: Paper, receipt: str, amount: int) -> None:
        deal = order.deal
        changes = {
            **self._of(deal, f"TK{self.number('TK'):06d}", deal_too=False), "order_id": order.id,
            "payment_id": receipt, "refunded_amount": money(amount),
            "refunded_time": day_text(self._side.agenda.today), "refund_reason": "数量变更",
        }  # fmt: skip
        self.wrote("refund_obj", self.mint(), deal, deal.owner, changes)

    def drop(self, entity: str, id: str) -> None:
        """A receipt goes with the last of its lines."""
        super().drop(entity, id)
        if header := self._receipt_of.pop(id, ""):
            self._parts[header].discard(id)
            if not self._parts[header]:
                super().drop("payment_obj", header)

    def follow_up(self, account: Account, deal: Deal | None, contact: Contact | None, dice: int) -> str:
        words, id = self._words["follow_ups"], self.mint()
        kind = words["kinds"][dice % len(words["kinds"])]
        changes = {
            "name": f"XS{self.number('XS'):06d}", "account_id": account.id,
            "new_opportunity_id": deal.id if deal else None, "active_record_type": "跟进", "interactive_types": kind,
            "interactive_scenario": "日常沟通", "active_record_content": words["notes"][dice % len(words["notes"])],
            "owner": account.owner.id, "owner_department": department(account.owner), "life_status": "正常",
        }  # fmt: skip
        self.wrote("active_record_obj", id, deal, account.owner, changes)
        return id

    def visit(self, account: Account, deal: Deal | None, contact: Contact | None, *, real: bool) -> str:
        agenda, id, words = self._side.agenda, self.mint(), self._words["visits"]
        changes = {
            "name": f"WQ{self.number('WQ'):06d}", "customer_id": account.id,
            "new_opportunity_id": deal.id if deal else None, "checkins_scene": words["scenes"][self._serial % 3],
            "new_stat_date": day_text(agenda.today), "checkin_status": "未签到", "owner": account.owner.id,
            "owner_department": department(account.owner), "life_status": "正常",
        }  # fmt: skip
        self.wrote("checkins_obj", id, deal, account.owner, changes)
        if real:
            agenda.at(agenda.now + 4000, self._check_in, id, account, self._serial)
        return id

    def _check_in(self, id: str, account: Account, dice: int) -> None:
        """Now and then the telephone was far from the customer."""
        now, city = self._side.agenda.now, account.party.place[1]
        metres = dice * 17 % 280 + (5000 if dice % 12 == 0 else 0)
        changes = {
            "checkin_time": office_iso(now - 2700), "checkout_time": office_iso(now), "checkin_status": "已签退",
            "checkin_address": f"{city}开发区{account.number % 300}号", "checkin_distance": metres,
            "communicate_record": self._words["visits"]["notes"][dice % 3],
        }  # fmt: skip
        self.rewrote("checkins_obj", id, account.owner, changes)

    def chore(self, account: Account, deal: Deal | None, contact: Contact | None) -> str | None:
        """Schedules are not read."""
        return None

    def case(self, case: Case) -> None:
        changes = {
            "name": case.number, "account_id": case.account.id, "contact_id": case.contact.id,
            "product_id": case.product.id, "case_type": case.kind, "priority": case.priority,
            "case_status": "待处理", "case_source": case.origin, "reopen_count": 0, "content": case.subject,
            "owner": case.owner.id, "life_status": "正常",
        }  # fmt: skip
        self.wrote("cases_obj", case.id, None, case.owner, changes)

    def case_moved(self, case: Case, step: str) -> None:
        now = office_iso(self._side.agenda.now)
        changes: Changes = {
            "answered": {"case_status": "处理中", "first_response_time": now},
            "solved": {"case_status": "已完成", "solved_time": now, "closed_time": now},
            "reopened": {
                "case_status": "处理中", "reopen_count": case.reopened, "solved_time": None, "closed_time": None,
            },
        }[step]  # fmt: skip
        self.rewrote("cases_obj", case.id, case.owner, changes)

    def campaign(self, name: str, kind: int, owner: User, cost: int, reached: list[Lead | Contact]) -> None:
        id, now, today = self.mint(), self._side.agenda.now, self._side.agenda.today
        changes = {
            "name": name, "event_type": self._words["campaign_kinds"]["fxiaoke"][kind], "biz_status": "未开始",
            "begin_time": office_iso(now), "end_time": office_iso(now + 20 * 86_400), "expected_cost": money(cost),
            "expected_income": money(cost * 8), "location": "线上", "owner": owner.id, "life_status": "正常",
            "mc_currency": "CNY", "mc_exchange_rate": 1,
        }  # fmt: skip
        self.wrote("marketing_event_obj", id, None, owner, changes)
        self._running.append((id, today + 20, owner, cost))
        for person in reached:
            lead = isinstance(person, Lead)
            self.wrote("campaign_members_obj", self.mint(), None, owner, {
                "name": person.surname + person.given, "marketing_event_id": id,
                "campaign_members_type": "销售线索" if lead else "联系人", "leads_id": person.id if lead else None,
                "contact_id": None if lead else person.id,
                "account_id": person.account.id if isinstance(person, Contact) else None,
                "campaign_members_status": "已邀约", "phone": mobile(person.number),
                "email": f"m{person.number}@member.example", "owner": owner.id, "life_status": "正常",
            })  # fmt: skip

    def campaigns_over(self) -> None:
        for id, day, owner, cost in [one for one in self._running if one[1] < self._side.agenda.today]:
            changes = {"biz_status": "已结束", "actual_cost": money(cost * (90 + day % 25) // 100)}
            self.rewrote("marketing_event_obj", id, owner, changes)
            self._running.remove((id, day, owner, cost))

    def fought(self, deal: Deal, competitor: int, price: int) -> None:
        id = self._fights[deal.id] = self.mint()
        changes = {
            **self._of(deal, f"JP{self.number('JP'):06d}"), "competitor_id": self._rivals[competitor],
            "advantage": "价格低", "weaknesses": "没有本地服务", "quotation_amount": money(price), "is_win": False,
        }  # fmt: skip
        self.wrote(
            "competitive_lines_obj",
            id,
            deal,
            deal.owner,
            {k: v for k, v in changes.items() if k != "account_id"},
        )

    def fight_ended(self, deal: Deal, *, won: bool) -> None:
        """is_win: whether the competitor won."""
        self.rewrote("competitive_lines_obj", self._fights.pop(deal.id, ""), deal.owner, {"is_win": not won})

    def rewrote(self, entity: str, id: str, by: User, changes: Changes) -> None:
        if id:
            super().rewrote(entity, id, by, changes)

    def _of(self, deal: Deal, number: str, *, deal_too: bool = True) -> Changes:
        of: Changes = {"new_opportunity_id": deal.id} if deal_too else {}
        return of | {
            "name": number, "account_id": deal.account.id, "owner": deal.owner.id,
            "owner_department": department(deal.owner), "life_status": "正常", "mc_currency": deal.currency,
            "mc_exchange_rate": deal.rate,
        }  # fmt: skip

    def _line(self, entity: str, paper: Paper, changes: Changes) -> None:
        id = self.mint()
        name = f"{paper.number}-{len(paper.line_ids) + 1}"
        self.wrote(entity, id, paper.deal, paper.deal.owner, {"name": name, **changes, "life_status": "正常"})
        paper.line_ids.append(id)
