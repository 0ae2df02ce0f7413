"""Zoho's words for the paper work. What it has no module for (contracts, plans, receipts) goes to the office."""

from __future__ import annotations

from typing import Any

from sandbox.company.books.office import money_row
from sandbox.company.books.papers import Case, Instalment, Line, Paper, year_after
from sandbox.company.books.pen import Changes, Pen
from sandbox.company.clock import day_text, office_iso
from sandbox.company.dialects.base import mobile, money
from sandbox.company.records import Account, Contact, Deal, Lead, User

STATUSES = ("Created", "Approved", "Delivered", "Cancelled")
_METHODS = {"银行转账": "transfer", "承兑汇票": "bill", "在线支付": "online"}


class ZohoPen(Pen):
    """Ids are 18 digits, in a range of their own."""

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self._plans: dict[str, str] = {}  # part of an order → its row
        self._orders: dict[str, tuple[str, str]] = {}  # order → its number, and that of its contract
        self._running: list[tuple[str, int, User, int]] = []

    def mint(self) -> str:
        self._serial += 1
        return str(554_023_700_000_000_000 + self._serial * 3)

    def begin(self) -> None:
        """Nothing: competitors are names on a deal here."""

    def fought(self, deal: Deal, competitor: int, price: int) -> None:
        """Nothing: the deal itself says so."""

    def fight_ended(self, deal: Deal, *, won: bool) -> None:
        """Nothing: who won is not told."""

    def quote(self, paper: Paper) -> None:
        deal = paper.deal
        changes = {
            "Quote_Number": paper.number, "Subject": f"{deal.name}报价", **self._of(deal), **_sums(paper.total),
            "Quote_Stage": "Delivered", "Valid_Till": day_text(paper.day + 30),
        }  # fmt: skip
        self.wrote("quotes", paper.id, deal, deal.owner, changes)
        self._lines("quoted_items", paper)

    def quote_ended(self, quote: Paper, *, won: bool) -> None:
        stage = "Closed Won" if won else "Closed Lost"
        self.rewrote("quotes", quote.id, quote.deal.owner, {"Quote_Stage": stage})

    def contract(self, paper: Paper, renewed: Paper | None) -> None:
        who = self._office.who(paper.deal.owner)
        self._office.write(
            "contracts", contract_no=paper.number, title=paper.deal.name, **self._office.of(paper.account),
            status="signed", signed_on=day_text(paper.day), starts_on=day_text(paper.day),
            ends_on=year_after(paper.day),
            renewal_of=renewed.number if renewed else None, owner=who["name"], owner_id=who["number"],
            **money_row(paper, paper.total),
        )  # fmt: skip

    def order(self, paper: Paper, quote: Paper | None, contract: Paper | None, delivery: int) -> None:
        deal = paper.deal
        self._orders[paper.id] = (paper.number, contract.number if contract else "")
        changes = {
            "SO_Number": paper.number, "Subject": f"{deal.name}订单", **self._of(deal), **_sums(paper.total),
            "Quote_Name": quote.id if quote else None, "Status": STATUSES[0], "Due_Date": day_text(delivery),
            "Purchase_Order": f"PO{deal.number:06d}" if deal.number % 2 else None,
        }  # fmt: skip
        self.wrote("sales_orders", paper.id, deal, deal.owner, changes)
        self._lines("ordered_items", paper)

    def order_moved(self, order: Paper, status: int) -> None:
        self.rewrote("sales_orders", order.id, order.deal.owner, {"Status": STATUSES[status]})

    def invoice(self, paper: Paper, order: Paper, share: int) -> None:
        deal = paper.deal
        of = {name: value for name, value in self._of(deal).items() if name != "Deal_Name"}
        changes = {
            "Invoice_Number": paper.number, "Subject": f"{deal.name}发票", **of, **_sums(paper.total),
            "Sales_Order": order.id, "Invoice_Date": day_text(paper.day), "Due_Date": day_text(paper.day + 10),
            "Status": "Approved",
        }  # fmt: skip
        self.wrote("invoices", paper.id, deal, deal.owner, changes)
        paper.lines = [Line(order.lines[0].product, 1, paper.total)]
        self._lines("invoiced_items", paper)

    def plan(self, part: Instalment) -> None:
        number, contract = self._orders[part.order.id]
        self._plans[part.id] = self._office.write(
            "payment_plans", **self._office.of(part.order.account), contract_no=contract or None, order_no=number,
            instalment=part.number, status="planned", due_on=day_text(part.due), **money_row(part.order, part.amount),
        )  # fmt: skip

    def receipt(self, number: str, parts: list[tuple[Instalment, int]], method: str) -> str:
        for part, cents in parts:
            self._paid(number, part.order, cents, "receipt", method)
        return number

    def refund(self, order: Paper, receipt: str, amount: int) -> None:
        self._paid(f"TK{receipt[2:]}", order, amount, "refund", "银行转账")

    def _paid(self, number: str, order: Paper, cents: int, kind: str, method: str) -> None:
        order_no, contract = self._orders[order.id]
        who = self._office.who(order.deal.owner)
        self._office.write(
            "receipts", receipt_no=number, **self._office.of(order.account), order_no=order_no,
            contract_no=contract or None, kind=kind, paid_on=self._office.today(), method=_METHODS[method],
            owner=who["name"], owner_id=who["number"], **money_row(order, cents),
        )  # fmt: skip

    def follow_up(self, account: Account, deal: Deal | None, contact: Contact | None, dice: int) -> str:
        words, id, seconds = self._words["calls"], self.mint(), 20 + dice * 7 % 1700
        changes = {
            "Subject": f"致电{account.party.short}", **self._about(account, deal, contact),
            "Call_Type": "Inbound" if dice % 4 == 0 else "Outbound",
            "Call_Purpose": words["purposes"][dice % len(words["purposes"])],
            "Call_Start_Time": office_iso(self._side.agenda.now - seconds), "Call_Duration_in_seconds": seconds,
            "Call_Duration": f"{seconds // 60:02d}:{seconds % 60:02d}",
            "Call_Result": words["results"][dice % len(words["results"])], "Outgoing_Call_Status": "Completed",
            "Dialled_Number": mobile(contact.number) if contact else None,
        }  # fmt: skip
        self.wrote("calls", id, deal, account.owner, changes)
        return id

    def visit(self, account: Account, deal: Deal | None, contact: Contact | None, *, real: bool) -> str:
        agenda, id = self._side.agenda, self.mint()
        begin = agenda.now + 3600
        changes: Changes = {
            "Event_Title": f"拜访{account.party.short}", **self._about(account, deal, contact),
            "Start_DateTime": office_iso(begin), "End_DateTime": office_iso(begin + 5400), "All_day": False,
            "Venue": account.party.place[1], "Check_In_Status": "PLANNED",
        }  # fmt: skip
        self.wrote("events", id, deal, account.owner, changes)
        if real:
            agenda.at(begin + 600, self._check_in, id, account)
        return id

    def _check_in(self, id: str, account: Account) -> None:
        province, city, short, area = account.party.place
        now, number = self._side.agenda.now, account.number
        changes = {
            "Check_In_Time": office_iso(now), "Check_In_By": account.owner.id, "Check_In_Status": "CHECKED IN",
            "Check_In_Country": "中国", "Check_In_State": province, "Check_In_City": city,
            "Check_In_Sub_Locality": f"{short}开发区", "Check_In_Address": f"{city}{short}路{number % 300}号",
            "ZIP_Code": area, "Latitude": 22 + number * 37 % 18_000 / 1000,
            "Longitude": 102 + number * 53 % 19_000 / 1000,
            "Check_In_Comment": self._words["visits"]["notes"][number % 3],
        }  # fmt: skip
        self.rewrote("events", id, account.owner, changes)

    def chore(self, account: Account, deal: Deal | None, contact: Contact | None) -> str | None:
        id, now = self.mint(), self._side.agenda
        subjects = self._words["task_subjects"]
        changes = {
            "Subject": subjects[self._serial % len(subjects)], **self._about(account, deal, contact),
            "Due_Date": day_text(now.today + 7), "Status": "Not Started",
            "Priority": ("High", "Normal", "Low")[self._serial % 3],
        }  # fmt: skip
        self.wrote("tasks", id, deal, account.owner, changes)
        if self._serial % 5:
            now.at(now.now + 86_400 * (1 + self._serial % 12), self._done, id, account)
        return id

    def _done(self, id: str, account: Account) -> None:
        changes = {"Status": "Completed", "Closed_Time": office_iso(self._side.agenda.now)}
        self.rewrote("tasks", id, account.owner, changes)

    def case(self, case: Case) -> None:
        contact = case.contact
        changes = {
            "Case_Number": case.number, "Subject": case.subject, "Type": case.kind, "Status": "New",
            "Priority": case.priority, "Case_Origin": case.origin, "Case_Reason": "User did not attend any training",
            "Account_Name": case.account.id, "Product_Name": case.product.id, "Related_To": contact.id,
            "Reported_By": contact.surname + contact.given, "Email": f"c{contact.number}@customer.example",
            "Phone": mobile(contact.number), "Owner": case.owner.id,
        }  # fmt: skip
        self.wrote("cases", case.id, None, case.owner, changes)

    def case_moved(self, case: Case, step: str) -> None:
        changes = {
            "answered": {"Status": "On Hold"}, "reopened": {"Status": "Escalated"},
            "solved": {"Status": "Closed", "Solution": "已远程处理，并更换备件。"},
        }[step]  # fmt: skip
        self.rewrote("cases", case.id, case.owner, changes)

    def campaign(self, name: str, kind: int, owner: User, cost: int, reached: list[Lead | Contact]) -> None:
        id, today = self.mint(), self._side.agenda.today
        changes = {
            "Campaign_Name": name, "Owner": owner.id, "Type": self._words["campaign_kinds"]["zoho"][kind],
            "Status": "Planning", "Start_Date": day_text(today), "End_Date": day_text(today + 20),
            "Num_sent": str(10 * len(reached)), "Expected_Response": str(len(reached)), "Budgeted_Cost": money(cost),
            "Expected_Revenue": money(cost * 8), "Currency": "CNY", "Exchange_Rate": 1,
        }  # fmt: skip
        self.wrote("campaigns", id, None, owner, changes)
        self._running.append((id, today + 20, owner, cost))

    def campaigns_over(self) -> None:
        over = [one for one in self._running if one[1] < self._side.agenda.today]
        for id, day, owner, cost in over:
            changes = {"Status": "Complete", "Actual_Cost": money(cost * (90 + day % 25) // 100)}
            self.rewrote("campaigns", id, owner, changes)
            self._running.remove((id, day, owner, cost))

    def _of(self, deal: Deal) -> Changes:
        return {
            "Deal_Name": deal.id, "Account_Name": deal.account.id, "Owner": deal.owner.id,
            "Contact_Name": deal.contact.id if deal.contact else None, "Currency": deal.currency,
            "Exchange_Rate": deal.rate,
        }  # fmt: skip

    @staticmethod
    def _about(account: Account, deal: Deal | None, contact: Contact | None) -> Changes:
        return {
            "Owner": account.owner.id, "What_Id": deal.id if deal else account.id,
            "Who_Id": contact.id if contact else None,
        }  # fmt: skip

    def _lines(self, entity: str, paper: Paper) -> None:
        for number, line in enumerate(paper.lines, 1):
            id, listed = self.mint(), max(line.listed, line.total)
            changes = {
                "Parent_Id": paper.id, "Product_Name": line.product.id, "Sequence_Number": number,
                "Quantity": float(line.quantity), "List_Price": money(listed // line.quantity),
                "Total": money(listed), "Discount": money(listed - line.total),
                "Total_After_Discount": money(line.total), "Tax": 0.0, "Net_Total": money(line.total),
                "Description": line.product.name,
            }  # fmt: skip
            self.wrote(entity, id, paper.deal, paper.deal.owner, changes)
            paper.line_ids.append(id)


def _sums(total: int) -> Changes:
    return {
        "Sub_Total": money(total), "Discount": 0.0, "Tax": 0.0, "Adjustment": 0.0, "Grand_Total": money(total),
    }  # fmt: skip
