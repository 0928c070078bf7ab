"""A class that learns: arrays of a portfolio, kept by name, over a batch."""

import numpy as np

from guanxi import Candidates, Reason, hookimpl, say


class Share:
    name = "frozen-class"
    version = "1"

    def __init__(self, share=0.0):
        self.share = share

    def fit(self, portfolio):
        return {"share": np.array([0.5])}

    def with_arrays(self, arrays, product_codes):
        return Share(float(arrays["share"][0]))

    def propose(self, batch):
        scores = np.full(batch.shape, np.nan, np.float32)
        scores[:, batch.catalogue.index["C"]] = self.share
        return Candidates(scores, lambda row, column: Reason(self.name, ("C",), say("Half do.", "一半如此。")))


@hookimpl
def recommenders(register):
    register(Share())
