// urql with its normalised cache, as a page of customers uses it: node urql.js URL TOKEN
import { Client, fetchExchange, gql } from "@urql/core";
import { cacheExchange } from "@urql/exchange-graphcache";
import { relayPagination } from "@urql/exchange-graphcache/extras";
import { readFileSync } from "node:fs";
import { buildSchema, introspectionFromSchema } from "graphql";
import { CONSENT, DECISION, NODE, PAGE, report } from "./documents.js";

const [url, token] = process.argv.slice(2);
const schema = introspectionFromSchema(buildSchema(readFileSync("../../schema.graphql", "utf8")));
const keys = Object.fromEntries(
  schema.__schema.types
    .filter(({ kind, fields }) => kind === "OBJECT" && !fields.some(({ name }) => name === "id"))
    .map(({ name }) => [name, () => null]),
);
const client = new Client({
  url,
  preferGetMethod: "within-url-limit",
  fetchOptions: { headers: { authorization: `Bearer ${token}` } },
  exchanges: [cacheExchange({ schema, keys, resolvers: { Query: { customers: relayPagination() } } }), fetchExchange],
});

const page = gql(PAGE);
const { data: opened } = await client.query(page, { first: 3 });
const { data } = await client.query(page, { first: 3, after: opened.customers.pageInfo.endCursor });
const [{ node: seen }] = data.customers.edges;

const cached = () => client.readQuery(page, { first: 3 }).data.customers.edges[0].node;
const before = cached();
const input = { customerNo: seen.customerNo, marketing: true, expectedVersion: before.consentVersion };
const { data: written } = await client.mutation(gql(CONSENT), { input });
const { data: found } = await client.query(gql(NODE), { id: seen.id });
const { error } = await client.query(gql(DECISION), {});

report({
  pages: data.customers.edges.map((edge) => edge.node.customerNo),
  total: data.customers.totalCount,
  hasNextPage: data.customers.pageInfo.hasNextPage,
  errors: written.setConsent.errors,
  versions: [before.consentVersion, cached().consentVersion],
  node: found.node.customerNo,
  refused: error.graphQLErrors[0].extensions.code,
});
