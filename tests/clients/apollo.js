// Apollo Client, as a page of customers uses it: node apollo.js URL TOKEN
import { ApolloClient, HttpLink, InMemoryCache, gql } from "@apollo/client";
import { CombinedGraphQLErrors } from "@apollo/client/errors";
import { relayStylePagination } from "@apollo/client/utilities";
import { filter, firstValueFrom } from "rxjs";
import { CONSENT, DECISION, FIELDS, NODE, PAGE, report } from "./documents.js";

const [url, token] = process.argv.slice(2);
const client = new ApolloClient({
  link: new HttpLink({ uri: url, headers: { authorization: `Bearer ${token}` } }),
  cache: new InMemoryCache({ typePolicies: { Query: { fields: { customers: relayStylePagination() } } } }),
});

const book = client.watchQuery({ query: gql(PAGE), variables: { first: 3 } });
const { data: opened } = await firstValueFrom(book.pipe(filter(({ dataState }) => dataState === "complete")));
await book.fetchMore({ variables: { after: opened.customers.pageInfo.endCursor } });
const { customers } = book.getCurrentResult().data;
const [{ node: seen }] = customers.edges;

const cached = () => client.readFragment({ id: client.cache.identify(seen), fragment: gql(FIELDS) });
const before = cached();
const input = { customerNo: seen.customerNo, marketing: true, expectedVersion: before.consentVersion };
const { data: written } = await client.mutate({ mutation: gql(CONSENT), variables: { input } });
const { data: found } = await client.query({ query: gql(NODE), variables: { id: seen.id }, fetchPolicy: "network-only" });
const refused = await client.query({ query: gql(DECISION) }).catch((error) => error);

report({
  pages: customers.edges.map((edge) => edge.node.customerNo),
  total: customers.totalCount,
  hasNextPage: customers.pageInfo.hasNextPage,
  errors: written.setConsent.errors,
  versions: [before.consentVersion, cached().consentVersion],
  node: found.node.customerNo,
  refused: CombinedGraphQLErrors.is(refused) && refused.errors[0].extensions.code,
});
