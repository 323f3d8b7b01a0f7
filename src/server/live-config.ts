// The configuration as it is in force: some options take effect while Daybook runs, the others at the next start.
// What is in force is what the trail is told of, when it becomes so.
import { X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import type { Config } from "../config/config.ts";
import { changedOptions, effectiveOptions, toldDifference } from "../config/effective.ts";
import type { Actor } from "../control/change.ts";
import { type KeptOptions, recordConfiguration } from "../control/configuration.ts";
import type { ControlParts } from "../control/parts.ts";
import { DaybookError, nativeCode } from "../event/errors.ts";

export interface Reloaded {
  /** Options that differ, and are in force now. */
  readonly changed: readonly string[];
  /** Options that differ, and wait for the next start. */
  readonly needsRestart: readonly string[];
}

export interface LiveConfigOptions {
  readonly config: Config;
  readonly parts: Pick<ControlParts, "control" | "secrets">;
  /** Reads the configuration again; null: it cannot be. */
  readonly load: (() => Promise<Config>) | null;
}

/** Takes part in a reload. */
export interface Follower {
  /** Throws when it could not use `next`: then nothing changes anywhere. */
  readonly check?: (next: Config) => void;
  /** `now` is in force. May not throw. */
  readonly apply: (now: Config) => void;
}

export class LiveConfig {
  readonly #options: LiveConfigOptions;
  readonly #followers: Follower[] = [];
  #config: Config;
  #reloading: Promise<unknown> = Promise.resolve();

  /** Throws `bad_config` when a file that the configuration names cannot be used. */
  constructor(options: LiveConfigOptions) {
    refuseUnreadable(options.config);
    this.#options = options;
    this.#config = options.config;
  }

  /** What is in force. */
  get config(): Config {
    return this.#config;
  }

  /** In the order of reloads. */
  follow(follower: Follower): void {
    this.#followers.push(follower);
  }

  /** What `make` makes of what is in force, made anew after each reload. */
  derived<T>(make: (config: Config) => T): () => T {
    let made = make(this.#config);
    this.follow({
      apply: (now) => {
        made = make(now);
      },
    });
    return () => made;
  }

  /** For the trail and for comparing. */
  get effective(): KeptOptions {
    return this.#effective(this.#config);
  }

  /** Records what differs from the start before. */
  async recordStart(): Promise<void> {
    await this.#record({ caller: "system" }, this.#config);
  }

  /**
   * Reads the configuration again, and puts in force what can be. Rejects with what is wrong with it; then nothing
   * has changed. One at a time.
   */
  reload(actor: Actor): Promise<Reloaded> {
    const reloaded = this.#reloading.then(() => this.#reload(actor));
    this.#reloading = reloaded.catch(() => {});
    return reloaded;
  }

  async #reload(actor: Actor): Promise<Reloaded> {
    const { load } = this.#options;
    if (load === null) throw new DaybookError("bad_config", "cannot be read again here.");
    const next = await load();
    refuseUnreadable(next);
    for (const { check } of this.#followers) check?.(next);
    const now = inForce(this.#config, next);
    const before = this.effective;
    const [changed, all] = [this.#effective(now), this.#effective(next)].map((after) =>
      changedOptions(before, after),
    ) as [string[], string[]];
    await this.#record(actor, now);
    this.#config = now;
    for (const { apply } of this.#followers) apply(now);
    return { changed, needsRestart: all.filter((name) => !changed.includes(name)) };
  }

  #effective(config: Config): KeptOptions {
    return effectiveOptions(config, (secret) => this.#options.parts.secrets.fingerprint(secret));
  }

  async #record(actor: Actor, config: Config): Promise<void> {
    const after = this.#effective(config);
    const { control } = this.#options.parts;
    await recordConfiguration(control, actor, config.file ?? "environment", after, (kept) => {
      const names = changedOptions(kept, after);
      return names.length === 0 ? null : toldDifference(names, kept, after);
    });
  }
}

/** `before`, with those options of `next` that take effect at once. */
function inForce(before: Config, next: Config): Config {
  const { providers, routes, policies, mcp, limits, timeoutsMs, trustedProxies, quotas, credits } = next;
  // A listener speaks HTTPS from its start on, or never.
  const tls = before.tls === null || next.tls === null ? before.tls : next.tls;
  const { userAgent } = next.audit;
  const audit = { ...before.audit, userAgent, mcp: next.audit.mcp };
  const direct = { providers, routes, policies, mcp, limits, timeoutsMs, trustedProxies, quotas, credits };
  return { ...before, ...direct, tls, audit };
}

function refuseUnreadable({ file, providers, mcp }: Config): void {
  const named = [
    ...providers.map(({ name, caFile }) => [`providers.${name}`, caFile] as const),
    ...mcp.servers.map(({ name, caFile }) => [`mcp.servers.${name}`, caFile] as const),
  ];
  for (const [name, caFile] of named) {
    if (caFile === null) continue;
    try {
      new X509Certificate(readFileSync(caFile));
    } catch (error) {
      const what = `ca_file: ${caFile} cannot be read as a certificate (${nativeCode(error)}).`;
      throw new DaybookError("bad_config", `${file ?? "environment"}: ${name}.${what}`, { cause: error });
    }
  }
}
