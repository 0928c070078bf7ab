"""What plugins add to the GraphQL schema, as plain Python: types, checks, names, and how they are asked."""
