"""Zoho CRM's words (https://www.zoho.com/crm/developer/docs/api/v8/modules-api.html and the tenant's own)."""

from __future__ import annotations

from sandbox.company.chance import Chance
from sandbox.company.clock import day_text, local_day, office_iso
from sandbox.company.dialects.base import Changes, Dialect, expected, mobile, money
from sandbox.company.parties import credit_code
from sandbox.company.records import Account, Contact, Deal, Lead, Product, User

_SEGMENTS = {
    "Customer": "大客户",
    "Prospect": "中小企业客户",
    "Partner": "中小企业客户",
    "Reseller": "个人客户",
}
_ROLES = {"director": "销售总监", "manager": "销售经理", "rep": "销售代表"}
_PROFILES = ("Administrator", "Standard")


class Zoho(Dialect):
    """Ids are 18 digits, one sequence for all modules, as in a real organisation."""

    crm = "zoho"

    def mint(self, serial: int, time: int) -> str:
        return str(554_023_000_000_000_000 + serial * 7)

    def founding(self) -> list[tuple[str, str, Changes]]:
        names = [("profiles", name) for name in _PROFILES]
        names += [
            ("roles", f"{region['name']}{role}")
            for region in self.words["regions"]
            for role in _ROLES.values()
        ]
        self._ids = {name: self.mint(100 + i, 0) for i, (_, name) in enumerate(names)}
        return [(entity, self._ids[name], {"name": name}) for entity, name in names]

    def user(self, user: User) -> Changes:
        return {
            "full_name": user.name, "last_name": user.surname, "first_name": user.given,
            "email": f"user{user.number:04d}@corp.example",
            "role": self._ids[user.region.name + _ROLES[user.position]],
            "profile": self._ids[_PROFILES[user.position != "director"]],
            "Reporting_To": user.leader.id if user.leader else None,
            "status": "active", "country": "China", "state": user.region.name, "city": user.place[1],
            "time_zone": "Asia/Shanghai",
        }  # fmt: skip

    def left(self, user: User) -> Changes:
        return {"status": "deleted" if user.number % 2 else "disabled"}

    def product(self, product: Product) -> Changes:
        return {
            "Product_Name": product.name, "Product_Code": product.code, "Product_Category": product.line,
            "Unit_Price": money(product.price_cents), "Product_Active": True,
        }  # fmt: skip

    def priced(self, product: Product) -> Changes:
        return {"Unit_Price": money(product.price_cents)}

    def account(self, account: Account) -> Changes:
        party = account.party
        province, city, _, _ = party.place
        return {
            "Account_Name": account.name, "Owner": account.owner.id, "Account_Type": account.kind,
            "Account_Number": str(account.number), "Industry": party.industry_en, "Rating": account.rating,
            "Annual_Revenue": money(party.revenue_cents), "Employees": party.staff,
            "Phone": f"0{party.place[3][:2]}-8000{account.number % 10_000:04d}",
            "Website": f"www.c{party.number}.example",
            "Billing_Country": "中国", "Billing_State": province, "Billing_City": city,
            "Billing_Code": party.place[3], "Credit_Code": credit_code(party) if party.number % 5 else None,
            "Region": party.region.name, "Customer_Segment": _SEGMENTS[account.kind],
            "Source_Channel": account.source, "_party": party.number,
        }  # fmt: skip

    def account_touched(self, account: Account, chance: Chance) -> Changes:
        account.rating = chance.pick(self.sales["ratings"])
        return {"Rating": account.rating, "Employees": account.party.staff + chance.below(50)}

    def account_handed(self, account: Account) -> Changes:
        return {"Owner": account.owner.id}

    def contact(self, contact: Contact) -> Changes:
        return {
            "First_Name": contact.given, "Last_Name": contact.surname,
            "Full_Name": contact.surname + contact.given, "Account_Name": contact.account.id,
            "Owner": contact.account.owner.id, "Email": f"c{contact.number}@customer.example",
            "Phone": contact.account.party.place[3] + f"{contact.number % 10_000:04d}",
            "Mobile": mobile(contact.number), "Title": contact.title, "Department": contact.department,
            "Lead_Source": contact.account.source,
        }  # fmt: skip

    def contact_touched(self, contact: Contact, chance: Chance) -> Changes:
        contact.title = chance.pick(self.words["titles"])
        return {"Title": contact.title, "Department": chance.pick(self.words["departments"])}

    def lead(self, lead: Lead) -> Changes:
        return {
            "First_Name": lead.given, "Last_Name": lead.surname, "Full_Name": lead.surname + lead.given,
            "Company": lead.party.short + lead.party.trade, "Owner": lead.owner.id,
            "Email": f"l{lead.number}@lead.example", "Mobile": mobile(lead.number),
            "Phone": f"0{lead.party.place[3][:2]}-7000{lead.number % 10_000:04d}",
            "Lead_Source": lead.source, "Lead_Status": lead.status, "Industry": lead.party.industry_en,
            "Converted__s": False,
        }  # fmt: skip

    def lead_moved(self, lead: Lead) -> Changes:
        return {"Lead_Status": lead.status}

    def lead_converted(
        self, lead: Lead, time: int, account: Account, contact: Contact, deal: Deal | None
    ) -> Changes:
        return {
            "Lead_Status": lead.status, "Converted__s": True, "Converted_Date_Time": office_iso(time),
            "Converted_Account": account.id, "Converted_Contact": contact.id,
            "Converted_Deal": deal.id if deal else None,
        }  # fmt: skip

    def deal(self, deal: Deal, chance: Chance, time: int) -> Changes:
        party = deal.account.party
        changes = {
            "Deal_Name": deal.name, "Account_Name": deal.account.id, "Owner": deal.owner.id,
            "Contact_Name": deal.contact.id if deal.contact else None, "Product": deal.product.id,
            "Pipeline": deal.pipeline, "Stage": deal.stage_name, "Probability": deal.probability,
            "Closing_Date": day_text(deal.closing_day), "Lead_Source": deal.source,
            "Type": "Existing Business" if deal.account.deals > 1 else "New Business",
            "Currency": deal.currency or "CNY", "Exchange_Rate": deal.rate, "Region": party.region.name,
            "Sales_Channel": chance.pick(self.words["channels"]),
            "Customer_Segment": _SEGMENTS[deal.account.kind], "Key_Account": deal.account.kind == "Customer",
            "Contract_Number": f"D{deal.number:07d}", "Last_Activity_Time": office_iso(time),
        }  # fmt: skip
        if deal.amount_cents:
            changes["Amount"], changes["Expected_Revenue"] = money(deal.amount_cents), expected(deal)
            changes["Budget"] = money(deal.amount_cents // 900 * 1000)
        if chance.percent(30):
            changes["Description"] = chance.pick(self.words["descriptions"])
        if chance.percent(40):
            first = chance.below(3)
            changes["Competitors"] = self.words["competitors"][first : first + 2]
        return changes

    def deal_moved(self, deal: Deal, chance: Chance, time: int) -> Changes:
        changes: Changes = {"Stage": deal.stage_name, "Probability": deal.probability}
        if deal.amount_cents:
            changes["Expected_Revenue"] = expected(deal)
        if deal.stage < 0:
            changes["Closing_Date"] = day_text(deal.closing_day)
            changes["Overall_Sales_Duration"] = local_day(time) - local_day(deal.opened)
            if deal.probability == 0:
                changes["Reason_For_Loss__s"] = chance.pick(self.sales["loss_reasons"])
        return changes

    def deal_reopened(self, deal: Deal) -> Changes:
        return {
            "Stage": deal.stage_name, "Probability": deal.probability, "Reason_For_Loss__s": None,
            "Overall_Sales_Duration": None, "Closing_Date": day_text(deal.closing_day),
            "Expected_Revenue": expected(deal) if deal.amount_cents else None,
        }  # fmt: skip

    def deal_worth(self, deal: Deal) -> Changes:
        return {"Amount": money(deal.amount_cents), "Expected_Revenue": expected(deal)}

    def deal_due(self, deal: Deal) -> Changes:
        return {"Closing_Date": day_text(deal.closing_day)}

    def deal_noted(self, deal: Deal, chance: Chance, time: int) -> Changes:
        return {"Next_Step": chance.pick(self.words["next_steps"]), "Last_Activity_Time": office_iso(time)}

    def deal_handed(self, deal: Deal) -> Changes:
        return {"Owner": deal.owner.id}

    def reviewed(self, quarter: str) -> Changes:
        return {"Review_Round": quarter}
