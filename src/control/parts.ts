// The parts of control over one control.db, wired once for everybody who needs them.
import { ApiKeys } from "./api-keys.ts";
import { type Control, type ControlOptions, openControl } from "./control.ts";
import { Passwords, type ScryptCost } from "./passwords.ts";
import { Sessions } from "./sessions.ts";
import { Tokens } from "./tokens.ts";
import { Users } from "./users.ts";

export interface ControlParts {
  readonly control: Control;
  readonly users: Users;
  readonly keys: ApiKeys;
  readonly tokens: Tokens;
  readonly sessions: Sessions;
}

export interface PartsOptions extends ControlOptions {
  /** What hashing a password costs; tests take less. */
  readonly scrypt?: ScryptCost | undefined;
}

/** Opens control.db and reads what requests are checked against. Rejects as `openControl` throws. */
export async function openParts({ scrypt, ...options }: PartsOptions): Promise<ControlParts> {
  const control = openControl(options);
  try {
    const passwords = new Passwords(scrypt);
    const users = new Users(control, passwords);
    const keys = new ApiKeys(control, users);
    const tokens = new Tokens(control, users);
    const sessions = new Sessions(control, users, passwords);
    await control.load();
    return { control, users, keys, tokens, sessions };
  } catch (error) {
    await control.close().catch(() => {});
    throw error;
  }
}
