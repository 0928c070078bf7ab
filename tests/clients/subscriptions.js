// Listens to a server with one of the clients from npm, as any front-end would, and prints what it was told.
// Usage: node subscriptions.js graphql-ws|graphql-sse URL TOKEN QUERY [MUTATION]
// The mutation is repeated until the subscription tells something: it has no sign that it began.
import { createClient as overEvents } from "graphql-sse";
import { createClient as overSocket } from "graphql-ws";
import WebSocket from "ws";

const [, , name, url, token, query, mutation] = process.argv;
const authorization = `Bearer ${token}`;

const clients = {
  "graphql-ws": () =>
    overSocket({
      url: url.replace("http", "ws"),
      webSocketImpl: WebSocket,
      connectionParams: async () => ({ authorization }),
      retryAttempts: 0,
    }),
  "graphql-sse": () => overEvents({ url, headers: async () => ({ authorization }), retryAttempts: 0 }),
};

async function act(until) {
  const headers = { authorization, "content-type": "application/json" };
  for (let number = 0; !until.done; number++) {
    const variables = { key: `${name} ${number} ${Math.random()}` };
    await fetch(url, { method: "POST", headers, body: JSON.stringify({ query: mutation, variables }) });
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

const client = clients[name]();
const state = { done: false };
const told = { results: [], ended: null };
const acting = mutation && act(state);
try {
  for await (const result of client.iterate({ query })) {
    told.results.push(result);
    if (mutation) break;
  }
  told.ended = "complete";
} catch (error) {
  told.ended = { code: error.code, status: error.response?.status };
}
state.done = true;
await acting;
await client.dispose();
console.log(JSON.stringify(told));
