"""The sample bank's universities: students take the card and, as graduates, a salary account."""

from datetime import date, timedelta
from typing import Final

from loaders.sample_parts import Sample
from loaders.sample_village import Person, Village

STUDENT: Final = "student"
OPENED: Final = date(2015, 9, 1)
UNIVERSITIES: Final = (
    ("U-KUNMING", "Kunming Lakeside University", "Yunnan"),
    ("U-CHENGDU", "Chengdu Riverside University", "Sichuan"),
    ("U-CHANGSHA", "Changsha Orange Isle University", "Hunan"),
)
PROGRAMMES: Final = tuple(f"CAMPUS-{number}" for number, _ in enumerate(UNIVERSITIES, 1))
CARD: Final = {"category": "card", "audience": "person", "credit": "false", "min_age": 16, "margin": 12}
LOAN: Final = {
    "product_code": "STUDENT-LOAN",
    "name": "Student loan",
    "name_zh": "助学贷款",
    "category": "loan",
    "audience": "person",
    "credit": "true",
    "min_age": 18,
    "max_age": 30,
    "margin": 90,
    "purpose": "study",
}


def youth(village: Village, person: Person) -> None:
    """Whether he studies now."""
    if person.age(village.until) < 27 and village.chance.random() < 0.6:
        person.marks.add(STUDENT)


def adult(village: Village, person: Person, account: str) -> None:
    """Students, former ones, and a few teachers."""
    if STUDENT in person.marks or (person.age(village.until) < 36 and village.chance.random() < 0.4):
        _study(village, person, account)
    elif village.chance.random() < 0.02:
        village.member(person.number, village.chance.choice(PROGRAMMES), "teacher", village.day(300, 2500))


def _study(village: Village, person: Person, account: str) -> None:
    programme = village.chance.choice(PROGRAMMES)
    since = max(village.birthday(person, 18), OPENED)
    until = since + timedelta(days=1400)
    if since > village.until:
        return
    village.member(person.number, programme, "student", since, until=until, reference=f"S{person.number[1:]}")
    if village.chance.random() < 0.85:
        code = f"CAMPUS-CARD-{programme[-1]}"
        village.hold_person(person, code, village.after(since, 60))
        village.card(person.number, account, code, person.held.get(code, since), programme)
        person.has_studied = code in person.held
    if village.chance.random() < 0.3:
        village.hold_person(person, "STUDENT-LOAN", village.after(since, 400))
    if until < village.until and "SALARY-ACCOUNT" not in person.held and village.chance.random() < 0.8:
        village.hold_person(person, "SALARY-ACCOUNT", village.after(until, 200))


SAMPLE: Final = Sample(
    "campus",
    partners=[
        {"partner_code": code, "name": name, "kind": "university", "region": region}
        for code, name, region in UNIVERSITIES
    ],
    programmes=[
        {
            "programme_code": programme,
            "kind": "campus",
            "name": f"{name} campus card",
            "partner_code": code,
            "starts_on": OPENED,
            "benefit": "No card fee while you study.",
            "benefit_zh": "在读期间免年费。",
        }
        for programme, (code, name, _) in zip(PROGRAMMES, UNIVERSITIES, strict=True)
    ],
    products=[
        *(
            CARD
            | {
                "product_code": f"CAMPUS-CARD-{number}",
                "name": f"Campus card {number}",
                "name_zh": f"校园卡{number}",
                "programme_code": programme,
            }
            for number, programme in enumerate(PROGRAMMES, 1)
        ),
        LOAN,
    ],
    purposes={"SALARY-ACCOUNT": "first_salary"},
    youth=youth,
    adult=adult,
)
