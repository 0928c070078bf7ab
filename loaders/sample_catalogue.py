"""What the sample bank sells, and where: the fixed part of its story."""

from typing import Final

REGIONS: Final = ("Yunnan", "Guizhou", "Sichuan", "Hunan", "Guangdong")

PRODUCT_COLUMNS: Final = (
    "product_code", "name", "name_zh", "category", "audience", "risk_rating", "credit", "min_age", "max_age",
    "requires", "programme_code", "margin",
)  # fmt: skip
PERSON: Final = "person"
FIRM: Final = "company|institution"
PRODUCTS: Final = (
    ("CURRENT-ACCOUNT", "Current account", "活期账户", "deposit", PERSON, "", "false", 16, "", "", "", 20),
    ("SALARY-ACCOUNT", "Salary account", "工资账户", "deposit", PERSON, "", "false", 16, "", "", "", 60),
    ("CHILD-SAVINGS", "Child savings", "儿童储蓄", "deposit", PERSON, "", "false", 0, 17, "", "", 10),
    ("TERM-DEPOSIT", "Term deposit", "定期存款", "deposit", "", "R1", "false", 18, "", "", "", 80),
    ("DEBIT-CARD", "Debit card", "借记卡", "card", PERSON, "", "false", 16, "", "", "", 15),
    ("CREDIT-CARD", "Credit card", "信用卡", "card", PERSON, "", "true", 18, 70, "", "", 180),
    ("GOLD-CARD", "Gold credit card", "金卡", "card", PERSON, "", "true", 25, 70, "CREDIT-CARD", "", 420),
    ("AUTOPAY", "Autopay", "自动缴费", "payment", PERSON, "", "false", 18, "", "", "", 25),
    ("MOBILE-BANKING", "Mobile banking", "手机银行", "service", PERSON, "", "false", 12, "", "", "", 5),
    ("MORTGAGE", "Home mortgage", "住房按揭", "mortgage", PERSON, "", "true", 22, 60, "", "", 2400),
    ("CONSUMER-LOAN", "Consumer loan", "消费贷款", "loan", PERSON, "", "true", 20, 65, "", "", 350),
    ("HOME-INSURANCE", "Home insurance", "家财险", "insurance", PERSON, "", "false", 18, "", "MORTGAGE", "", 120),
    ("LIFE-INSURANCE", "Life insurance", "寿险", "insurance", PERSON, "", "false", 18, 65, "", "", 300),
    ("EDUCATION-PLAN", "Education plan", "教育金计划", "insurance", PERSON, "", "false", 22, 60, "", "", 200),
    ("PENSION", "Private pension", "个人养老金", "pension", PERSON, "R2", "false", 18, 60, "", "", 260),
    ("FUND-MONEY", "Money market fund", "货币基金", "wealth", PERSON, "R1", "false", 18, "", "", "", 40),
    ("FUND-BALANCED", "Balanced fund", "平衡基金", "wealth", PERSON, "R3", "false", 18, "", "", "", 220),
    ("FUND-GROWTH", "Growth fund", "成长基金", "wealth", PERSON, "R4", "false", 18, "", "", "", 380),
    ("BUSINESS-ACCOUNT", "Business account", "对公账户", "deposit", FIRM, "", "false", "", "", "", "", 300),
    ("PAYROLL", "Payroll service", "代发工资", "service", FIRM, "", "false", "", "", "BUSINESS-ACCOUNT", "", 500),
    ("TRADE-FINANCE", "Supply-chain finance", "供应链融资", "loan", FIRM, "", "true", "", "", "", "", 3200),
    ("BUSINESS-LOAN", "Business loan", "企业贷款", "loan", FIRM, "", "true", "", "", "", "", 4200),
    ("POS-TERMINAL", "Card terminal", "收单终端", "payment", FIRM, "", "false", "", "", "", "", 160),
)
SURNAMES: Final = ("Wang", "Li", "Zhang", "Liu", "Chen", "Yang", "Zhao", "Huang", "Zhou", "Wu", "Xu", "Sun")
GIVEN: Final = ("Wei", "Fang", "Na", "Min", "Jing", "Lei", "Jun", "Yan", "Hao", "Mei", "Lan", "Tao", "Bo", "Ying")
INDUSTRIES: Final = ("manufacturing", "retail", "construction", "software", "logistics", "agriculture")
