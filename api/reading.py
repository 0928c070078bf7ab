"""What is done with a request before its operation is run."""

from dataclasses import dataclass

from api.bodies import GraphQLRequest
from api.documents import PersistedDocuments, TrustedDocuments
from api.limits import Limits
from api.request_size import check_size


@dataclass(frozen=True, slots=True)
class Reading:
    """Finds a request's text, within the limits."""

    limits: Limits
    documents: PersistedDocuments | TrustedDocuments

    def found(self, asked: GraphQLRequest) -> GraphQLRequest:
        """Return the request with its text.

        Raises:
            Exceeded: it is too large.
            ApiError: DOCUMENT_NOT_TRUSTED, PERSISTED_QUERY_NOT_FOUND.
            Refused: 400 where the text is another than that of the hash.
        """
        check_size(asked, self.limits)
        return self.documents.found(asked)
