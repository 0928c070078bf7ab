// The audits of the GraphQL over HTTP specification, one line of JSON each: node audit.js URL TOKEN [FIELD]
// With FIELD, it is asked for wherever an audit asks for __type(name: …), as some do to send variables.
import { serverAudits } from "graphql-http";

const [url, token, field] = process.argv.slice(2);
const instead = (text) => (field ? text.replace("__type(name", field) : text);

function fetchFn(address, options = {}) {
  const asked = new URL(address);
  if (asked.searchParams.has("query")) asked.searchParams.set("query", instead(asked.searchParams.get("query")));
  const headers = { ...options.headers, authorization: `Bearer ${token}` };
  return fetch(asked, { ...options, headers, body: options.body && instead(options.body) });
}

for (const audit of serverAudits({ url, fetchFn })) {
  const { id, name, status, reason } = await audit.fn();
  console.log(JSON.stringify({ id, name, status, reason }));
}
