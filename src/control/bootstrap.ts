// The first start: one admin token and one API key, so that Daybook can be used at once. `settings` holds how far
// it came: nothing → the token's id → done. A crash in between leaves a token that nobody was shown; the next
// start revokes it, makes another, and goes on.
import { DaybookError } from "../event/errors.ts";
import { insertApiKey, revoke } from "./api-keys.ts";
import type { Change, Control, Reads } from "./control.ts";
import { givenSecret, newSecret, type Secret } from "./secrets.ts";
import { insertToken } from "./tokens.ts";

export interface BootstrapSecrets {
  readonly adminToken: string;
  readonly apiKey: string;
}

/** Secrets to use instead of random ones. */
export type GivenSecrets = { readonly [Name in keyof BootstrapSecrets]?: string | null | undefined };

const ACTOR = { caller: "system" } as const;
const SETTING = "bootstrap";
const DONE = "done";

/**
 * Both secrets when this call finished the first start; null when an earlier one did. `also` is done in the change
 * that finishes it.
 */
export async function completeFirstStart(
  control: Pick<Control, "change" | "reads" | "clock">,
  given: GivenSecrets,
  also: (change: Change) => Promise<void> = async () => {},
): Promise<BootstrapSecrets | null> {
  const { reads, clock } = control;
  const found = await stage(reads);
  if (found === DONE) return null;
  const { token, key } = secretsFrom(given);
  const live = await reads
    .selectFrom("tokens")
    .select("id")
    .where("hash", "=", token.hash)
    .where("revoked_at", "is", null)
    .executeTakeFirst();

  let reached = found;
  if (reached !== null && live?.id !== reached) {
    const unseen = reached;
    const entry = {
      action: "token_revoked",
      entityType: "token",
      justification: "The first start did not finish.",
    };
    await control.change(ACTOR, entry, async (change) => {
      // Finished by another process meanwhile, the token has been shown.
      if ((await stage(change)) !== unseen) return null;
      const row = await change
        .selectFrom("tokens")
        .select("revoked_at")
        .where("id", "=", unseen)
        .executeTakeFirst();
      if (row?.revoked_at !== null) return null;
      return revoke(change, "tokens", unseen, clock());
    });
  }
  if (reached === null || live?.id !== reached) {
    const before = reached;
    await control.change(ACTOR, { action: "token_created", entityType: "token" }, async (change) => {
      if ((await stage(change)) !== before) return null;
      const made = await insertToken(change, { name: "first admin token", role: "admin" }, token, clock());
      await reach(change, made.entityId);
      reached = made.entityId;
      return made;
    });
  }
  const finished = await control.change(
    ACTOR,
    { action: "api_key_created", entityType: "api_key" },
    async (change) => {
      // Another process may have gone further meanwhile: then the secrets are its own to show.
      if ((await stage(change)) !== reached) return null;
      await reach(change, DONE);
      await also(change);
      return insertApiKey(change, { name: "first API key" }, key, clock());
    },
  );
  return finished ? { adminToken: token.text, apiKey: key.text } : null;
}

/** null: nothing was begun; the id of the token that was made; or DONE, also when there is something already. */
async function stage(database: Reads): Promise<string | null> {
  const setting = await database
    .selectFrom("settings")
    .select("value")
    .where("name", "=", SETTING)
    .executeTakeFirst();
  if (setting !== undefined) return setting.value;
  const token = await database.selectFrom("tokens").select("id").executeTakeFirst();
  const key = await database.selectFrom("api_keys").select("id").executeTakeFirst();
  return token === undefined && key === undefined ? null : DONE;
}

async function reach(change: Change, value: string): Promise<void> {
  await change
    .insertInto("settings")
    .values({ name: SETTING, value })
    .onConflict((conflict) => conflict.column("name").doUpdateSet({ value }))
    .execute();
}

function secretsFrom({ adminToken, apiKey }: GivenSecrets): { token: Secret; key: Secret } {
  const secret = (given: string | null | undefined, kind: "dbk" | "dbt", source: string) =>
    given === undefined || given === null ? newSecret(kind) : givenSecret(given, source);
  const token = secret(adminToken, "dbt", "DAYBOOK_BOOTSTRAP_ADMIN_TOKEN");
  const key = secret(apiKey, "dbk", "DAYBOOK_BOOTSTRAP_API_KEY");
  if (token.hash === key.hash)
    throw new DaybookError("weak_secret", "DAYBOOK_BOOTSTRAP_API_KEY, the same as the admin token,");
  return { token, key };
}
