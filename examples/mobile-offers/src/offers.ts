/** The offers of the customer who opened the app, and word to the bank of what becomes of them. */
import { ApolloClient, ApolloLink, HttpLink, InMemoryCache } from "@apollo/client";
import { RetryLink } from "@apollo/client/link/retry";
import { MobileOffersDocument, RecordOutcomeDocument } from "./__generated__/graphql.js";
import type { MobileOffersQuery, OfferCardFragment, OutcomeKind } from "./__generated__/graphql.js";

export type Customer = NonNullable<MobileOffersQuery["viewer"]["customer"]>;

export function makeClient(url: string, token: string): ApolloClient {
  const http = new HttpLink({ uri: url, headers: { authorization: `Bearer ${token}` } });
  return new ApolloClient({ link: ApolloLink.from([new RetryLink(), http]), cache: new InMemoryCache() });
}

/** The bearer of the token with his offers; null where the token is no customer's. */
export async function load(client: ApolloClient, first = 3): Promise<Customer | null> {
  const { data } = await client.query({
    query: MobileOffersDocument,
    variables: { first },
    fetchPolicy: "network-only", // offers are decided anew each time
  });
  return data?.viewer.customer ?? null;
}

/** Tell what became of an offer. The link sends it again after a lost connection; by its key it counts once. */
export async function tell(client: ApolloClient, offer: OfferCardFragment, outcome: OutcomeKind): Promise<void> {
  const { data } = await client.mutate({
    mutation: RecordOutcomeDocument,
    variables: { input: { offerId: offer.id, outcome, channel: "MOBILE", idempotencyKey: crypto.randomUUID() } },
  });
  const [wrong] = data?.recordOutcome.errors ?? [];
  if (wrong) throw new Error(`${wrong.code}: ${wrong.message} (${wrong.path.join(".")})`);
}

export function card(offer: OfferCardFragment): string {
  return [`${offer.rank}. ${offer.product.name}`, ...offer.reasons.map((reason) => `   ${reason}`)].join("\n");
}
