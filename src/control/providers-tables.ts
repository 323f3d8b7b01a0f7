// Providers, routes and what providers were found to serve, as tables.

export interface ProvidersTables {
  providers: {
    readonly id: string;
    /** Unique. */
    name: string;
    /** JSON, as it was given (providers/provider.ts), without its secrets. */
    spec: string;
    /** JSON of the secrets, sealed (secrets-at-rest.ts). */
    sealed: string;
    enabled: 0 | 1;
    created_at: number;
    updated_at: number;
  };
  model_routes: {
    readonly id: string;
    /** Unique. */
    model: string;
    /** JSON, as it was given (providers/route.ts). */
    spec: string;
    enabled: 0 | 1;
    created_at: number;
    updated_at: number;
  };
  /** What a provider, of this database or of the configuration file, said that it serves. */
  provider_models: { provider: string /** JSON list, sorted. */; models: string; synced_at: number };
}

export const PROVIDERS_MIGRATION = `
  CREATE TABLE providers (
    id TEXT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    spec TEXT NOT NULL,
    sealed TEXT NOT NULL,
    enabled INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
  ) STRICT;
  CREATE TABLE model_routes (
    id TEXT NOT NULL PRIMARY KEY,
    model TEXT NOT NULL UNIQUE,
    spec TEXT NOT NULL,
    enabled INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
  ) STRICT;
  CREATE TABLE provider_models (
    provider TEXT NOT NULL PRIMARY KEY, models TEXT NOT NULL, synced_at INTEGER NOT NULL
  ) STRICT;`;
