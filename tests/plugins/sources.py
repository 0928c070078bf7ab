"""Plugins of one file for tests, each with a place for what goes wrong in it."""

FUNCTION = """
from guanxi import Proposal, recommender

@recommender("mine")
def propose(customer, catalogue):
    {}
"""
CLASS = """
import numpy as np
from guanxi import Candidates, Reason, hookimpl

class Mine:
    name, version = "mine", "1"

    def propose(self, batch):
        return {}

@hookimpl
def recommenders(register):
    register(Mine())
"""
LEARNER = """
import numpy as np
from guanxi import Candidates, hookimpl

class Learner:
    name, version = "{name}", "1"

    def fit(self, portfolio):
        {fit}

    def with_arrays(self, arrays, product_codes):
        return self

    def propose(self, batch):
        return Candidates(np.full(batch.shape, np.nan, np.float32), lambda row, column: None)

@hookimpl
def recommenders(register):
    register(Learner())
"""
