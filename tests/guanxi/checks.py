"""What tests ask of the findings of a check."""


def failures(findings):
    return [finding.told for finding in findings if finding.passed is False]
