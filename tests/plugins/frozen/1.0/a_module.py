"""A module with hooks: about, gates, levers, bundles and events."""

import numpy as np

from guanxi import About, BundleRule, Lever, LifeEvent, Proposal, Refusal, hookimpl, recommender, say


class NotWithA:
    gate = "eligibility"
    code = "FROZEN_NOT_WITH_A"

    def refuses(self, batch):
        holds = np.array([[customer.holds("A")] for customer in batch.customers])
        return holds & np.array([[product.product_code == "D" for product in batch.catalogue]])

    def explain(self, customer, product):
        return Refusal(self.gate, self.code, say("Not beside A.", "不可与A同持。"), "holds A")


@hookimpl
def about():
    return About(version="2", api=">=1,<2", owner="frozen@bank.example")


@recommender("frozen-module")
def propose(customer):
    return [Proposal("C", 0.5), Proposal("D", 0.5)]


@hookimpl
def gates(register):
    register(NotWithA())


@hookimpl
def levers(register, catalogue):
    register(Lever("frozen", {product.product_code: 2.0 for product in catalogue if product.product_code == "D"}))


@hookimpl
def bundles(register, catalogue):
    if "C" in catalogue and "D" in catalogue:
        register(BundleRule("FROZEN", ("C", "D"), say("Both", "两者"), say("Together.", "一起。")))


@hookimpl
def events(register):
    def thirtieth(customer):
        return customer.today if customer.age is not None and customer.age >= 30 else None

    register(LifeEvent("FROZEN_THIRTY", say("Thirty", "三十岁"), thirtieth))
