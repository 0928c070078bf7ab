"""The types of the GraphQL schema; strawberry must know the vocabularies before a type that uses one is defined."""

from api.types.words import register

register()
