// The parts of control over one control.db, wired once for everybody who needs them.
import { dirname } from "node:path";
import { ApiKeys } from "./api-keys.ts";
import { Catalog } from "./catalog.ts";
import { ChargesCopy } from "./charges.ts";
import { type Control, type ControlOptions, openControl } from "./control.ts";
import { Credits } from "./credits.ts";
import { Erasures } from "./erasures.ts";
import { Holds } from "./holds.ts";
import { IngestNodes } from "./ingest-nodes.ts";
import { SubjectLimits } from "./limits.ts";
import { McpServers } from "./mcp-servers.ts";
import { Passwords, type ScryptCost } from "./passwords.ts";
import { Policies } from "./policies.ts";
import { Schedules } from "./schedules.ts";
import { SecretsAtRest } from "./secrets-at-rest.ts";
import { Sessions } from "./sessions.ts";
import { Tokens } from "./tokens.ts";
import { Users } from "./users.ts";
import { Views } from "./views.ts";

export interface ControlParts {
  readonly control: Control;
  readonly users: Users;
  readonly keys: ApiKeys;
  readonly tokens: Tokens;
  readonly sessions: Sessions;
  readonly credits: Credits;
  readonly limits: SubjectLimits;
  readonly charges: ChargesCopy;
  readonly holds: Holds;
  readonly erasures: Erasures;
  readonly catalog: Catalog;
  readonly mcpServers: McpServers;
  readonly policies: Policies;
  readonly schedules: Schedules;
  readonly views: Views;
  readonly secrets: SecretsAtRest;
  readonly ingestNodes: IngestNodes;
}

export interface PartsOptions extends ControlOptions {
  /** What hashing a password costs; tests take less. */
  readonly scrypt?: ScryptCost | undefined;
  /** DAYBOOK_SECRET_KEY. */
  readonly secretKey?: string | null | undefined;
}

/** Opens control.db and reads what requests are checked against. Rejects as `openControl` throws. */
export async function openParts({
  scrypt,
  secretKey = null,
  ...options
}: PartsOptions): Promise<ControlParts> {
  const control = openControl(options);
  try {
    const passwords = new Passwords(scrypt);
    const users = new Users(control, passwords);
    const keys = new ApiKeys(control, users);
    const tokens = new Tokens(control, users);
    const sessions = new Sessions({ control, users, tokens, passwords });
    const credits = new Credits(control);
    const limits = new SubjectLimits(control);
    const charges = new ChargesCopy(control);
    const holds = new Holds(control);
    const erasures = new Erasures(control);
    const folder = dirname(options.path);
    const secrets = new SecretsAtRest({ folder, given: secretKey });
    const catalog = new Catalog({ control, secrets, folder });
    const policies = new Policies(control);
    const mcpServers = new McpServers({ control, secrets, folder });
    const ingestNodes = new IngestNodes(control);
    await control.load();
    const money = { credits, limits, charges };
    const kept = { holds, erasures, schedules: new Schedules(control), views: new Views(control) };
    return {
      control,
      users,
      keys,
      tokens,
      sessions,
      ...money,
      ...kept,
      catalog,
      mcpServers,
      policies,
      secrets,
      ingestNodes,
    };
  } catch (error) {
    await control.close().catch(() => {});
    throw error;
  }
}
