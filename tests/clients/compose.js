// Composes subgraphs as Apollo's router is given them: node compose.js NAME=FILE… prints the supergraph or what is wrong.
import { composeServices } from "@apollo/composition";
import { readFileSync } from "node:fs";
import { parse } from "graphql";

const services = process.argv.slice(2).map((named) => {
  const [name, file] = named.split("=");
  return { name, url: `http://${name}/graphql`, typeDefs: parse(readFileSync(file, "utf8")) };
});
const { errors = [], hints = [], supergraphSdl } = composeServices(services);
console.log(JSON.stringify({ errors: errors.map(String), hints: hints.map(String), supergraphSdl }));
