"""The bank's graph: connection, schema, the Cypher, the records it returns, and the embedded store."""
