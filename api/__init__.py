"""The GraphQL API over HTTP and WebSocket: schema, authentication, limits."""
