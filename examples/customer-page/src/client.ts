/** urql with a normalised cache over HTTP, and subscriptions over one WebSocket. */
import { Client, fetchExchange, subscriptionExchange } from "@urql/core";
import { cacheExchange } from "@urql/exchange-graphcache";
import { relayPagination } from "@urql/exchange-graphcache/extras";
import { createClient } from "graphql-ws";

const withoutId = () => null; // what has no id is part of what it hangs on

export function makeClient(url: string, token: () => string): Client {
  const socket = createClient({
    url: url.replace(/^http/, "ws"),
    connectionParams: () => ({ authorization: `Bearer ${token()}` }),
  });
  const cache = cacheExchange({
    keys: {
      Account: withoutId,
      AccountConnection: withoutId,
      Churn: withoutId,
      Holding: withoutId,
      HoldingConnection: withoutId,
      Interaction: ({ interactionId }) => String(interactionId),
      InteractionConnection: withoutId,
      InteractionEdge: withoutId,
      PageInfo: withoutId,
      Relation: withoutId,
      RelationConnection: withoutId,
    },
    resolvers: { Customer: { interactions: relayPagination({ mergeMode: "inwards" }) } },
  });
  return new Client({
    url,
    preferGetMethod: false,
    fetchOptions: () => ({ headers: { authorization: `Bearer ${token()}` } }),
    exchanges: [
      cache,
      fetchExchange,
      subscriptionExchange({
        forwardSubscription: ({ query = "", variables }) => ({
          subscribe: (sink) => ({ unsubscribe: socket.subscribe({ query, variables: variables ?? {} }, sink) }),
        }),
      }),
    ],
  });
}
