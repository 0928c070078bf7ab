// Compiled by relay-compiler, and never run: connections, refetching, and the store's declarative updates.
import { graphql } from "relay-runtime";

graphql`
  query documentsBookQuery($first: Int!, $after: String) {
    ...documentsBook @arguments(first: $first, after: $after)
  }
`;

graphql`
  fragment documentsBook on Query
  @argumentDefinitions(first: { type: "Int", defaultValue: 3 }, after: { type: "String" })
  @refetchable(queryName: "documentsBookPaginationQuery") {
    customers(first: $first, after: $after) @connection(key: "Book_customers") {
      totalCount
      edges { node { id customerNo consentVersion ...documentsHistory } }
    }
  }
`;

graphql`
  fragment documentsHistory on Customer
  @argumentDefinitions(last: { type: "Int", defaultValue: 5 }, before: { type: "String" })
  @refetchable(queryName: "documentsHistoryPaginationQuery") {
    name
    interactions(last: $last, before: $before) @connection(key: "History_interactions") {
      edges { node { kind at } }
    }
  }
`;

graphql`
  query documentsFilteredQuery($filter: CustomerFilter, $search: String, $orderBy: [CustomerOrder!]) {
    customers(first: 20, filter: $filter, search: $search, orderBy: $orderBy)
      @connection(key: "Filtered_customers", filters: ["filter", "search", "orderBy"]) {
      edges { node { id ...documentsCustomer } }
    }
  }
`;

graphql`
  fragment documentsCustomer on Customer @refetchable(queryName: "documentsCustomerRefetchQuery") {
    name @required(action: LOG)
    valueTier
    offers(first: 3, channel: MOBILE) { id rank reasons product { id name } }
    bundles { id title offers { id } }
  }
`;

graphql`
  query documentsNodeQuery($id: ID!, $ids: [ID!]!) {
    node(id: $id) { __typename id ... on Customer { customerNo } ...documentsCustomer @alias }
    nodes(ids: $ids) { id ... on Product { name } ... on Programme { products { id } } }
  }
`;

graphql`
  mutation documentsConsentMutation($input: SetConsentInput!) @raw_response_type {
    setConsent(input: $input) {
      customer { id consentVersion marketingConsent }
      errors { code message path }
    }
  }
`;

graphql`
  subscription documentsOffersSubscription($customerNo: String!) {
    offersChanged(customerNo: $customerNo) { id ...documentsCustomer }
  }
`;

graphql`
  query documentsWhyQuery {
    decision(customerNo: "nobody", productCode: "nothing") { offered }
  }
`;
