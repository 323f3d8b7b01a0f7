// Who is signed in, and what they may see. The server checks every request itself: this only decides what is shown.
import { ask, ClientError, get } from "#lib/api.ts";

/** What a route asks for (src/api/authorize.ts). */
export type Grant = "own" | "audit:read" | "admin";

export interface Me {
  readonly user_id: string | null;
  readonly name: string;
  readonly role: "viewer" | "auditor" | "admin";
  readonly grants: readonly string[];
  readonly token_id: string | null;
  readonly session_id: string | null;
  readonly expires_at: string | null;
}

/** `unknown` until the server has answered; `unreachable` when it did not. */
type State =
  | { readonly is: "unknown" }
  | { readonly is: "in"; readonly me: Me }
  | { readonly is: "out"; readonly because: string | null }
  | { readonly is: "unreachable"; readonly problem: ClientError };

/** Says that this browser was signed in: where it was not, there is no need to ask who is. */
const MARK = "daybook.signed-in";

class Session {
  #state = $state.raw<State>({ is: "unknown" });

  get state(): State {
    return this.#state;
  }

  get me(): Me | null {
    return this.#state.is === "in" ? this.#state.me : null;
  }

  /** Whether they have the grant, or one of them. Events of one's own take a user whose they are. */
  may(grant: Grant | readonly Grant[]): boolean {
    const { grants = [], user_id: userId = null } = this.me ?? {};
    const has = (each: Grant) =>
      grants.includes(each) && (each !== "own" || userId !== null || grants.includes("audit:read"));
    return [grant].flat().some(has);
  }

  /** Who is signed in, if anybody. */
  async start(): Promise<void> {
    let isMarked = true;
    try {
      isMarked = localStorage.getItem(MARK) !== null;
    } catch {
      // No storage, no mark.
    }
    if (isMarked) await this.load();
    else this.#state = { is: "out", because: null };
  }

  async load(): Promise<void> {
    try {
      this.#state = { is: "in", me: await get<Me>("/me") };
    } catch (error) {
      if (!(error instanceof ClientError)) throw error;
      this.#state =
        error.status === 401 ? { is: "out", because: null } : { is: "unreachable", problem: error };
    }
  }

  /** By name and password, or by a token. Rejects with the server's ClientError. */
  async signIn(given: { name: string; password: string } | { token: string }): Promise<void> {
    await ask("token" in given ? "/auth/login/token" : "/auth/login", { method: "POST", body: given });
    mark(true);
    await this.load();
  }

  async signOut(): Promise<void> {
    try {
      await ask("/auth/logout", { method: "POST" });
    } catch (error) {
      if (!(error instanceof ClientError) || error.status !== 401) throw error;
    }
    mark(false);
    this.#state = { is: "out", because: null };
  }

  /** The server no longer knows the session. */
  ended(): void {
    if (this.#state.is === "in") this.#state = { is: "out", because: "Your session is over. Sign in again." };
  }
}

function mark(isIn: boolean): void {
  try {
    if (isIn) localStorage.setItem(MARK, "");
    else localStorage.removeItem(MARK);
  } catch {
    // No storage, no mark.
  }
}

export const session = new Session();
