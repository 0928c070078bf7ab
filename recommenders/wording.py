"""Features in words that a manager reads, in English and Chinese: what one customer's value says, and what it is of."""

from collections.abc import Mapping
from typing import Final

from graph.records import Membership, Product
from graph.words import Language
from recommenders.catalogue import Catalogue
from recommenders.contract import Text
from recommenders.features import FLOWS
from recommenders.lifecycle import months_between
from recommenders.view import CustomerView

FLOW_NOUNS: Final = {
    "inflow": ("money in", "流入"),
    "outflow": ("money out", "流出"),
    "salary": ("salary", "工资"),
    "transactions": ("transactions", "交易笔数"),
    "lowest_balance": ("lowest balance", "最低余额"),
    "closing_balance": ("balance at month's end", "月末余额"),
}
SPANS: Final = {
    "last": ("in the last known month", "最近一个月"),
    "3": ("a month, over 3 months", "近3个月月均"),
    "12": ("a month, over a year", "近一年月均"),
}
NOUNS: Final = {
    "age": ("age", "年龄"),
    "tenure": ("months with the bank", "开户月数"),
    "income": ("income", "收入"),
    "credit_limit": ("credit limit", "信用额度"),
    "salary_months": ("months of salary in a row", "连续工资月数"),
    "held": ("products held", "持有产品数"),
    "ever": ("products ever held", "曾持有产品数"),
    "since_first_opening": ("months since the first opening", "距首次开立月数"),
    "since_opening": ("months since the last opening", "距最近开立月数"),
    "since_closing": ("months since the last closing", "距最近关闭月数"),
    "since_activity": ("months since the last activity", "距最近交易月数"),
    "since_contact_any": ("months since the last contact", "距最近联系月数"),
    "relations": ("relations to other customers", "关联客户数"),
    "kind": ("kind", "客户类型"),
    "region": ("region", "地区"),
    "occupation": ("occupation", "职业"),
    "industry": ("industry", "行业"),
    "branch_code": ("branch", "网点"),
    "language": ("language", "语言"),
    "risk_profile": ("risk profile", "风险承受能力"),
    "credit_tier": ("credit tier", "信用等级"),
    "stage": ("lifecycle stage", "生命周期阶段"),
    "gender": ("gender", "性别"),
}
UNTOLD: Final = frozenset({"month", "undated"})
"""The season says nothing of one customer."""
FALL: Final = 0.8


def group(name: str) -> str:
    """Return what a feature is about: of one group, one thing is said."""
    if name == "salary_months":
        return "salary"
    for flow in FLOWS:
        if name.startswith(f"{flow}_"):
            return flow
    for what in ("opened", "closed", "contacts"):
        if name.startswith(f"{what}_"):
            return what
    return {"since_opening": "opened", "since_closing": "closed", "since_contact_any": "contacts"}.get(name, name)


def noun(name: str, catalogue: Catalogue) -> Text | None:
    """Return what a feature is of; None for what is not told."""
    flow, _, span = name.rpartition("_")
    what, _, rest = name.partition(":")
    if name in UNTOLD:
        return None
    if flow in FLOW_NOUNS and span in SPANS:
        (en, zh), (span_en, span_zh) = FLOW_NOUNS[flow], SPANS[span]
        return _text(f"{en} {span_en}", f"{span_zh}{zh}")
    if flow in ("opened", "closed") and span.isdigit():
        return _text(f"products {flow} within {_months(span)}", f"{span}个月内{_DONE[flow]}产品数")
    if flow == "contacts" and not rest:
        en, zh = (
            (f"within {_months(span)}", f"{span}个月内")
            if span.isdigit()
            else (f"by {span}, within a year", f"一年内{span}")
        )
        return _text(f"contacts {en}", f"{zh}联系次数")
    if what == "contacts":
        return _text(f"contacts of kind {rest} within a year", f"一年内{rest}类联系次数")
    if what == "holds":
        named = product_name(rest, catalogue)
        return _text(*named)
    if what == "own":
        return _text(rest, rest)
    return _text(*NOUNS[name]) if name in NOUNS else None


def statement(
    name: str, value: float | str, values: Mapping[str, float], customer: CustomerView, catalogue: Catalogue
) -> Text | None:
    """Say what a customer's value of a feature is; None where there is nothing to say.

    ``values`` are the customer's numbers by name.
    """
    about = group(name)
    if about == "salary":
        return _salary(customer)
    if about in FLOW_NOUNS:
        return _flow(about, values)
    if about == "since_activity" and isinstance(value, float) and value >= 2:
        idle = round(value) - 1
        return _text(f"no activity for {_months(idle)}", f"已{idle}个月没有交易")
    if about in ("opened", "closed", "contacts"):
        return _events(about, values)
    if name.startswith("holds:"):
        en, zh = product_name(name.removeprefix("holds:"), catalogue)
        return _text(f"holds {en}", f"持有{zh}") if value else _text(f"does not hold {en}", f"未持有{zh}")
    if name == "held" and value == 1:
        return _text("holds a single product", "仅持有1种产品")
    of = noun(name, catalogue)
    if of is None:
        return None
    told = value if isinstance(value, str) else number(value)
    return _text(f"{of[Language.EN]}: {told}", f"{of[Language.ZH]}：{told}")


def product_name(code: str, catalogue: Catalogue) -> tuple[str, str]:
    """Return a product's name in English and Chinese; its code where the bank has it no more."""
    if code not in catalogue:
        return code, code
    product = catalogue[code]
    return product.name, product.name_zh or product.name


def programme_name(of: Product | Membership) -> tuple[str, str]:
    """Return the name of a product's or membership's programme in English and Chinese; its code where none is known."""
    en = of.programme_name or of.programme_code or ""
    return en, of.programme_name_zh or en


def number(value: float) -> str:
    """Return a number to three digits that count."""
    if abs(value) >= 100 or value == int(value):
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 1 else f"{value:.2f}"


_DONE: Final = {"opened": "开立", "closed": "关闭"}


def _salary(customer: CustomerView) -> Text | None:
    paid = [month.month for month in customer.activity if month.salary]
    if not customer.activity:
        return None
    if not paid:
        return _text("no salary comes in", "没有工资入账")
    missed = months_between(paid[-1], customer.today) - 1
    if missed >= 1:
        return _text(f"no salary for {_months(missed)}", f"已{missed}个月没有工资入账")
    months = customer.salary_months
    return _text(f"salary for {_months(months)} in a row", f"连续{months}个月有工资入账")


def _flow(flow: str, values: Mapping[str, float]) -> Text | None:
    en, zh = FLOW_NOUNS[flow]
    now, year = values.get(f"{flow}_3", float("nan")), values.get(f"{flow}_12", float("nan"))
    if now != now:
        return None
    if year > 0 and now < FALL * year:
        fall = round(100 * (1 - now / year))
        return _text(f"{en} down {fall}% on its year", f"{zh}较全年均值下降{fall}%")
    return _text(f"{en} of {number(now)} a month lately", f"近3个月月均{zh}{number(now)}")


def _events(about: str, values: Mapping[str, float]) -> Text | None:
    names = {
        "opened": ("products opened", "开立产品"),
        "closed": ("products closed", "关闭产品"),
        "contacts": ("contacts", "联系"),
    }
    en, zh = names[about]
    for months in (3, 12):
        count = values.get(f"{about}_{months}", float("nan"))
        if count == count and count >= 1:
            return _text(f"{en} within {_months(months)}: {count:.0f}", f"{months}个月内{zh}{count:.0f}次")
    return _text(f"no {en} within a year", f"一年内无{zh}")


def _months(count: int | str) -> str:
    return f"{count} month" if str(count) == "1" else f"{count} months"


def _text(en: str, zh: str) -> Text:
    return {Language.EN: en, Language.ZH: zh}
