"""The decision engine: candidates, gates, ranking, arbitration, bundles, reasons, training."""
