"""Which text a request is about: sent, kept from an earlier request, or registered before."""

import hashlib
import logging
from collections import OrderedDict
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Final

from graphql import REMOVE, DocumentNode, FieldNode, GraphQLError, Visitor, parse, print_ast, visit

from api.bodies import GraphQLRequest, Refused
from api.errors import ApiError, Code
from api.manifests import read_manifests, stamp
from graph.errors import SettingsError

logger = logging.getLogger("guanxi.api")

NOT_TRUSTED: Final = "This server runs registered operations only; register this one with guanxi documents register."
CACHED: Final = 500


class PersistedDocuments:
    """Automatic persisted queries, as Apollo's clients send them: a hash, and once its text.

    Source: https://www.apollographql.com/docs/apollo-server/performance/apq.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._texts = OrderedDict[str, str]()

    def found(self, asked: GraphQLRequest) -> GraphQLRequest:
        """Return the request with its text.

        Raises:
            ApiError: PERSISTED_QUERY_NOT_FOUND, upon which a client sends the text; DOCUMENT_NOT_TRUSTED for an id.
            Refused: 400 where the text is another than that of the hash.
        """
        if asked.document_id is not None:
            raise ApiError(Code.DOCUMENT_NOT_TRUSTED, "This server has no registered operations; send the text.")
        if asked.sha256 is None:
            return asked
        if asked.query:
            check_hash(asked)
            self._texts[asked.sha256] = asked.query
        elif asked.sha256 not in self._texts:
            raise ApiError(Code.PERSISTED_QUERY_NOT_FOUND, "PersistedQueryNotFound")
        self._texts.move_to_end(asked.sha256)
        while len(self._texts) > self._most:
            self._texts.popitem(last=False)
        return replace(asked, query=self._texts[asked.sha256])


class TrustedDocuments:
    """Registered operations, by their ids; a text is taken for the one that ``shape`` makes no difference to.

    Where one is not found, the manifests are read again, if they have changed since.
    """

    def __init__(self, manifests: Path, tokens: int) -> None:
        self._manifests = manifests
        self._tokens = tokens
        self._load()

    def found(self, asked: GraphQLRequest) -> GraphQLRequest:
        """Return the request with its text.

        Raises:
            ApiError: DOCUMENT_NOT_TRUSTED.
            Refused: 400 where the text is another than that of the hash.
        """
        check_hash(asked)
        text = self._text(asked)
        if text is None and stamp(self._manifests) != self._stamp:
            self._load_again()
            text = self._text(asked)
        if text is None:
            raise ApiError(Code.DOCUMENT_NOT_TRUSTED, NOT_TRUSTED)
        return replace(asked, query=text)

    def _text(self, asked: GraphQLRequest) -> str | None:
        if asked.query:
            return asked.query if shape(asked.query, self._tokens) in self._shapes else None
        return self._texts.get(asked.document_id or asked.sha256 or "")

    def _load(self) -> None:
        self._stamp = stamp(self._manifests)
        self._texts = read_manifests(self._manifests)
        self._shapes = {shape(text, self._tokens) for text in self._texts.values()}

    def _load_again(self) -> None:
        try:
            self._load()
        except SettingsError as error:
            logger.error("%s What was registered before still runs.", error)  # noqa: TRY400 - a trace says no more


def sha256(text: str) -> str:
    """Return a text's hash, as clients make it."""
    return hashlib.sha256(text.encode()).hexdigest()


def check_hash(asked: GraphQLRequest) -> None:
    """Compare a request's text with its hash.

    Raises:
        Refused: 400.
    """
    if asked.query and asked.sha256 is not None and sha256(asked.query) != asked.sha256:
        raise Refused(400, "The text is not that of `extensions.persistedQuery.sha256Hash`.")


@lru_cache(CACHED)
def shape(text: str, tokens: int) -> str:
    """Return the hash of a document but for layout, order and ``__typename``; of a text that is none, the text's."""
    try:
        document: DocumentNode = visit(parse(text, no_location=True, max_tokens=tokens), _NoTypeNames())
    except GraphQLError:
        return sha256(text)
    return sha256("\n".join(sorted(map(print_ast, document.definitions))))


class _NoTypeNames(Visitor):
    def enter_field(self, node: FieldNode, *_: object) -> object:
        return REMOVE if node.name.value == "__typename" and not node.alias and not node.directives else None
