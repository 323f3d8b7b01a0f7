// Of the benches' own, temporary Daybooks.
export const BENCH_TOKEN = "dbt_bench-admin-token-0123456789-abcdefghij";
export const BENCH_KEY = "dbk_bench-api-key-0123456789-ABCDEFGHIJKL";
