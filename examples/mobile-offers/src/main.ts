/** Prints a customer's offers as his phone would show them, and records that they were seen. */
import { card, load, makeClient, tell } from "./offers.js";

const { GUANXI_URL = "http://127.0.0.1:8000/graphql", GUANXI_TOKEN } = process.env;
if (!GUANXI_TOKEN) throw new Error("Set GUANXI_TOKEN to a customer's token.");

const client = makeClient(GUANXI_URL, GUANXI_TOKEN);
const customer = await load(client);
if (!customer) throw new Error("This is no customer's token.");

console.log(`For ${customer.name ?? "you"}:`);
for (const offer of customer.offers) {
  console.log(card(offer));
  await tell(client, offer, "IMPRESSION");
}
for (const bundle of customer.bundles) console.log(`Together: ${bundle.title}`, bundle.benefit ?? "");
