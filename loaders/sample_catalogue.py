"""What the sample bank sells, with whom, and where: the fixed part of its story."""

from typing import Final

REGIONS: Final = ("Yunnan", "Guizhou", "Sichuan", "Hunan", "Guangdong")
UNIVERSITIES: Final = ("U-KUNMING", "U-CHENGDU", "U-CHANGSHA")
CAMPUS: Final = {university: f"CAMPUS-{number}" for number, university in enumerate(UNIVERSITIES, 1)}
TOBACCO: Final = {region: f"TOBACCO-{number}" for number, region in enumerate(REGIONS, 1)}
FAMILY: Final = "FAMILY-1"
COBRANDED: Final = "MART-1"

PARTNERS: Final = (
    ("U-KUNMING", "Kunming Lakeside University", "university", "Yunnan"),
    ("U-CHENGDU", "Chengdu Riverside University", "university", "Sichuan"),
    ("U-CHANGSHA", "Changsha Orange Isle University", "university", "Hunan"),
    *((f"BUREAU-{region.upper()}", f"{region} Tobacco Bureau", "tobacco_bureau", region) for region in REGIONS),
    ("GREENMART", "Green Mart", "retailer", ""),
)
PROGRAMME_COLUMNS: Final = (
    "programme_code", "kind", "name", "partner_code", "starts_on", "ends_on", "benefit", "benefit_zh",
)  # fmt: skip
STUDENT_BENEFIT: Final = ("No card fee while you study.", "在读期间免年费。")
RETAILER_BENEFIT: Final = ("First 30 days free of interest.", "首30天免息。")
SHOPPER_BENEFIT: Final = ("Double points on every purchase at Green Mart.", "在绿色超市消费双倍积分。")
PROGRAMMES: Final = (
    *(
        (CAMPUS[code], "campus", f"{name} campus card", code, "2015-09-01", "", *STUDENT_BENEFIT)
        for code, name, *_ in PARTNERS[:3]
    ),
    *(
        (TOBACCO[r], "tobacco", f"{r} tobacco retailers", f"BUREAU-{r.upper()}", "2018-01-01", "", *RETAILER_BENEFIT)
        for r in REGIONS
    ),
    (FAMILY, "family", "Family circle", "", "2016-01-01", "", "", ""),
    (COBRANDED, "cobranded", "Green Mart rewards", "GREENMART", "2021-03-01", "2028-02-29", *SHOPPER_BENEFIT),
)

PRODUCT_COLUMNS: Final = (
    "product_code", "name", "name_zh", "category", "audience", "risk_rating", "credit", "min_age", "max_age",
    "requires", "programme_code", "margin",
)  # fmt: skip
PURPOSES: Final = {
    "SALARY-ACCOUNT": "first_salary",
    "STUDENT-LOAN": "study",
    "WORKING-CAPITAL-LOAN": "working_capital",
}
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
    *(
        (f"CAMPUS-CARD-{n}", f"Campus card {n}", f"校园卡{n}", "card", PERSON, "", "false", 16, "", "", code, 12)
        for n, code in enumerate(CAMPUS.values(), 1)
    ),
    ("STUDENT-LOAN", "Student loan", "助学贷款", "loan", PERSON, "", "true", 18, 30, "", "", 90),
    ("FAMILY-CARD", "Family card", "家庭卡", "card", PERSON, "", "true", 18, 75, "", FAMILY, 150),
    ("MART-CARD", "Green Mart card", "绿色超市联名卡", "card", PERSON, "", "true", 18, 70, "", COBRANDED, 190),
    ("BUSINESS-ACCOUNT", "Business account", "对公账户", "deposit", FIRM, "", "false", "", "", "", "", 300),
    ("PAYROLL", "Payroll service", "代发工资", "service", FIRM, "", "false", "", "", "BUSINESS-ACCOUNT", "", 500),
    ("TRADE-FINANCE", "Supply-chain finance", "供应链融资", "loan", FIRM, "", "true", "", "", "", "", 3200),
    ("BUSINESS-LOAN", "Business loan", "企业贷款", "loan", FIRM, "", "true", "", "", "", "", 4200),
    ("POS-TERMINAL", "Card terminal", "收单终端", "payment", FIRM, "", "false", "", "", "", "", 160),
    *(
        (
            f"TOBACCO-CARD-{n}",
            f"Tobacco order card {n}",
            f"烟草订货卡{n}",
            "card",
            FIRM,
            "",
            "false",
            "",
            "",
            "",
            c,
            210,
        )
        for n, c in enumerate(TOBACCO.values(), 1)
    ),
    ("WORKING-CAPITAL-LOAN", "Working-capital loan", "流动资金贷款", "loan", FIRM, "", "true", "", "", "", "", 900),
)
SURNAMES: Final = ("Wang", "Li", "Zhang", "Liu", "Chen", "Yang", "Zhao", "Huang", "Zhou", "Wu", "Xu", "Sun")
GIVEN: Final = ("Wei", "Fang", "Na", "Min", "Jing", "Lei", "Jun", "Yan", "Hao", "Mei", "Lan", "Tao", "Bo", "Ying")
INDUSTRIES: Final = ("manufacturing", "retail", "construction", "software", "logistics", "agriculture")
