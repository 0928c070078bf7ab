from pathlib import Path

PLUGIN = Path(__file__).with_name("graduate_first_mortgage.py")


def test_three_years_of_salary_after_the_university(draw):
    draw(
        """
        ann: person
        ann -MEMBER_OF-> CAMPUS-1 role=student until=2023-06-30
        ann -EARNS-> 9000 months=36
        ann => MORTGAGE "steady salary for three years"

        bob: person  # earns as long, and was no student
        bob -EARNS-> 9000 months=36
        bob =/> MORTGAGE graduate-first-mortgage

        eve: person  # a month is missing
        eve -MEMBER_OF-> CAMPUS-1 role=student until=2023-06-30
        eve -EARNS-> 9000 months=35
        eve =/> MORTGAGE graduate-first-mortgage
        """,
        PLUGIN,
    )
