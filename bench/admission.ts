// What limits and credit cost the thread that serves requests: one admission with its settlement, for many keys and
// users, without any limit and with every kind of it.
import { newEventId } from "../src/event/ids.ts";
import { LimitsAdmission } from "../src/limits/admission.ts";
import { Ledger } from "../src/limits/ledger.ts";
import { Limiter } from "../src/limits/limiter.ts";
import { LIMIT_NAMES, type OwnLimits, withDefaults } from "../src/limits/limits.ts";
import { type Bench, type Case, interleave, type Measured, number } from "./harness.ts";

const KEYS = 10_000;
const USERS = 2000;
const GRANTED = 1e15;
const PRICE = { promptMicros: 150_000, cachedPromptMicros: 75_000, completionMicros: 600_000 };
const USAGE = {
  promptTokens: 900,
  completionTokens: 200,
  totalTokens: 1100,
  cachedTokens: 128,
  reasoningTokens: 0,
};
/** Never reached, so that every request goes the whole way. */
const ALL: OwnLimits = Object.fromEntries(LIMIT_NAMES.map((name) => [name, 1e15]));

export const bench: Bench = {
  name: "admission",
  async run({ quick, rounds, say }) {
    const requests = quick ? 50_000 : 500_000;
    const without = admission({}, false);
    const all = admission(ALL, true);
    const cases: Case[] = [
      { name: "request alone", turn: async () => measure(requests, null) },
      { name: "no limits", turn: async () => measure(requests, without) },
      { name: "every limit of key and user, and credit", turn: async () => measure(requests, all) },
    ];
    const results = await interleave(cases, { rounds, say });
    const cost = (name: string) => results.difference(name, "request alone", "µs");
    return {
      targets: [
        {
          what: "admission and settlement of a request, every limit and credit",
          measured: cost("every limit of key and user, and credit"),
          least: 20,
          goal: 5,
          better: "less",
          unit: " µs",
        },
      ],
      tables: [
        {
          caption: `CPU of the request thread for each request, ${KEYS} keys of ${USERS} users`,
          head: ["", "µs", "requests/s"],
          rows: cases.map(({ name }) => [
            name,
            number(results.median(name, "µs")),
            number(results.median(name, "requests/s")),
          ]),
        },
      ],
    };
  },
};

function admission(own: OwnLimits, withCredit: boolean): { admission: LimitsAdmission; ledger: Ledger } {
  const limiter = new Limiter(() => {});
  limiter.setDefaults({ api_key: withDefaults(own), user: withDefaults(own) });
  const ledger = new Ledger(withCredit);
  if (withCredit) for (let n = 0; n < USERS; n++) ledger.grant(`user-${n}`, GRANTED);
  return {
    admission: new LimitsAdmission({ limiter, ledger, clock: Date.now, assumedTokens: () => 4096 }),
    ledger,
  };
}

/** As the server does it: the event becomes durable a little later. */
function measure(requests: number, made: ReturnType<typeof admission> | null): Measured {
  const startedAt = performance.now();
  const before = process.threadCpuUsage();
  for (let n = 0; n < requests; n++) {
    const ask = {
      eventId: newEventId(),
      keyId: `key-${n % KEYS}`,
      userId: `user-${n % USERS}`,
      action: "chat",
      price: PRICE,
      requestBytes: 4000,
      maxTokens: 500,
    };
    if (made === null) continue;
    const admitted = made.admission.admit(ask);
    if (!admitted.ok) throw new Error(admitted.message);
    const { costMicros } = admitted.settle({ usage: USAGE, charged: true });
    made.ledger.recorded(ask.eventId, ask.userId, costMicros ?? 0);
  }
  const { user, system } = process.threadCpuUsage(before);
  return {
    µs: (user + system) / requests,
    "requests/s": (requests * 1000) / (performance.now() - startedAt),
  };
}
