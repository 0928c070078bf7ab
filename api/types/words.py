"""The bank's vocabularies as GraphQL enums, under the same names."""

from collections.abc import Mapping
from enum import EnumMeta
from typing import Final

import strawberry

from api.roles import Role
from graph import words

DESCRIPTIONS: Final[Mapping[EnumMeta, str]] = {
    words.Channel: "Where bank and customer meet.",
    words.CreditTier: "A company's credit standing, best first.",
    words.CustomerKind: "What a customer is in law.",
    words.Gender: "A person's gender, as the bank's files state it.",
    words.Language: "A language offers are explained in.",
    words.LifecycleStage: "Where a customer stands in the relationship with the bank.",
    words.MemberRole: "What a member is in a programme.",
    words.OutcomeKind: "What became of an offer.",
    words.ProgrammeKind: "The kinds of partner programme.",
    words.RelationKind: "What the customer at the end of a relation is to the one at its start.",
    words.RiskProfile: "The investment risk a customer may bear, lowest first; C3 may buy up to R3.",
    words.RiskRating: "A product's investment risk, lowest first.",
    words.ValueTier: "What a customer is worth to the bank.",
    Role: "What a viewer is to the bank.",
}


def register() -> None:
    """Make the vocabularies known to strawberry, before a schema is built of them."""
    for word, description in DESCRIPTIONS.items():
        strawberry.enum(word, description=description)
