"""Says how good a model's churn, demand and segments are, for the commands that tell of models."""

from collections.abc import Mapping
from typing import Any, Final

PARTS: Final = ("Churn", "Demand", "Segments")
NOTHING: Final = "nobody has opened anything to learn from"


def insight_lines(card: Mapping[str, Any]) -> list[str]:
    """Return a line each of churn, demand and segments: how good they are, or why there are none."""
    churn, demand, segments = (card.get(name, {"why_none": NOTHING}) for name in ("churn", "demand", "segments"))
    lines = [f"{what}: {of['why_none']}." for what, of in zip(PARTS, (churn, demand, segments), strict=True)
             if "why_none" in of]  # fmt: skip
    if "why_none" not in churn:
        lines.append(
            f"Churn: {churn['rate']:.2%} are lost within {churn['horizon_months']} months; AUC {churn['auc']:.3f}, the "
            f"likeliest tenth {churn['lift_10']:.1f} times as often, on {churn['judged_by']}."
        )
    if "why_none" not in demand:
        errors = ", ".join(f"{name} {error:.2f}" for name, error in demand["mae"].items()) or demand["why_untried"]
        lines.append(f"Demand: by {demand['method']}, from {demand['months']} months; mean error a month: {errors}.")
    if "why_none" not in segments:
        best = segments["tried"][str(segments["segments"])]
        lines.append(
            f"Segments: {segments['segments']}, stable to {best['stability']:.2f}, silhouette {best['silhouette']:.2f}."
        )
    return sorted(lines)
