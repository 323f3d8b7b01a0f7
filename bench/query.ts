// Questions to 5 million events while 1,000 a second arrive: lists by every index and by none, deep pages, sums. Each
// question is asked as the API asks it, of the reader's threads.
import type { EventFilter, EventQuery } from "../src/query/filter.ts";
import { openReader, type Reader } from "../src/read/reader.ts";
import { type ServedApi, serveApi, TOKENS } from "../test/api/served-api.ts";
import { ALONE, BESIDE_QUESTIONS, besideQuestions, RATE } from "./beside-questions.ts";
import { type FilledStore, filledStore } from "./filled-store.ts";
import { type Bench, interleave, type Measured, number, quantileOf, type Target } from "./harness.ts";
import { NODE_ID, START_MS } from "./traffic.ts";

const EVENTS = 5_000_000;
const QUICK_EVENTS = 100_000;
const DAY_MS = 86_400_000;
const ARRIVAL_MS = 20;
const ARRIVAL_EVENTS = 20;

interface Question {
  readonly name: string;
  readonly of:
    | "an index"
    | "any combination"
    | "a deep page"
    | "24 hours"
    | "all time"
    | "users"
    | "facets"
    | "REST";
  readonly ask: (reader: Reader, now: number, rest: Rest) => Promise<unknown>;
}

/** Asks the API below /admin/audit-logs. */
type Rest = (path: string) => Promise<void>;

const newest =
  (where: EventFilter["where"], more: Partial<EventQuery> = {}) =>
  (reader: Reader) =>
    reader.query({ where, limit: 50, ...more });
const MIDDLE = { recordedAt: START_MS + 30 * DAY_MS, nodeId: NODE_ID, seq: 1 };

const QUESTIONS: readonly Question[] = [
  { of: "an index", name: "everything", ask: newest({}) },
  { of: "an index", name: "the most active user", ask: newest({ user_id: ["user_00000000"] }) },
  { of: "an index", name: "a rare user", ask: newest({ user_id: ["user_000001f2"] }) },
  { of: "an index", name: "a rare key", ask: newest({ api_key_id: ["key_000003e4"] }) },
  { of: "an index", name: "failures", ask: newest({ status: ["error"] }) },
  { of: "an index", name: "a request id that none has", ask: newest({ request_id: ["mine"] }) },
  { of: "any combination", name: "a model", ask: newest({ model: ["model-39"] }) },
  {
    of: "any combination",
    name: "user and failures",
    ask: newest({ user_id: ["user_00000000"], error_code: ["client_disconnected"] }),
  },
  {
    of: "any combination",
    name: "model and failures",
    ask: newest({ model: ["model-39"], status_code: [429] }),
  },
  {
    of: "any combination",
    name: "a model of another provider",
    ask: newest({ model: ["model-1"], provider: ["openai"] }),
  },
  { of: "any combination", name: "an address that none has", ask: newest({ client_ip: ["10.9.9.9"] }) },
  {
    of: "any combination",
    name: "a size that none has, and streaming",
    ask: newest({ request_size: [1], streaming: [true] }),
  },
  {
    of: "any combination",
    name: "user and address that never met",
    ask: newest({ user_id: ["user_00000000"], client_ip: ["10.1.1.0"] }),
  },
  { of: "any combination", name: "no user", ask: newest({ user_id: [null] }) },
  { of: "a deep page", name: "everything, 30 days back", ask: newest({}, { after: MIDDLE }) },
  {
    of: "a deep page",
    name: "a user, 30 days back",
    ask: newest({ user_id: ["user_00000003"] }, { after: MIDDLE }),
  },
  { of: "24 hours", name: "stats", ask: (reader, now) => reader.stats({ where: {}, since: now - DAY_MS }) },
  {
    of: "24 hours",
    name: "stats of a model",
    ask: (reader, now) => reader.stats({ where: { model: ["model-3"] }, since: now - DAY_MS }),
  },
  {
    of: "24 hours",
    name: "histogram by hour",
    ask: (reader, now) => reader.histogram({ where: {}, since: now - DAY_MS, until: now }, 3_600_000),
  },
  { of: "all time", name: "stats", ask: (reader) => reader.stats({ where: {} }) },
  {
    of: "all time",
    name: "stats of failures",
    ask: (reader) => reader.stats({ where: { status: ["error"] } }),
  },
  { of: "all time", name: "models", ask: (reader) => reader.facets({ where: {} }, ["model"], 100) },
  {
    of: "users",
    name: "all of them, all time",
    ask: (reader) => reader.facets({ where: {} }, ["user_id"], 100),
  },
  {
    of: "users",
    name: "stats of one",
    ask: (reader) => reader.stats({ where: { user_id: ["user_000000f0"] } }),
  },
];

/** The same over HTTP, as dashboards and scripts ask, below /admin/audit-logs. */
const PATHS = {
  facets: {
    "eight fields, all time": "/facets",
    "eight fields of failures": "/facets?success=false",
    "eight fields of models by a star": "/facets?model=model-1*",
    "three fields of a user": "/facets?user_id=user_00000000&fields=model,status,kind",
    "users, all time": "/facets?fields=user_id",
    "an address, counted over the newest": "/facets?fields=client_ip",
    "eight fields of free text": "/facets?text=model-3",
  },
  REST: {
    "newest 50": "?limit=50",
    "a text query": `?limit=50&q=${encodeURIComponent("status:error model:model-1* tokens>100 -user:user_00000000")}`,
    "free text that none has": "?limit=50&text=nowhere-to-be-found",
    "numbers in a range": "?limit=50&total_tokens>=100000",
    count: "/count?status=error",
    "stats of all time": "/stats",
    "histogram of a day": "/histogram?DAYS=1",
    "histogram of 60 days": "/histogram?DAYS=60",
    "metrics of a day": "/metrics?DAYS=1",
  },
};

/** The log does not end today: what is asked of so many days says which. */
function dated(path: string, now: number): string {
  return path.replace(/DAYS=(\d+)/, (_, days) => `since=${now - Number(days) * DAY_MS}&until=${now}`);
}

const REST = Object.entries(PATHS).flatMap(([of, paths]) =>
  Object.entries(paths).map(
    ([name, path]): Question => ({
      of: of as keyof typeof PATHS,
      name,
      ask: (_, now, rest) => rest(dated(path, now)),
    }),
  ),
);

/** Of those questions the slowest, as a median over the rounds. */
const BOUNDS: readonly (Pick<Target, "least" | "goal"> & {
  readonly of: Question["of"];
  readonly what: string;
})[] = [
  { of: "an index", what: "newest 50 by an indexed filter", least: 5, goal: 2 },
  { of: "any combination", what: "a page of any combination", least: 50, goal: 25 },
  { of: "a deep page", what: "a deep page", least: 20, goal: 5 },
  { of: "24 hours", what: "stats of 24 hours", least: 10, goal: 5 },
  { of: "all time", what: "stats of all time", least: 50, goal: 20 },
  { of: "facets", what: "facets through REST", least: 50, goal: 25 },
  { of: "REST", what: "a question through REST", least: 60, goal: 30 },
];

export const bench: Bench = {
  name: "query",
  async run({ quick, rounds, say }) {
    const size = quick ? QUICK_EVENTS : EVENTS;
    const filled = await filledStore(size, say);
    const reader = await openReader(filled.address);
    const api = await serveApi([], { reader, now: () => filled.traffic.now });
    const rest = restOf(api);
    const arrivals = startArrivals(filled);
    try {
      const nameOf = ({ of, name }: Question) => `${of}: ${name}`;
      const questions = [...QUESTIONS, ...REST];
      const cases = questions.map((question) => ({
        name: nameOf(question),
        turn: () => answered(question, { reader, rest, filled }, quick ? 3 : 9),
      }));
      const results = await interleave(cases, { rounds, say: () => {} });
      const paths = Object.values(PATHS).flatMap((of) => Object.values(of));
      const now = filled.traffic.now;
      const beside = await besideQuestions(
        filled,
        paths.map((path) => dated(path, now)),
        { quick, rounds, say },
      );
      const ms = (question: Question, measure: string) => results.median(nameOf(question), measure);
      return {
        targets: [
          ...BOUNDS.map(
            ({ of, what, least, goal }): Target => ({
              what,
              measured: Math.max(
                ...questions
                  .filter((question) => question.of === of)
                  .map((question) => ms(question, "p50 ms")),
              ),
              least,
              goal,
              better: "less",
              unit: " ms",
            }),
          ),
          {
            what: "p99 of chat requests while questions run, by that without",
            measured: beside.ratio(BESIDE_QUESTIONS, ALONE, "p99 ms"),
            least: 1.2,
            goal: 1.1,
            better: "less",
            unit: "×",
          },
        ],
        tables: [
          {
            caption: `At ${number(size)} events, while 1,000 a second arrive`,
            head: ["", "", "p50 ms", "worst ms"],
            rows: questions.map((question) => [
              question.of,
              question.name,
              number(ms(question, "p50 ms")),
              number(ms(question, "worst ms")),
            ]),
          },
          {
            caption: `${RATE} chat requests a second to a server of that log, and 1,000 events a second from another process`,
            head: ["", "p50 ms", "p99 ms", "questions/s"],
            rows: [ALONE, BESIDE_QUESTIONS].map((name) => [
              name,
              ...["p50 ms", "p99 ms", "questions/s"].map((measure) => number(beside.median(name, measure))),
            ]),
          },
        ],
      };
    } finally {
      await arrivals.stop();
      // It closes the reader too.
      await api[Symbol.asyncDispose]();
    }
  },
};

async function answered(
  { ask }: Question,
  { reader, rest, filled }: { readonly reader: Reader; readonly rest: Rest; readonly filled: FilledStore },
  times: number,
): Promise<Measured> {
  const taken: number[] = [];
  for (let time = 0; time < times; time++) {
    const startedAt = performance.now();
    await ask(reader, filled.traffic.now, rest);
    taken.push(performance.now() - startedAt);
  }
  return { "p50 ms": quantileOf(taken, 0.5), "worst ms": Math.max(...taken) };
}

function restOf({ url }: ServedApi): Rest {
  const headers = { authorization: `Bearer ${TOKENS.admin}` };
  return async (path) => {
    const response = await fetch(`${url}/admin/audit-logs${path}`, { headers });
    const text = await response.text();
    if (!response.ok) throw new Error(`${path} was answered ${response.status}: ${text}`);
  };
}

function startArrivals({ store, traffic }: FilledStore): { stop: () => Promise<void> } {
  let last: Promise<unknown> = Promise.resolve();
  const timer = setInterval(() => {
    last = store.append(traffic.next(ARRIVAL_EVENTS));
  }, ARRIVAL_MS);
  return {
    async stop() {
      clearInterval(timer);
      await last;
    },
  };
}
