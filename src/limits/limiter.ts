// Whether the limits of a request's key and user let it in, what it holds while it runs, and the news that they are
// near or reached: once for each subject, limit and window. All from memory; times are handed in.
import { Calendar } from "./calendar.ts";
import {
  BUDGETS,
  type DefaultLimits,
  type LimitName,
  NO_DEFAULTS,
  type OwnLimits,
  type SubjectType,
  withDefaults,
} from "./limits.ts";
import { type Need, Subject } from "./subject.ts";

/** A request as limits see it. */
export interface Claim extends Need {
  readonly keyId: string;
  readonly userId: string | null;
  /** What must fit beside what is used and held; less than it holds where its end is only assumed. */
  readonly least: Need;
}

export interface News {
  readonly is: "near" | "reached";
  readonly subject: Subject;
  readonly name: LimitName;
  readonly limit: number;
  readonly used: number;
}

/** The limit that keeps a request out. */
export interface Obstacle {
  readonly subject: Subject;
  readonly name: LimitName;
  readonly limit: number;
  readonly waitMs: number;
}

/** From here on a limit is near. */
const NEAR = 0.8;

export class Limiter {
  readonly #calendar = new Calendar();
  readonly #onNews: (news: News, now: number) => void;
  readonly #subjects = { api_key: new Map<string, Subject>(), user: new Map<string, Subject>() };
  readonly #own = { api_key: new Map<string, OwnLimits>(), user: new Map<string, OwnLimits>() };
  #defaults: DefaultLimits = NO_DEFAULTS;

  constructor(onNews: (news: News, now: number) => void) {
    this.#onNews = onNews;
  }

  /** The limits of all that have none of their own, from now on. */
  setDefaults(defaults: DefaultLimits): void {
    this.#defaults = defaults;
    for (const type of ["api_key", "user"] as const)
      for (const subject of this.#subjects[type].values()) subject.limits = this.#limitsOf(type, subject.id);
  }

  /** The limits of one subject, from now on; null: none of its own. */
  set(type: SubjectType, id: string, own: OwnLimits | null): void {
    if (own === null) this.#own[type].delete(id);
    else this.#own[type].set(id, own);
    const subject = this.#subjects[type].get(id);
    if (subject !== undefined) subject.limits = this.#limitsOf(type, id);
  }

  /** Whether anybody has a budget. */
  get hasBudgets(): boolean {
    const all = [this.#defaults, this.#own].flatMap(({ api_key, user }) => [api_key, user]);
    const limits = all.flatMap((one): OwnLimits[] => (one instanceof Map ? [...one.values()] : [one]));
    return limits.some((one) => BUDGETS.some((name) => typeof one[name] === "number"));
  }

  subject(type: SubjectType, id: string): Subject {
    let subject = this.#subjects[type].get(id);
    if (subject === undefined) {
      subject = new Subject(type, id, this.#limitsOf(type, id), this.#calendar);
      this.#subjects[type].set(id, subject);
    }
    return subject;
  }

  /** The subjects of a request: its key, and its user where it has one. */
  subjectsOf({ keyId, userId }: Pick<Claim, "keyId" | "userId">): readonly Subject[] {
    const key = this.subject("api_key", keyId);
    return userId === null ? [key] : [key, this.subject("user", userId)];
  }

  /** The first limit that stands against the claim; null: none does. */
  obstacle(subjects: readonly Subject[], claim: Claim, now: number): Obstacle | null {
    for (const subject of subjects) {
      for (const { name, limit, of } of subject.set) {
        const amount = of === "requests" ? 1 : of === "tokens" ? claim.least.tokens : claim.least.costMicros;
        if (subject.used(name, now) + subject.held(name) + amount <= limit) continue;
        this.#tell("reached", subject, name, limit, now);
        return { subject, name, limit, waitMs: subject.waitMs(name, now, amount) };
      }
    }
    return null;
  }

  begin(subjects: readonly Subject[], need: Need, now: number): void {
    for (const subject of subjects) {
      subject.begin(now, need);
      this.#tellNear(subject, "requests", now);
    }
  }

  end(subjects: readonly Subject[], held: Need, used: Need, now: number): void {
    for (const subject of subjects) {
      subject.end(now, held, used);
      this.#tellNear(subject, "used", now);
    }
  }

  #tellNear(subject: Subject, when: "requests" | "used", now: number): void {
    for (const { name, limit, of } of subject.set) {
      if ((of === "requests") !== (when === "requests")) continue;
      if (subject.used(name, now) >= limit * NEAR) this.#tell("near", subject, name, limit, now);
    }
  }

  #tell(is: News["is"], subject: Subject, name: LimitName, limit: number, now: number): void {
    if (!subject.tells(name, is, now)) return;
    this.#onNews({ is, subject, name, limit, used: subject.used(name, now) }, now);
  }

  #limitsOf(type: SubjectType, id: string) {
    return withDefaults(this.#own[type].get(id) ?? {}, this.#defaults[type]);
  }
}
