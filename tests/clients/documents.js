// What every client is given to do with customers, and how it tells what came of it.
export const FIELDS = "fragment Fields on Customer { id customerNo name consentVersion }";

export const PAGE = `query Page($first: Int, $after: String) {
  customers(first: $first, after: $after) {
    totalCount
    edges { cursor node { ...Fields } }
    pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
  }
} ${FIELDS}`;

export const CONSENT = `mutation Consent($input: SetConsentInput!) {
  setConsent(input: $input) { customer { ...Fields } errors { code message path } }
} ${FIELDS}`;

export const NODE = `query Again($id: ID!) { node(id: $id) { id ... on Customer { customerNo } } }`;

export const DECISION = `query Why { decision(customerNo: "nobody", productCode: "nothing") { offered } }`;

const warnings = [];
for (const level of ["warn", "error"]) console[level] = (...said) => warnings.push(said.join(" "));

export const report = (found) => console.log(JSON.stringify({ ...found, warnings }));
