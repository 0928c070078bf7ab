// Relay's runtime and store with what its compiler made: node relay.js URL TOKEN
import relay from "relay-runtime";
import book from "./relay/__generated__/documentsBook.graphql.js";
import bookPage from "./relay/__generated__/documentsBookPaginationQuery.graphql.js";
import bookQuery from "./relay/__generated__/documentsBookQuery.graphql.js";
import consent from "./relay/__generated__/documentsConsentMutation.graphql.js";
import nodeQuery from "./relay/__generated__/documentsNodeQuery.graphql.js";
import whyQuery from "./relay/__generated__/documentsWhyQuery.graphql.js";
import { report } from "./documents.js";

const { Environment, Network, RecordSource, Store } = relay;
const [url, token] = process.argv.slice(2);

async function fetched({ text: query }, variables) {
  const headers = { "content-type": "application/json", authorization: `Bearer ${token}` };
  const answer = await fetch(url, { method: "POST", headers, body: JSON.stringify({ query, variables }) });
  return answer.json();
}

const environment = new Environment({ network: Network.create(fetched), store: new Store(new RecordSource()) });
const ask = (query, variables = {}) => relay.fetchQuery(environment, query, variables).toPromise();

const operation = relay.createOperationDescriptor(bookQuery, { first: 3 });
environment.retain(operation);
await ask(bookQuery, { first: 3 });
const { data: root } = environment.lookup(operation.fragment);
const shown = () => environment.lookup(relay.getSingularSelector(book, root)).data.customers;

await ask(bookPage, { first: 3, after: shown().pageInfo.endCursor });
const [{ node: seen }] = shown().edges;
const input = { customerNo: seen.customerNo, marketing: true, expectedVersion: seen.consentVersion };
const written = await new Promise((onCompleted, onError) =>
  relay.commitMutation(environment, { mutation: consent, variables: { input }, onCompleted, onError }),
);
const found = await ask(nodeQuery, { id: seen.id, ids: [seen.id] });
const refused = await ask(whyQuery).catch((error) => error);

report({
  pages: shown().edges.map(({ node }) => node.customerNo),
  total: shown().totalCount,
  hasNextPage: shown().pageInfo.hasNextPage,
  errors: written.setConsent.errors,
  versions: [seen.consentVersion, shown().edges[0].node.consentVersion],
  node: found.node.customerNo,
  refused: refused.source.errors[0].extensions.code,
});
