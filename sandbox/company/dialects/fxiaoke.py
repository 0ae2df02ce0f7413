"""Fxiaoke's words: field api names of its objects, options by their labels (exports show labels)."""

from __future__ import annotations

from sandbox.company.chance import Chance
from sandbox.company.clock import day_text, office_iso
from sandbox.company.dialects.base import Changes, Dialect, mobile, money
from sandbox.company.parties import credit_code
from sandbox.company.records import Account, Contact, Deal, Lead, Product, User

COMPANY = "999999"  # the id of the department that is the whole company
_POSITIONS = {"director": "销售总监", "manager": "销售经理", "rep": "销售代表"}


class Fxiaoke(Dialect):
    """Ids are 24 hexadecimal digits that begin with the time of creation."""

    crm = "fxiaoke"

    def mint(self, serial: int, time: int) -> str:
        return f"{time:08x}c0ffee0000{serial:06x}"

    def founding(self) -> list[tuple[str, str, Changes]]:
        """The tree of departments: the company, and a department per region."""
        tree = [("departments", COMPANY, {"name": "全公司", "parent_id": None, "status": "启用"})]
        regions = (region["name"] for region in self.words["regions"])
        return tree + [
            ("departments", str(1001 + i), {"name": name, "parent_id": COMPANY, "status": "启用"})
            for i, name in enumerate(regions)
        ]

    def user(self, user: User) -> Changes:
        return {
            "name": user.name, "full_name": user.name, "employee_number": f"E{user.number:04d}",
            "leader": user.leader.id if user.leader else None, "main_department": department(user),
            "position": _POSITIONS[user.position], "status": "启用",
        }  # fmt: skip

    def left(self, user: User) -> Changes:
        return {"status": "停用"}

    def product(self, product: Product) -> Changes:
        return {
            "name": product.name, "product_code": product.code, "product_line": product.line,
            "category": product.line, "unit": "项" if product.line == "服务" else "套",
            "price": money(product.price_cents), "life_status": "正常",
        }  # fmt: skip

    def priced(self, product: Product) -> Changes:
        return {"price": money(product.price_cents)}

    def account(self, account: Account) -> Changes:
        party = account.party
        province, city, _, area = party.place
        return {
            "name": account.name, "account_no": f"KH{account.number:06d}", "account_level": account.rating,
            "account_type": account.kind, "account_source": account.source, "industry_level1": party.industry,
            "uniform_social_credit_code": credit_code(party) if party.number % 3 else None,
            "deal_status": "未成交", "owner": account.owner.id, "owner_department": department(account.owner),
            "country": "中国", "province": province, "city": city,
            "tel": f"0{area[:2]}-8000{account.number % 10_000:04d}", "url": f"www.c{party.number}.example",
            "annual_revenue": money(party.revenue_cents), "employee_count": party.staff, "life_status": "正常",
            "_party": party.number,
        }  # fmt: skip

    def account_touched(self, account: Account, chance: Chance) -> Changes:
        account.rating = chance.pick(self.sales["ratings"])
        return {"account_level": account.rating}

    def account_handed(self, account: Account) -> Changes:
        return {"owner": account.owner.id, "owner_department": department(account.owner)}

    def account_bought(self) -> Changes:
        return {"deal_status": "已成交"}

    def contact(self, contact: Contact) -> Changes:
        return {
            "name": contact.surname + contact.given, "account_id": contact.account.id,
            "department": contact.department, "job_title": contact.title, "mobile1": mobile(contact.number),
            "tel1": f"0{contact.account.party.place[3][:2]}-6000{contact.number % 10_000:04d}",
            "email": f"c{contact.number}@customer.example", "owner": contact.account.owner.id,
            "life_status": "正常",
        }  # fmt: skip

    def contact_touched(self, contact: Contact, chance: Chance) -> Changes:
        contact.title = chance.pick(self.words["titles"])
        return {"job_title": contact.title}

    def lead(self, lead: Lead) -> Changes:
        return {
            "name": lead.surname + lead.given, "company": lead.party.short + lead.party.trade,
            "mobile": mobile(lead.number), "email": f"l{lead.number}@lead.example",
            "tel": f"0{lead.party.place[3][:2]}-7000{lead.number % 10_000:04d}", "source": lead.source,
            "leads_stage": "MQL", "biz_status": lead.status, "owner": lead.owner.id, "life_status": "正常",
        }  # fmt: skip

    def lead_moved(self, lead: Lead) -> Changes:
        return {"biz_status": lead.status}

    def lead_converted(
        self, lead: Lead, time: int, account: Account, contact: Contact, deal: Deal | None
    ) -> Changes:
        return {"biz_status": lead.status, "leads_stage": "SQL", "transform_time": office_iso(time)}

    def deal(self, deal: Deal, chance: Chance, time: int) -> Changes:
        changes: Changes = {
            "name": deal.name, "account_id": deal.account.id, "product_id": deal.product.id,
            "owner": deal.owner.id, "owner_department": department(deal.owner),
            "sales_process_id": deal.pipeline, "sales_stage": deal.stage_name, "sales_status": "进行中",
            "probability": deal.probability, "close_date": day_text(deal.closing_day), "source": deal.source,
            "record_type": "预设业务类型", "life_status": "正常", "lock_status": "未锁定",
        }  # fmt: skip
        if deal.amount_cents:
            changes["amount"] = money(deal.amount_cents)
        if deal.currency:
            changes |= {"mc_currency": deal.currency, "mc_exchange_rate": deal.rate}
        return changes

    def deal_moved(self, deal: Deal, chance: Chance, time: int) -> Changes:
        changes: Changes = {"sales_stage": deal.stage_name, "probability": deal.probability}
        if deal.stage < 0:
            changes["sales_status"] = deal.stage_name
            changes["actual_close_date"] = day_text(deal.closing_day)
            if deal.probability == 0:
                changes["lost_reason"] = chance.pick(self.sales["loss_reasons"])
        return changes

    def deal_reopened(self, deal: Deal) -> Changes:
        return {
            "sales_stage": deal.stage_name, "probability": deal.probability, "sales_status": "进行中",
            "actual_close_date": None, "lost_reason": None, "close_date": day_text(deal.closing_day),
        }  # fmt: skip

    def deal_worth(self, deal: Deal) -> Changes:
        return {"amount": money(deal.amount_cents)}

    def deal_due(self, deal: Deal) -> Changes:
        return {"close_date": day_text(deal.closing_day)}

    def deal_noted(self, deal: Deal, chance: Chance, time: int) -> Changes:
        return {"remark": chance.pick(self.words["next_steps"])}

    def deal_handed(self, deal: Deal) -> Changes:
        return {"owner": deal.owner.id, "owner_department": department(deal.owner)}

    def reviewed(self, quarter: str) -> Changes:
        return {"review_round": quarter}


def department(user: User) -> str:
    """The department is called as the region, as its counterpart in the other CRM is."""
    return user.region.name
