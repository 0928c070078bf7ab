"""Every error guanxi raises on purpose.

GuanxiError
├── SettingsError        a setting is missing or contradicts another
├── StoreError
│   ├── StoreUnavailable the store cannot be reached (retry later)
│   └── StoreRefused     the store answered no: credentials, database, version
├── LoadError            nothing was written: a file cannot be read as its format
├── ModelError           a model artefact is missing, broken or of another bank
├── PluginError          a plugin cannot be loaded or breaks the contract
│   └── NotLearnt        what it learns, or how, breaks it; quotes nothing of what was learnt
├── NotFound             a business key that names nothing
├── KeyReused            an idempotency key stands for another input
├── VersionConflict      somebody else has changed it meanwhile
└── StillOpen            a customer has something open, and is not erased
"""

from collections.abc import Sequence


class GuanxiError(Exception):
    """Base of all errors a caller may catch; the text names the thing and the next step."""


class SettingsError(GuanxiError):
    """A setting is missing or contradicts another."""


class StoreError(GuanxiError):
    """The store could not do what was asked."""


class StoreUnavailable(StoreError):
    """The store cannot be reached now; the same call may succeed later."""


class StoreRefused(StoreError):
    """The store was reached and refused: credentials, database name or version."""


class LoadError(GuanxiError):
    """A load stopped before anything was written."""


class ModelError(GuanxiError):
    """A model artefact is missing, broken, or belongs to another catalogue."""


class PluginError(GuanxiError):
    """A plugin cannot be loaded, or breaks the plugin contract."""


class NotLearnt(PluginError):
    """What a plugin learns, or how, breaks the contract; the text quotes nothing of what it has seen."""


def meant(near: Sequence[str]) -> str:
    """Return the question, after a sentence, whether one of some names is meant; nothing without any."""
    return f" Is {' or '.join(near)} meant?" if near else ""


class NotFound(GuanxiError):
    """A business key that names nothing in the graph.

    Attributes:
        kind: what was looked for, such as ``"customer"``.
        key: the business key as given.

    ``why`` follows the key in what is said.
    """

    def __init__(self, kind: str, key: str, near: Sequence[str] = (), why: str = "") -> None:
        super().__init__(f"There is no {kind} {key!r}{why}.{meant(near)}")
        self.kind = kind
        self.key = key


class KeyReused(GuanxiError):
    """An idempotency key was sent with another input than before."""

    def __init__(self) -> None:
        super().__init__("The key stands for another input; send what is new with a new key.")


class VersionConflict(GuanxiError):
    """What was to be changed is of another version than expected.

    Attributes:
        current: its version.
    """

    def __init__(self, current: int) -> None:
        super().__init__(f"Somebody else has changed it: it is version {current}. Read it again, and then decide.")
        self.current = current


class StillOpen(GuanxiError):
    """A customer has something open on credit or an account that is not closed, or guarantees for who has credit.

    Attributes:
        product_codes: what he has open on credit.
        accounts: how many accounts of his are open.
        guarantees: for how many others, who have something open on credit, he is the guarantor.
    """

    def __init__(self, product_codes: Sequence[str], accounts: int, guarantees: int) -> None:
        parts = [f"{', '.join(product_codes)} on credit"] if product_codes else []
        parts += [f"{accounts} account{'s' if accounts > 1 else ''}"] if accounts else []
        parts += [f"{guarantees} guarantee{'s' if guarantees > 1 else ''}"] if guarantees else []
        super().__init__(f"The customer still has open: {' and '.join(parts)}. Close that first, or erase despite it.")
        self.product_codes = product_codes
        self.accounts = accounts
        self.guarantees = guarantees
