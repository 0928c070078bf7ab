from pathlib import Path

PLUGIN = Path(__file__).with_name("education_plan.py")


def test_parents_are_offered_it_and_others_are_not(draw):
    bank = draw(
        """
        ann: person
        kid: person birth_date=2018-01-01
        ann -CHILD-> kid
        ann => EDUCATION-PLAN "your child's education"
        bob: person
        bob =/> EDUCATION-PLAN education-plan
        """,
        PLUGIN,
    )
    step = bank.decide("ann", "EDUCATION-PLAN").trace[-1].text
    assert "kid" not in step
