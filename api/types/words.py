"""The bank's vocabularies as GraphQL enums, under the same names."""

from collections.abc import Mapping
from enum import Enum
from typing import Final

from api.roles import Role
from api.vocabularies import described
from graph import words

DESCRIPTIONS: Final[Mapping[type[Enum], tuple[str, Mapping[str, str]]]] = {
    words.Channel: (
        "Where bank and customer meet.",
        {
            "BRANCH": "At a counter or a desk of the bank.",
            "PHONE": "On the phone.",
            "WEB": "In online banking.",
            "MOBILE": "In the app on a phone.",
            "ATM": "At a cash machine.",
            "POS": "At a merchant's till.",
        },
    ),
    words.CreditTier: (
        "A company's credit standing, best first.",
        {
            "GOLD": "The best.",
            "KEY": "Among those the bank most wants to lend to.",
            "QUALITY": "Sound.",
            "GENERAL": "Neither good nor bad.",
            "RESTRICTED": "No new credit is offered.",
            "ELIMINATED": "No new credit is offered, and the bank withdraws what there is.",
        },
    ),
    words.CustomerKind: (
        "What a customer is in law.",
        {
            "PERSON": "A natural person.",
            "COMPANY": "A firm.",
            "INSTITUTION": "A public body, school, association or the like.",
        },
    ),
    words.DeliveryState: (
        "What became of an event at a webhook.",
        {
            "PENDING": "It is to be sent, or to be sent again.",
            "DELIVERED": "It was answered with 2xx.",
            "FAILED": "It was answered with 4xx, or was tried as often as it may be.",
        },
    ),
    words.Gender: (
        "A person's gender, as the bank's files state it.",
        {"FEMALE": "A woman.", "MALE": "A man.", "OTHER": "Neither."},
    ),
    words.Language: ("A language offers are explained in.", {"EN": "English.", "ZH": "Chinese."}),
    words.LifecycleStage: (
        "Where a customer stands in the relationship with the bank; the first rule that fits tells.",
        {
            "PROSPECT": "Has never held anything.",
            "NEW": "With the bank for less than a year.",
            "GROWING": "Opened something within a year.",
            "MATURE": "None of the others.",
            "DECLINING": "Closed more than he opened within a year, or much less money comes in than before.",
            "DORMANT": "Nothing has moved for six months.",
            "LOST": "Held something, and holds nothing now.",
        },
    ),
    words.MemberRole: (
        "What a member is in a programme.",
        {
            "STUDENT": "Studies at the partner.",
            "TEACHER": "Teaches there.",
            "RETAILER": "Sells the partner's goods.",
            "PRINCIPAL": "The head of a family programme, whose card the others' hang on.",
            "DEPENDANT": "One of a family whose head is another.",
            "MEMBER": "A member, and nothing more.",
        },
    ),
    words.OutcomeKind: (
        "What became of an offer.",
        {
            "IMPRESSION": "It was shown.",
            "CLICK": "He looked closer.",
            "ACCEPT": "He took it.",
            "DISMISS": "He waved it away.",
            "COMPLAINT": "He complained of it.",
        },
    ),
    words.ProgrammeKind: (
        "The kinds of partner programme.",
        {
            "CAMPUS": "With a university or school.",
            "TOBACCO": "With a tobacco bureau, for its retailers.",
            "FAMILY": "For the members of a family.",
            "COBRANDED": "With a partner whose brand the card bears.",
            "OTHER": "Another, which `kindName` names: of a plugin, or of the bank's own files.",
        },
    ),
    words.ProgrammePlace: (
        "How the place that an acceptance takes in a partner's programme stands to the contract, when it is recorded.",
        {
            "WITHIN": "It is one of those agreed on.",
            "OVER_QUOTA": "All places had been taken: it is recorded, and the bank decides what becomes of it.",
            "OVER_BUDGET": "The budget does not pay for it: it is recorded, and the bank decides what becomes of it.",
        },
    ),
    words.RelationKind: (
        "What the customer at the end of a relation is to the one at its start.",
        {
            "SPOUSE": "Wife or husband.",
            "PARENT": "Mother or father.",
            "CHILD": "Daughter or son.",
            "SIBLING": "Sister or brother.",
            "EMPLOYER": "Who employs him.",
            "SUPPLIER": "Who supplies it.",
            "GUARANTOR": "Who stands surety for him.",
            "SHAREHOLDER": "Who owns a share of it.",
            "REFERRER": "Who brought him to the bank.",
            "ACCOUNT_USER": "Who may use his account.",
        },
    ),
    words.Purpose: (
        "What a customer consents to, or refuses.",
        {
            "MARKETING": "That he is offered anything; who never spoke of it has not consented.",
            "PARTNERS": "That he is offered products of partners' programmes; who never spoke of it has consented if "
            "he has to marketing.",
            "PROFILING": "That what he does shapes his offers: activity, interactions, relations, earlier offers. He "
            "objects by a no, about any channel; who never spoke of it has not objected.",
        },
    ),
    words.ConsentSource: (
        "By what way a customer's word came to the bank's graph.",
        {"API": "By `setConsent`.", "FILE": "By the bank's files."},
    ),
    words.RiskProfile: (
        "The investment risk a customer may bear, lowest first; C3 may buy up to R3.",
        {
            "C1": "The least: products of R1.",
            "C2": "Products up to R2.",
            "C3": "Products up to R3.",
            "C4": "Products up to R4.",
            "C5": "The most: products up to R5.",
        },
    ),
    words.RiskRating: (
        "A product's investment risk, lowest first.",
        {
            "R1": "The lowest.",
            "R2": "For C2 and above.",
            "R3": "For C3 and above.",
            "R4": "For C4 and above.",
            "R5": "The highest, for C5 alone.",
        },
    ),
    words.ValueTier: (
        "What a customer is worth to the bank.",
        {"HIGH": "The most.", "MIDDLE": "In between.", "LOW": "The least."},
    ),
    words.WebhookEvent: (
        "What a webhook is told of; in brackets the payload's `type`.",
        {
            "OUTCOME_RECORDED": "An outcome of an offer was recorded (`outcome.recorded`).",
            "OFFER_ACCEPTED": "An offer was accepted; the outcome is told, too (`offer.accepted`).",
            "STAGE_CHANGED": "A customer has come to another lifecycle stage (`customer.stage_changed`).",
            "LIFE_EVENT": "Something has happened in a customer's life (`customer.life_event`).",
            "PLUGIN_FAILED": "A plugin has failed in some way; once a day for each (`plugin.failed`).",
            "PING": "Somebody tries the webhook (`ping`).",
        },
    ),
    Role: (
        "What a viewer is to the bank.",
        {
            "CUSTOMER": "A customer, who sees himself.",
            "RELATIONSHIP_MANAGER": "Serves the customers of his book, and sees no others.",
            "MARKETING": "Sees products, programmes and numbers of groups, and no customer.",
            "PARTNER": "Sees its own programmes.",
            "ADMIN": "Sees everything.",
        },
    ),
}


def register() -> None:
    """Make the vocabularies known to strawberry, before a schema is built of them."""
    for word, (description, values) in DESCRIPTIONS.items():
        described(description, **values)(word)
