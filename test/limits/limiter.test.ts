// Limits: exact by count, with an injected clock.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Limiter, type News } from "../../src/limits/limiter.ts";
import { type OwnLimits, withDefaults } from "../../src/limits/limits.ts";

const START = Date.UTC(2026, 0, 31, 23, 58);
const NOTHING = { tokens: 0, costMicros: 0 };

interface Request {
  readonly keyId?: string;
  readonly userId?: string | null;
  readonly tokens?: number;
  readonly costMicros?: number;
}

/** A limiter whose requests are begun and ended by hand. */
function limiterWith(own: OwnLimits, type: "api_key" | "user" = "api_key") {
  const news: string[] = [];
  const limiter = new Limiter(({ is, subject, name, used }: News) =>
    news.push(`${is} ${subject.type} ${subject.id} ${name} ${used}`),
  );
  limiter.set(type, type === "user" ? "ana" : "key", own);
  const admit = (now: number, { keyId = "key", userId = null, tokens = 0, costMicros = 0 }: Request = {}) => {
    const need = { tokens, costMicros };
    const subjects = limiter.subjectsOf({ keyId, userId });
    const obstacle = limiter.obstacle(subjects, { keyId, userId, ...need, least: need }, now);
    if (obstacle !== null) return obstacle;
    limiter.begin(subjects, need, now);
    return { end: (at: number, used = NOTHING) => limiter.end(subjects, need, used, at) };
  };
  const isIn = (now: number, request?: Request) => "end" in admit(now, request);
  return { limiter, news, admit, isIn };
}

test("at 1,000 requests a second, exactly as many get in as the limit says, in every minute there is", () => {
  const { isIn } = limiterWith({ requests_per_minute: 500 });
  const admitted: number[] = [];
  for (let now = START; now < START + 200_000; now++) if (isIn(now)) admitted.push(now);
  // Each full use of the limit is followed by the next when its seconds are over: 200 s hold four.
  assert.equal(admitted.length, 4 * 500);
  for (const [index, at] of admitted.entries()) {
    const later = admitted[index + 500];
    assert.ok(later === undefined || later - at >= 60_000, `501 requests from ${at} to ${later}`);
  }
});

test("requests that run at the same time are exactly as many as the limit says, and an end lets the next one in", () => {
  const { admit } = limiterWith({ concurrent_requests: 3 });
  const running = Array.from({ length: 1000 }, () => admit(START)).flatMap((one) =>
    "end" in one ? [one] : [],
  );
  assert.equal(running.length, 3);
  running[0]?.end(START);
  assert.ok("end" in admit(START));
  assert.ok(!("end" in admit(START)));
});

test("tokens count as what a request may need while it runs, and as what it used from then on", () => {
  const { admit, isIn } = limiterWith({ tokens_per_minute: 1000 });
  const first = admit(START, { tokens: 900 });
  assert.ok("end" in first);
  assert.ok(!isIn(START, { tokens: 101 }));
  first.end(START + 500, { tokens: 50, costMicros: 0 });
  assert.ok(isIn(START + 500, { tokens: 950 }));
  assert.ok(!isIn(START + 500, { tokens: 1 }));
});

test("tokens and cost of days and months are counted by UTC and free again at midnight and on the first", () => {
  for (const [name, need] of Object.entries({
    tokens_per_day: { tokens: 10, costMicros: 0 },
    tokens_per_month: { tokens: 10, costMicros: 0 },
    cost_micros_per_day: { tokens: 0, costMicros: 10 },
    cost_micros_per_month: { tokens: 0, costMicros: 10 },
  })) {
    const { admit, isIn } = limiterWith({ [name]: 100 });
    for (let n = 0; n < 10; n++) {
      const one = admit(START, need);
      assert.ok("end" in one);
      one.end(START, need);
    }
    const refused = admit(START, need);
    assert.ok("waitMs" in refused);
    assert.equal(refused.waitMs, 120_000, name);
    assert.ok(!isIn(START + 119_999, need));
    assert.ok(isIn(START + 120_000, need));
    const month = name.endsWith("month");
    for (let n = 0; n < 9; n++) {
      const one = admit(START + 120_000, need);
      assert.ok("end" in one);
      one.end(START + 120_000, need);
    }
    assert.equal(isIn(START + 120_000 + 86_400_000, { ...need }), !month, `${name} a day later`);
  }
});

test("a refused request holds nothing of any limit", () => {
  const { limiter, admit, isIn } = limiterWith({ concurrent_requests: 1 }, "user");
  limiter.set("api_key", "key", { requests_per_minute: 2, tokens_per_minute: 100 });
  const first = admit(START, { userId: "ana", tokens: 10 });
  assert.ok("end" in first);
  for (let n = 0; n < 50; n++) assert.ok(!isIn(START, { userId: "ana", tokens: 90 }));
  first.end(START, { tokens: 10, costMicros: 0 });
  assert.ok(isIn(START, { userId: "ana", tokens: 90 }));
});

test("a user's limit holds over all of its keys, and another user's requests are not its own", () => {
  const { isIn } = limiterWith({ requests_per_minute: 2 }, "user");
  assert.ok(isIn(START, { keyId: "a", userId: "ana" }));
  assert.ok(isIn(START, { keyId: "b", userId: "ana" }));
  assert.ok(!isIn(START, { keyId: "c", userId: "ana" }));
  assert.ok(isIn(START, { keyId: "c", userId: "björn" }));
  assert.ok(isIn(START, { keyId: "c", userId: null }));
});

test("limits that are set while requests run hold at once; what is not set is as for all", () => {
  const { limiter, admit, isIn } = limiterWith({});
  const running = admit(START);
  assert.ok("end" in running);
  limiter.setDefaults({ api_key: withDefaults({ concurrent_requests: 1 }), user: withDefaults({}) });
  assert.ok(!isIn(START));
  limiter.set("api_key", "key", { concurrent_requests: null });
  assert.ok(isIn(START));
  limiter.set("api_key", "key", { tokens_per_day: 5 });
  assert.ok(!isIn(START));
  limiter.set("api_key", "key", null);
  limiter.setDefaults({ api_key: withDefaults({}), user: withDefaults({}) });
  assert.ok(isIn(START));
});

test("a limit that is near or reached is news once for each subject, limit and window, however many ask", () => {
  const { news, isIn } = limiterWith({ requests_per_minute: 10 });
  for (let n = 0; n < 100; n++) isIn(START);
  assert.deepEqual(news.splice(0), [
    "near api_key key requests_per_minute 8",
    "reached api_key key requests_per_minute 10",
  ]);
  for (let n = 0; n < 100; n++) isIn(START + 59_999);
  assert.deepEqual(news.splice(0), []);
  for (let n = 0; n < 100; n++) isIn(START + 120_000);
  assert.equal(news.length, 2);
});

test("the news of a budget are once a day, from what was used before as well", () => {
  const { limiter, news, admit } = limiterWith({ tokens_per_day: 100 });
  limiter.subject("api_key", "key").restore("day", START, { tokens: 70, costMicros: 0 });
  const use = (now: number, tokens: number) => {
    const one = admit(now, { tokens });
    if ("end" in one) one.end(now, { tokens, costMicros: 0 });
  };
  for (const tokens of [9, 1, 10, 5, 5, 1, 1]) use(START, tokens);
  assert.deepEqual(news, ["near api_key key tokens_per_day 80", "reached api_key key tokens_per_day 100"]);
  for (let n = 0; n < 101; n++) use(START + 120_000, 1);
  assert.equal(news.length, 4);
});

test("what is held is given back exactly, whatever the order of ends", () => {
  const { limiter, admit } = limiterWith({ tokens_per_minute: 1e9, cost_micros_per_day: 1e9 });
  const all = Array.from({ length: 50 }, (_, n) => admit(START, { tokens: n * 7, costMicros: n * 3 }));
  for (const one of all.toSorted(() => -1)) if ("end" in one) one.end(START);
  const subject = limiter.subject("api_key", "key");
  assert.deepEqual(
    [
      subject.held("tokens_per_minute"),
      subject.held("cost_micros_per_day"),
      subject.used("concurrent_requests", START),
    ],
    [0, 0, 0],
  );
});
