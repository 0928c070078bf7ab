"""The hospital card, held against customers drawn as nodes and edges; ``guanxi.testing.drawing`` says how to draw."""

from datetime import date

import guanxi_hospital


def test_a_patient_gets_his_hospital_s_card_and_what_is_for_health(draw):
    draw(
        """
        ann: person region=Yunnan
        ann -MEMBER_OF-> CLINIC-1
        ann => CLINIC-CARD "Your hospital's own card."
        ann => HEALTH-SAVINGS hospital
        ann =/> RIVER-CARD NOT_A_MEMBER
        bob: person region=Yunnan
        bob =/> CLINIC-CARD NOT_A_MEMBER
        bob =/> HEALTH-SAVINGS NOT_A_PATIENT
        """,
        guanxi_hospital,
    )


def test_the_contract_is_kept(draw):
    draw(
        """
        ann: person region=Hunan
        ann -MEMBER_OF-> CLINIC-1
        ann =/> CLINIC-CARD PROGRAMME_REGION
        bob: person region=Yunnan
        bob -MEMBER_OF-> CLINIC-1
        bob -MEMBER_OF-> CLINIC-2
        bob => CLINIC-CARD
        bob =/> RIVER-CARD PROGRAMME_EXCLUSIVE
        eve: person region=Yunnan
        eve -MEMBER_OF-> CLINIC-1
        eve -HOLDS-> RIVER-CARD
        eve =/> CLINIC-CARD PROGRAMME_EXCLUSIVE
        """,
        guanxi_hospital,
    )


def test_nothing_is_offered_on_a_blackout_day(draw):
    drawing = """
        ann: person region=Yunnan
        ann -MEMBER_OF-> CLINIC-1
        ann =/> CLINIC-CARD PROGRAMME_BLACKOUT
        ann => HEALTH-SAVINGS
        """
    draw(drawing, guanxi_hospital, today=date(2026, 10, 3))


def test_card_and_savings_are_a_bundle(draw):
    bank = draw("ann: person region=Yunnan\nann -MEMBER_OF-> CLINIC-1", guanxi_hospital)
    [answer] = bank.answers(["ann"])
    assert [bundle.rule.code for bundle in answer.bundles if bundle.rule.code.startswith("HEALTH")] == [
        "HEALTH-CLINIC-CARD+HEALTH-SAVINGS"
    ]


def test_what_it_knows_of_a_patient(draw):
    bank = draw(
        """
        ann: person
        ann -MEMBER_OF-> CLINIC-1 since=2026-01-05
        bob: person
        """,
        guanxi_hospital,
    )
    told = [
        (guanxi_hospital.is_patient(bank.customer(name)), guanxi_hospital.admitted_on(bank.customer(name)))
        for name in ("ann", "bob")
    ]
    assert told == [(True, date(2026, 1, 5)), (False, None)]
