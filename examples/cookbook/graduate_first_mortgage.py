"""A function: campus-card alumni with three steady salary years get the first-home mortgage."""

from guanxi import Proposal, recommender


@recommender("graduate-first-mortgage")
def propose(customer):
    """Whoever came to us as a student and has earned for three years."""
    was_student = any(membership.programme_kind == "campus" for membership in customer.all_memberships)
    if was_student and customer.salary_months >= 36 and not customer.ever_held("MORTGAGE"):
        yield Proposal("MORTGAGE", score=0.8, reason="You have had a steady salary for three years.")
