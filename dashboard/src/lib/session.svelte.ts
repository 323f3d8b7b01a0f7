// Who is signed in, and what they may see. The server checks every request itself: this only decides what is shown.
import { ask, get, Problem } from "#lib/api.ts";

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
  | { readonly is: "unreachable"; readonly problem: Problem };

class Session {
  #state = $state.raw<State>({ is: "unknown" });

  get state(): State {
    return this.#state;
  }

  get me(): Me | null {
    return this.#state.is === "in" ? this.#state.me : null;
  }

  may(grant: string): boolean {
    return this.me?.grants.includes(grant) ?? false;
  }

  async load(): Promise<void> {
    try {
      this.#state = { is: "in", me: await get<Me>("/me") };
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      this.#state =
        error.status === 401 ? { is: "out", because: null } : { is: "unreachable", problem: error };
    }
  }

  /** By name and password, or by a token. Rejects with the server's Problem. */
  async signIn(given: { name: string; password: string } | { token: string }): Promise<void> {
    await ask("token" in given ? "/auth/login/token" : "/auth/login", { method: "POST", body: given });
    await this.load();
  }

  async signOut(): Promise<void> {
    try {
      await ask("/auth/logout", { method: "POST" });
    } catch (error) {
      if (!(error instanceof Problem) || error.status !== 401) throw error;
    }
    this.#state = { is: "out", because: null };
  }

  /** The server no longer knows the session. */
  ended(): void {
    if (this.#state.is === "in") this.#state = { is: "out", because: "Your session is over. Sign in again." };
  }
}

export const session = new Session();
