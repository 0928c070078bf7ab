"""What a plugin says of itself: who answers for it, what it may see, how it is set, which plugin API it is for."""

import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from pydantic import BaseModel

from graph.errors import PluginError
from loaders.tables import WORD, WORD_FORM
from plugins.texts import is_utf8

API_VERSION: Final = "1.0"
"""The plugin API's own version: the first number changes when a plugin may have to, the second with each addition."""


@dataclass(frozen=True, slots=True)
class About:
    """A plugin, in its own words; what a hook ``about`` returns.

    Attributes:
        version: the plugin's own.
        api: versions of the plugin API that it is for, as a version specifier (PEP 440).
        owner: who is told of its failures, such as a mail address.
        permissions: the kinds of data that it sees, in the words of docs/plugins-view.md; None for all but what
            identifies a customer, what relatives hold, and his segment and scores.
        settings: a pydantic model of its settings; each has a default.
        serves: kinds of programmes that are its own. Once it was loaded, their products are offered to nobody of whom
            no plugin that serves the kind decides.
        guards: purposes of products that its gates are for; the same holds for these products.
    """

    version: str = "1"
    api: str = ">=1,<2"
    owner: str | None = None
    permissions: Collection[str] | None = None
    settings: type[BaseModel] | None = None
    serves: Collection[str] = ()
    guards: Collection[str] = ()

    def check(self) -> None:
        """Return if the plugin can run here.

        Raises:
            PluginError: it is for other versions of the plugin API, or says so in no specifier; or what is its own is
                no collection of words, or of what no kind of programmes can be.
        """
        try:
            fits = API_VERSION in SpecifierSet(self.api)
        except InvalidSpecifier as error:
            raise PluginError(f"its api {self.api!r} is no version specifier") from error
        if not fits:
            raise PluginError(f"it is for the plugin API {self.api}, and this is {API_VERSION}")
        for name, words in (("serves", self.serves), ("guards", self.guards)):
            if isinstance(words, str) or not all(isinstance(word, str) and word and is_utf8(word) for word in words):
                raise PluginError(f"its {name} are {words!r}, which are no collection of words")
        if bad := [word for word in self.serves if not re.fullmatch(WORD, word)]:
            raise PluginError(f"its serves have {', '.join(map(repr, bad))}, and a kind is {WORD_FORM}")
