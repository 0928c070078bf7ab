/** What marketing asks before a campaign: how many may be offered the product, how many take it, what it brings. */
import { ClientError, GraphQLClient } from "graphql-request";
import { CampaignPageDocument } from "./__generated__/graphql.js";
import type { CampaignPageQuery } from "./__generated__/graphql.js";

export type Campaign = CampaignPageQuery["prospects"]["campaigns"][number];

export async function load(url: string, token: string, productCode: string, region?: string): Promise<CampaignPageQuery> {
  const client = new GraphQLClient(url, { headers: { authorization: `Bearer ${token}` } });
  return client.request(CampaignPageDocument, { productCode, region: region ?? null });
}

/** The smallest campaign that brings as many takers as wanted, even if luck is bad; none where all together don't. */
export function smallest(campaigns: readonly Campaign[], takers: number): Campaign | undefined {
  return campaigns.find((campaign) => campaign.takers.low >= takers);
}

/** The page as HTML. */
export function page({ product, prospects, trending }: CampaignPageQuery): string {
  if (!product) return "<p>There is no such product.</p>";
  const rows = prospects.campaigns.map(({ customers, takers, value }) => [
    customers,
    `${round(takers.expected)} (${round(takers.low)}–${round(takers.high)})`,
    round(value.expected),
  ]);
  return [
    `<h1>${escaped(product.name)}</h1>`,
    `<p>${prospects.eligible ?? "Under 20"} customers may be offered it, as of ${prospects.asOf}.</p>`,
    table(["Customers asked", "Takers", "Value a year"], rows),
    table(["Refused by", "Customers"], prospects.refused.map(({ gate, customers }) => [gate, customers])),
    table(["Month", "Openings expected"], product.demand.map(({ month, expected }) => [month, round(expected)])),
    table(["Held together with", "Lift"], product.similar.map(({ product, lift }) => [product.name, lift ?? ""])),
    table(["Trending", "Openings"], trending.map(({ product, openings }) => [product.name, openings])),
  ].join("\n");
}

/** What to tell the reader of a failure; `code` is stable, the message is for people. */
export function failure(error: unknown): string {
  if (!(error instanceof ClientError)) return "The bank cannot be reached.";
  const [first] = error.response.errors ?? [];
  return first?.extensions?.["code"] === "FORBIDDEN" ? "This page is for the bank's staff." : (first?.message ?? "");
}

function table(heads: string[], rows: (string | number)[][]): string {
  const line = (cells: (string | number)[], tag: string) =>
    `<tr>${cells.map((cell) => `<${tag}>${escaped(String(cell))}</${tag}>`).join("")}</tr>`;
  return `<table>${line(heads, "th")}${rows.map((row) => line(row, "td")).join("")}</table>`;
}

const round = (amount: number) => Math.round(amount);
const escaped = (text: string) => text.replace(/[&<>"]/g, (sign) => `&#${sign.charCodeAt(0)};`);
