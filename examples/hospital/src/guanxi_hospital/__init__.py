"""The hospital card: patients of a partner hospital get its card, and savings for their health."""

from guanxi import About, Breakdown, BundleRule, Field, LifeEvent, Proposal, hookimpl, recommender, say
from guanxi_hospital.patients import HEALTH, HOSPITAL, NotAPatient, admitted_on, by_insurance, is_patient
from guanxi_hospital.sample import SAMPLE

REASONS = {
    "card": say("Your hospital's own card.", "您就诊医院的专属卡。"),
    HEALTH: say("For your health.", "助力您的健康。"),
}


@hookimpl
def about():
    """Hospitals' programmes are its own, and so is what is for health."""
    return About(serves=(HOSPITAL,), guards=(HEALTH,))


@recommender("hospital")
def propose(customer, catalogue):
    """Patients get their hospital's card, and what is for their health."""
    for membership in customer.memberships:
        if membership.programme_kind != HOSPITAL:
            continue
        code = membership.programme_code
        for product in catalogue:
            is_card = product.programme_code == code
            if is_card or product.purpose == HEALTH:
                path = (customer.customer_no, "MEMBER_OF", code, "OFFERS", product.product_code)
                reason = REASONS["card" if is_card else HEALTH]
                yield Proposal(product.product_code, 0.8 if is_card else 0.6, reason, path)


@hookimpl
def gates(register):
    """What is for health is for patients alone."""
    register(NotAPatient())


@hookimpl
def bundles(register, catalogue):
    """Each hospital's card with each product for health."""
    title = say("Well cared for", "健康无忧")
    benefit = say("No fee for treatment paid by instalments.", "就医分期免手续费。")
    cards = [product for product in catalogue if product.programme_kind == HOSPITAL]
    others = [product for product in catalogue if product.purpose == HEALTH]
    for card in cards:
        for other in others:
            codes = (card.product_code, other.product_code)
            register(BundleRule(f"HEALTH-{'+'.join(codes)}", codes, title, benefit))


@hookimpl
def events(register):
    """Somebody becomes a patient."""
    register(LifeEvent("HOSPITAL_ADMISSION", say("Became a patient", "就诊建档"), admitted_on))


@hookimpl
def fields(register):
    """Whether a customer is a patient."""
    description = "Whether he is a patient of a partner hospital today."
    register(Field("Customer", "is_patient", bool, is_patient, description))


@hookimpl
def breakdowns(register):
    """Patients with and without an insurance number, for the report to the hospital."""
    register(Breakdown(HOSPITAL, "insurance", by_insurance))


@hookimpl
def samples(register):
    """The sample bank's hospitals."""
    register(SAMPLE)
