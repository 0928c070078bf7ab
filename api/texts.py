"""Refuses texts in a document that no store shall be given; ``api.strict_json`` does so for variables."""

from graphql import ASTValidationRule, GraphQLError, StringValueNode

from api.errors import Code


class NoNulls(ASTValidationRule):
    """Refuses the character U+0000, escaped in a document's texts."""

    def enter_string_value(self, node: StringValueNode, *_: object) -> None:
        """Look at a text."""
        if "\0" in node.value:
            message = "A text has the character U+0000."
            self.report_error(GraphQLError(message, node, extensions={"code": Code.BAD_REQUEST.value}))
