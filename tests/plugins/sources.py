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
