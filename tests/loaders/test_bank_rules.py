import pytest

HOLDINGS = "customer_no,product_code,opened_on,closed_on\n"
CUSTOMERS = "customer_no,kind,birth_date,joined_on,marketing_consent,income,risk_profile\n"
PROGRAMMES = "programme_code,kind,name,budget,quota,blackout_days,exclusive_of\n"
CONSENTS = "customer_no,purpose,channel,granted,at\n"
PRODUCTS = "product_code,name,category,audience,requires,min_age\n"


async def test_a_good_bank_has_no_rejects(bank, rejects):
    assert await rejects(bank()) == []


@pytest.mark.parametrize(
    ("table", "text", "reject"),
    [
        ("holdings", HOLDINGS + ",SAVE,,\n", "holdings.csv,2,customer_no,,\"is empty, and must not be\""),
        ("holdings", HOLDINGS + "C1,SAVE,01.02.2020,\n", 'holdings.csv,2,opened_on,01.02.2020,"is not a date, YYYY-MM-DD"'),
        ("holdings", HOLDINGS + "C1,SAVE,2020-1-2,\n", 'holdings.csv,2,opened_on,2020-1-2,"is not a date, YYYY-MM-DD"'),
        ("holdings", HOLDINGS + "C1,SAVE,2020-02-01,2020-01-31\n", "holdings.csv,2,closed_on,2020-01-31,is before opened_on"),
        ("holdings", HOLDINGS + "C9,SAVE,,\n", "holdings.csv,2,customer_no,C9,names no row of customers"),
        ("holdings", HOLDINGS + "C1,NONE,,\n", "holdings.csv,2,product_code,NONE,names no row of products"),
        ("holdings", HOLDINGS + "C1,SAVE,,,7\n", "holdings.csv,2,,,has more or fewer fields than the header"),
        ("holdings", HOLDINGS + '"C\n1",SAVE,,\nC1,,,\n', 'holdings.csv,4,product_code,,"is empty, and must not be"'),
        ("customers", CUSTOMERS + "C1,alien,,,,,\n", "customers.csv,2,kind,alien,\"is none of person, company, institution\""),
        ("customers", CUSTOMERS + "C1,person,,,yes,,\n", "customers.csv,2,marketing_consent,yes,is not true or false"),
        ("customers", CUSTOMERS + "C1,person,,,,nan,\n", 'customers.csv,2,income,nan,"is not a number, such as 1234.56"'),
        ("customers", CUSTOMERS + "C1,person,,,,,C6\n", 'customers.csv,2,risk_profile,C6,"is none of C1, C2, C3, C4, C5"'),
        ("products", PRODUCTS + "X,X,card,person|dog,,\n",
         "products.csv,2,audience,person|dog,\"is none of person, company, institution\""),
        ("products", PRODUCTS + "X,X,card,,NONE|X,\n", "products.csv,2,requires,NONE|X,names no row of products"),
        ("products", PRODUCTS + "X,X,card,,,1.5\n", "products.csv,2,min_age,1.5,is not a whole number"),
        ("programmes", PROGRAMMES + "P,Campus card,P,,,,\n", 'programmes.csv,2,kind,Campus card,"is not a name of lower-case letters, digits, _ and -"'),
        ("programmes", PROGRAMMES + "P,campus,P,-1,,,\n", "programmes.csv,2,budget,-1,is less than 0"),
        ("programmes", PROGRAMMES + "P,campus,P,,-1,,\n", "programmes.csv,2,quota,-1,is less than 0"),
        *(
            ("programmes", PROGRAMMES + f"P,campus,P,,,{days},\n",
             f'programmes.csv,2,blackout_days,{days},"is not days or periods, such as 2026-12-24|2026-12-30/2027-01-02"')
            for days in ("2026-02-30", "Christmas", "2026-12-24|", "2026-12-24/", "2026-12-24/2026-12-23", "2026-12-24-2026-12-25")
        ),
        ("activity", "account_no,month\nA1,2026-13\n", 'activity.csv,2,month,2026-13,"is not a month, YYYY-MM"'),
        ("activity", "account_no,month\nA9,2026-01\n", "activity.csv,2,account_no,A9,names no row of accounts"),
        ("interactions", "interaction_id,customer_no,channel,kind,at\nI1,C1,web,visit,2026-01-01\n",
         'interactions.csv,2,at,2026-01-01,"is not a moment, RFC 3339, such as 2026-06-30T09:30:00+08:00"'),
        ("consents", CONSENTS + "C1,marketing,,true,2999-01-01T00:00:00Z\n", "consents.csv,2,at,2999-01-01T00:00:00Z,lies in the future"),
        ("consents", CONSENTS + "C1,sport,,true,2026-01-01T00:00:00Z\n", 'consents.csv,2,purpose,sport,"is none of marketing, partners, profiling"'),
        ("consents", CONSENTS + "C1,partners,pigeon,true,2026-01-01T00:00:00Z\n",
         'consents.csv,2,channel,pigeon,"is none of branch, phone, web, mobile, atm, pos"'),
        ("consents", CONSENTS + "C1,partners,,,2026-01-01T00:00:00Z\n", 'consents.csv,2,granted,,"is empty, and must not be"'),
    ],
)  # fmt: skip
async def test_a_row_that_breaks_a_rule_is_rejected_with_its_place(bank, rejects, table, text, reject):
    assert reject in await rejects(bank(**{table: text}))


async def test_rows_of_one_key_that_disagree_are_all_rejected(bank, rejects):
    folder = bank(accounts="account_no,customer_no\nA1,C1\nA2,C1\nA1,C2\nA2,C1\n")

    assert await rejects(folder) == [
        "accounts.csv,2,account_no,A1,stands here and in another line that says otherwise",
        "accounts.csv,4,account_no,A1,stands here and in another line that says otherwise",
    ]


async def test_a_programme_of_any_kind_with_a_whole_contract_is_good(bank, rejects):
    partners = "partner_code,name,kind\nCLINIC,Clinic,hospital\nOTHER,Other,hospital\n"
    programme = "programme_code,kind,name,partner_code,budget,benefit_cost,quota,regions,exclusive_of,blackout_days\n"
    whole = "P,hospital,P,CLINIC,100.5,1,0,Yunnan|Hunan,OTHER,2026-12-24|2026-12-30/2027-01-02\n"
    free = "F,hospital,F,CLINIC,,0,,,,\n"

    assert await rejects(bank(partners=partners, programmes=programme + whole + free)) == []


@pytest.mark.parametrize(
    ("cells", "reject"),
    [
        ("P,hospital,P,CLINIC,100.5,,,", "programmes.csv,2,budget,100.5,needs benefit_cost"),
        (
            "P,hospital,P,CLINIC,100.5,0,,",
            "programmes.csv,2,benefit_cost,0,must be more than 0 beside budget: it would never be spent",
        ),
        (
            "P,hospital,P,CLINIC,,,OTHER|CLINIC,",
            "programmes.csv,2,exclusive_of,OTHER|CLINIC,names its own partner_code",
        ),
        ("P,hospital,P,CLINIC,,,,|", "programmes.csv,2,regions,|,has an empty part beside |"),
    ],
)
async def test_a_contract_that_would_not_be_kept_is_rejected(bank, rejects, cells, reject):
    partners = "partner_code,name,kind\nCLINIC,Clinic,hospital\nOTHER,Other,hospital\n"
    header = "programme_code,kind,name,partner_code,budget,benefit_cost,exclusive_of,regions\n"

    assert await rejects(bank(partners=partners, programmes=f"{header}{cells}\n")) == [reject]


async def test_a_contract_excludes_known_partners(bank, rejects):
    partners = "partner_code,name,kind\nCLINIC,Clinic,hospital\n"

    [reject] = await rejects(bank(partners=partners, programmes=PROGRAMMES + "P,campus,P,,,,CLINIC|NOBODY\n"))

    assert reject == "programmes.csv,2,exclusive_of,CLINIC|NOBODY,names no row of partners"
