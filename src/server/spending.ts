// Limits and credit, put together: what control has of them, what the trail says was used, and the admission that the
// gateway asks.
import type { Config } from "../config/config.ts";
import type { ControlParts } from "../control/parts.ts";
import type { Facts, Kind } from "../event/fields.ts";
import { answered, failed, type Outcome } from "../event/outcomes.ts";
import type { DurableMark } from "../journal/durable.ts";
import type { Slot } from "../journal/slot.ts";
import { LimitsAdmission } from "../limits/admission.ts";
import { Ledger } from "../limits/ledger.ts";
import { Limiter, type News } from "../limits/limiter.ts";
import { codeOf, LIMIT_NAMES, type Limits, type SubjectType, type Uses } from "../limits/limits.ts";
import type { Reader } from "../read/reader.ts";
import type { Recorder } from "../recorder/recorder.ts";
import { Accounts } from "./accounts.ts";
import { Budgets } from "./budgets.ts";

export interface SpendingOptions {
  readonly config: Pick<Config, "quotas" | "credits">;
  readonly parts: Pick<ControlParts, "credits" | "limits" | "charges">;
  readonly recorder: Recorder;
  readonly slot: Slot;
  readonly durable: DurableMark;
  /** UTC ms. */
  readonly clock?: () => number;
}

export class Spending {
  readonly ledger: Ledger;
  readonly accounts: Accounts;
  readonly admission: LimitsAdmission;
  readonly #limiter: Limiter;
  readonly #clock: () => number;
  readonly #nodeId: string;
  #assumedTokens = 0;

  constructor({ config, parts, recorder, slot, durable, clock = Date.now }: SpendingOptions) {
    const { credits, limits, charges } = parts;
    this.#clock = clock;
    this.#nodeId = slot.nodeId;
    this.ledger = new Ledger(config.credits.required);
    this.#limiter = new Limiter((news) => recorder.log(...eventOf(news)));
    this.configure(config);
    limits.follow((type, id, own) => this.#limiter.set(type, id, own));
    credits.follow((userId, granted) => this.ledger.grant(userId, granted));
    this.accounts = new Accounts({ ledger: this.ledger, copy: charges, recorder, slot, durable });
    this.admission = new LimitsAdmission({
      limiter: this.#limiter,
      ledger: this.ledger,
      clock,
      assumedTokens: () => this.#assumedTokens,
    });
  }

  /** Counts what was used and spent before this process. Call it before anything is admitted. */
  async start(reader: Reader): Promise<void> {
    const budgets = new Budgets(this.#limiter, this.#clock());
    const from = await budgets.takeStored(reader, this.#nodeId);
    await this.accounts.start(reader, from, (row) => budgets.takeUnshipped(row));
  }

  /** The limits that hold for a key or user now, and what of them is used. */
  standing(type: SubjectType, id: string): { readonly limits: Limits; readonly used: Uses } {
    const subject = this.#limiter.subject(type, id);
    const now = this.#clock();
    const used = Object.fromEntries(LIMIT_NAMES.map((name) => [name, subject.used(name, now)]));
    return { limits: subject.limits, used: used as Uses };
  }

  /** What the configuration says of limits and credit, from now on. */
  configure({ quotas, credits }: Pick<Config, "quotas" | "credits">): void {
    this.#limiter.setDefaults({ api_key: quotas.keys, user: quotas.users });
    this.ledger.required = credits.required;
    this.#assumedTokens = credits.assumedMaxTokens;
  }
}

/** News of a limit as an event of kind `quota`. */
function eventOf({
  is,
  subject,
  name,
  limit,
  used,
}: News): [Facts & { kind: Kind; action: string }, Outcome] {
  const isKey = subject.type === "api_key";
  const facts: Facts & { kind: Kind; action: string } = {
    kind: "quota",
    action: is === "near" ? "near_limit" : "violation",
    caller: "system",
    entityType: subject.type,
    entityId: subject.id,
    ...(isKey ? { apiKeyId: subject.id } : { userId: subject.id }),
    name,
    metadata: { limit, used },
  };
  if (is === "near") return [facts, answered(null)];
  return [{ ...facts, quotaViolation: `${isKey ? "key" : "user"}_${name}` }, failed(codeOf(name), name)];
}
