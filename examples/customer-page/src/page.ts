/** A relationship manager's page of one customer; it renders anew whenever the cache or the bank has news. */
import type { Client, CombinedError } from "@urql/core";
import { CustomerPageDocument, EarlierInteractionsDocument } from "./__generated__/graphql.js";
import { OffersChangedDocument, SetConsentDocument } from "./__generated__/graphql.js";
import type { CustomerPageQuery } from "./__generated__/graphql.js";

export type Customer = NonNullable<CustomerPageQuery["customer"]>;

/** Keep an element showing the customer until the function that is returned is called. */
export function show(client: Client, customerNo: string, element: HTMLElement): () => void {
  const read = client.query(CustomerPageDocument, { customerNo }).subscribe(({ data, error }) => {
    const customer = data?.customer;
    element.replaceChildren(...(customer ? sections(client, customer) : [text("p", missing(error))]));
  });
  const heard = client.subscription(OffersChangedDocument, { customerNo }).subscribe(() => {});
  return () => [read, heard].forEach(({ unsubscribe }) => unsubscribe());
}

/** Read ten interactions more; the cache puts them before those that are shown. */
export async function showEarlier(client: Client, { customerNo, interactions }: Customer): Promise<void> {
  const before = interactions.pageInfo.startCursor;
  if (before) await client.query(EarlierInteractionsDocument, { customerNo, before });
}

/** Set consent in the version that was read; returns what was wrong, such as a colleague's change in between. */
export async function setConsent(client: Client, customer: Customer, granted: boolean): Promise<string | null> {
  const { customerNo, consentVersion } = customer;
  const input = { customerNo, granted, expectedVersion: consentVersion, idempotencyKey: crypto.randomUUID() };
  const { data, error } = await client.mutation(SetConsentDocument, { input });
  return error?.message ?? data?.setConsent.errors[0]?.message ?? null;
}

function sections(client: Client, customer: Customer): HTMLElement[] {
  const { name, customerNo, lifecycleStage, valueTier, churn } = customer;
  const earlier = text("button", "Earlier");
  earlier.hidden = !customer.interactions.pageInfo.hasPreviousPage;
  earlier.onclick = () => void showEarlier(client, customer);
  const consent = text("button", customer.marketingConsent ? "Stop offers" : "Allow offers");
  consent.onclick = async () => {
    const wrong = await setConsent(client, customer, !customer.marketingConsent);
    if (wrong) consent.after(text("p", wrong));
  };
  return [
    text("h1", name ?? customerNo),
    text("p", `${lifecycleStage}, value ${valueTier}`),
    text("p", churn ? `Leaves within ${churn.horizonMonths} months: ${percent(churn.probability)}` : ""),
    consent,
    list("Offer", customer.offers.map((offer) => `${offer.product.name}: ${offer.reasons.join(" ")}`)),
    list("Holds", customer.holdings.nodes.map(({ product, balance }) => `${product?.name} ${balance ?? ""}`)),
    list("Accounts", customer.accounts.nodes.map((account) => `${account.accountNo} ${account.balance ?? ""}`)),
    list("Related", customer.relations.nodes.map(({ kind, customer: other }) => `${kind} ${other?.name ?? "—"}`)),
    earlier,
    list("Contacts", customer.interactions.edges.map(({ node }) => `${node.at} ${node.channel} ${node.kind}`)),
  ];
}

function list(title: string, items: string[]): HTMLElement {
  const section = document.createElement("section");
  section.append(text("h2", title), ...items.map((item) => text("p", item)));
  return section;
}

function text<Tag extends keyof HTMLElementTagNameMap>(tag: Tag, content: string): HTMLElementTagNameMap[Tag] {
  const element = document.createElement(tag);
  element.textContent = content;
  return element;
}

const percent = (share: number) => `${Math.round(share * 100)} %`;
const missing = (error?: CombinedError) => error?.message ?? "There is no such customer in your book.";
