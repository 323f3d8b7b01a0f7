import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { test } from "node:test";
import fc from "fast-check";
import { DaybookError } from "../../src/event/errors.ts";
import { type Cell, FIELDS, type FieldName, KINDS, STATUSES } from "../../src/event/fields.ts";
import { encodeCursor } from "../../src/query/cursor.ts";
import { type EventQuery, filterNames } from "../../src/query/filter.ts";
import { parseFilter, parseQuery, refuseParameters, writeQuery } from "../../src/query/parameters.ts";
import { PARAMETERS } from "../../src/query/vocabulary.ts";

const NOW = Date.UTC(2026, 0, 31, 12, 0, 0);

function query(text: string): EventQuery {
  return parseQuery(new URLSearchParams(text), NOW);
}

function refusal(
  text: string,
  read: (parameters: URLSearchParams, now: number) => unknown = parseQuery,
): string {
  try {
    read(new URLSearchParams(text), NOW);
  } catch (error) {
    assert.ok(error instanceof DaybookError, String(error));
    assert.equal(error.code, "bad_query");
    return error.detail;
  }
  return assert.fail(`${text} was not refused`);
}

test("no parameters ask for the newest 100", () => {
  assert.deepEqual(query(""), { where: {}, limit: 100 });
});

test("every scalar field filters by its name", () => {
  const samples: { readonly [name in FieldName]?: [text: string, cell: Cell] } = {
    event_id: ["01890a5d-ac96-774b-bcce-b302099a8057", "01890a5d-ac96-774b-bcce-b302099a8057"],
    parent_event_id: ["01890a5d-ac96-774b-bcce-b302099a8057", "01890a5d-ac96-774b-bcce-b302099a8057"],
    node_id: ["0123456789abcdef", "0123456789abcdef"],
    kind: ["mcp", "mcp"],
    status: ["timeout", "timeout"],
    caller: ["cli", "cli"],
    policy_decision: ["deny", "deny"],
    client_ip: ["::1", "::1"],
    method: ["GET", "GET"],
    timestamp: ["2026-01-31T12:00:00Z", NOW],
    recorded_at: [String(NOW), NOW],
  };
  for (const { name, type } of FIELDS) {
    if (type === "json") continue;
    const [text, cell] =
      samples[name] ??
      (type === "integer" ? ["404", 404] : type === "boolean" ? ["true", true] : ["abc", "abc"]);
    assert.deepEqual(query(`${name}=${text}`).where, { [name]: [cell] }, name);
  }
});

test("a repeated parameter means any of its values, each once", () => {
  assert.deepEqual(query("status=error&model=a&status=timeout&status=error").where, {
    status: ["error", "timeout"],
    model: ["a"],
  });
});

test("an empty value asks for events without one", () => {
  assert.deepEqual(query("model=&model=a&streaming=&status_code=").where, {
    model: [null, "a"],
    streaming: [null],
    status_code: [null],
  });
  assert.match(refusal("kind="), /^kind always has a value/);
});

test("zero and false are values, not absence", () => {
  assert.deepEqual(query("prompt_tokens=0&streaming=false").where, {
    prompt_tokens: [0],
    streaming: [false],
  });
});

test("integers and booleans are read strictly", () => {
  for (const text of ["-1", "1.5", "1e3", "0x10", " 1", "١", "9007199254740993"]) {
    assert.match(
      refusal(`duration_ms=${encodeURIComponent(text)}`),
      /^duration_ms must be a whole number from 0 to 9007199254740991/,
    );
  }
  assert.equal(query("cost_micros=9007199254740991").where.cost_micros?.[0], Number.MAX_SAFE_INTEGER);
  assert.match(refusal("status_code=600"), /from 0 to 599, not "600"/);
  for (const text of ["TRUE", "1", "yes"])
    assert.match(refusal(`streaming=${text}`), /^streaming must be true or false/);
});

test("limit is 1 to 1000", () => {
  assert.equal(query("limit=1").limit, 1);
  assert.equal(query("limit=1000").limit, 1000);
  for (const text of ["0", "-1", "1001", "abc", "", "1e2"]) {
    assert.equal(
      refusal(`limit=${text}`),
      `limit must be a whole number from 1 to 1000, not ${JSON.stringify(text)}.`,
    );
  }
});

test("bounds are ISO 8601 with a zone, milliseconds, or spans before now", () => {
  const bounds: [text: string, instant: number][] = [
    ["2026-01-31T12:00:00Z", NOW],
    ["2026-01-31T12:00Z", NOW],
    ["2026-01-31t12:00:00.000z", NOW],
    ["2026-01-31T14:00:00%2B02:00", NOW],
    ["2026-01-31T14:00:00+02:00", NOW],
    ["2026-01-31T06:30:00-05:30", NOW],
    ["2026-01-31T12:00:00.25Z", NOW + 250],
    ["2024-02-29T00:00:00Z", Date.UTC(2024, 1, 29)],
    [String(NOW), NOW],
    ["0", 0],
    ["30s", NOW - 30_000],
    ["10m", NOW - 600_000],
    ["2h", NOW - 7_200_000],
    ["7d", NOW - 604_800_000],
    ["0s", NOW],
    ["999999999d", 0],
  ];
  for (const [text, instant] of bounds) {
    assert.equal(query(`since=${text}`).since, instant, text);
    assert.equal(query(`until=${text}`).until, instant, text);
  }
});

test("what is finer than a millisecond never widens the bounds", () => {
  assert.equal(query("since=2026-01-31T12:00:00.0001Z").since, NOW + 1);
  assert.equal(query("until=2026-01-31T12:00:00.0009Z").until, NOW);
  for (let ms = 0; ms < 1000; ms++) {
    const text = new Date(NOW + ms).toISOString();
    assert.deepEqual(query(`since=${text}&until=${text}`), {
      where: {},
      since: NOW + ms,
      until: NOW + ms,
      limit: 100,
    });
  }
});

test("a time that does not exist or names no zone is refused", () => {
  const wrong = [
    "2026-01-31T12:00:00",
    "2026-02-30T00:00:00Z",
    "2026-01-01T24:00:00Z",
    "2026-13-01T00:00:00Z",
  ];
  wrong.push(
    "2026-01-01T00:00:00%2B24:00",
    "yesterday",
    "10 m",
    "1w",
    "-1h",
    "",
    "1.5h",
    "99999999999999999",
  );
  for (const text of wrong)
    assert.match(
      refusal(`since=${text}`),
      /^since must be 2026-01-31 \(a whole day, UTC\), 2026-01-31T08:00:00Z/,
      text,
    );
  assert.match(refusal("timestamp=10m"), /^timestamp must be/);
});

test("bounds do not depend on the machine's time zone", () => {
  const script = `import { parseQuery } from ${JSON.stringify(new URL("../../src/query/parameters.ts", import.meta.url).href)};
    const { since, until, where } = parseQuery(new URLSearchParams("since=2026-03-29T01:30:00Z&until=2026-10-25T01:30:00%2B01:00&timestamp=2026-03-29T02:30:00Z"), 0);
    process.stdout.write([since, until, where.timestamp[0]].join());`;
  const expected = [
    Date.UTC(2026, 2, 29, 1, 30),
    Date.UTC(2026, 9, 25, 0, 30),
    Date.UTC(2026, 2, 29, 2, 30),
  ].join();
  for (const TZ of ["UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Pacific/Kiritimati"]) {
    const seen = execFileSync(process.execPath, ["--input-type=module", "-e", script], {
      env: { ...process.env, TZ },
    });
    assert.equal(seen.toString(), expected, TZ);
  }
});

test("the aliases of other trails are understood", () => {
  assert.deepEqual(query("type=tool&success=false&search=abc&operation_name=x&latency_ms>9"), {
    where: { action: ["tool"], name: ["x"] },
    not: { status: ["success"] },
    within: { duration_ms: { least: 10 } },
    text: ["abc"],
    limit: 100,
  });
  assert.deepEqual(query("start_time=1000&end_time=2000&policy=denied&policy_decision=warned"), {
    where: { policy_decision: ["deny", "warn"] },
    since: 1000,
    until: 2000,
    limit: 100,
  });
});

test("a day without a time is the whole day, UTC", () => {
  const day = Date.UTC(2026, 0, 30);
  assert.deepEqual(parseFilter(new URLSearchParams("start_date=2026-01-30&end_date=2026-01-30"), NOW), {
    where: {},
    since: day,
    until: day + 86_400_000 - 1,
  });
  assert.match(refusal("since=2026-02-30"), /^since must be/);
});

test("a sign after the name turns round or compares, with the = of a URL or without", () => {
  const filters: [text: string, filter: object][] = [
    ["model!=gpt-*", { not: { model: [{ glob: "gpt-*" }] } }],
    ["model!=", { not: { model: [null] } }],
    ["total_tokens>=1000", { within: { total_tokens: { least: 1000 } } }],
    ["total_tokens%3E=1000", { within: { total_tokens: { least: 1000 } } }],
    ["total_tokens>1000&total_tokens<2000", { within: { total_tokens: { least: 1001, most: 1999 } } }],
    ["timestamp>2026-01-31T12:00:00%2B00:00", { within: { timestamp: { least: NOW + 1 } } }],
    ["text=rate limit&text!=gpt", { text: ["rate limit"], notText: ["gpt"] }],
  ];
  for (const [text, filter] of filters)
    assert.deepEqual(parseFilter(new URLSearchParams(text), NOW), { where: {}, ...filter }, text);
  assert.match(refusal("model!x=1"), /model!=value/);
  assert.match(refusal("limit>=1"), /^limit takes no >/);
  assert.match(refusal("since>=1"), /^since takes no >=/);
});

test("a star stands for anything, unless it is protected", () => {
  const { where } = query("model=gpt-*&route=gpt-\\*&user_id=DOMAIN\\ana");
  assert.deepEqual(where, { model: [{ glob: "gpt-*" }], route: ["gpt-*"], user_id: ["DOMAIN\\ana"] });
});

test("a text beside parameters narrows with them", () => {
  assert.deepEqual(query(`q=${encodeURIComponent("status:error model:a")}&model=b`), {
    where: { status: ["error"], model: ["a", "b"] },
    limit: 100,
  });
  assert.match(refusal(`q=${encodeURIComponent("status:")}`), /^At 8: Expected a value/);
});

test("pages by number reach the first 10,000 events, and then name the cursor", () => {
  assert.deepEqual(query("offset=200&limit=50"), { where: {}, limit: 50, offset: 200 });
  assert.deepEqual(query("page=3&page_size=50"), { where: {}, limit: 50, offset: 100 });
  assert.deepEqual(query("page=1"), { where: {}, limit: 100 });
  assert.equal(query("offset=10000").offset, 10_000);
  assert.match(refusal("offset=10001"), /follow cursor, in the Link header/);
  assert.match(refusal("page=1000&page_size=1000"), /follow cursor/);
  assert.match(refusal("page=0"), /^page must be a whole number/);
  assert.match(refusal("page=1&offset=0"), /one is enough/);
  assert.match(refusal("limit=1&page_size=1"), /once is enough/);
});

test("a bound, limit or cursor given twice is refused, also under an alias", () => {
  assert.match(refusal("since=1&start_time=1"), /^since is given 2 times/);
  assert.match(refusal("limit=1&limit=1"), /^limit is given 2 times/);
});

test("since later than until is refused", () => {
  assert.match(refusal("since=2000&until=1999"), /^since is later than until/);
  assert.equal(query("since=2000&until=2000").until, 2000);
});

test("system events are included only when asked for by that word", () => {
  assert.equal(query("include=system").includeSystem, true);
  assert.match(refusal("include=all"), /^include can only be system, not "all"/);
});

test("a value that no event can have is refused with what can be", () => {
  assert.match(refusal("status=eror"), new RegExp(STATUSES.join(", ")));
  assert.match(refusal("kind=llm"), new RegExp(KINDS.join(", ")));
  assert.match(refusal("event_id=7"), /^No event can have event_id "7"/);
});

test("an unknown parameter is refused by name, with the nearest right one", () => {
  assert.equal(refusal("modle=a"), 'There is no parameter "modle" here. Did you mean model?');
  assert.match(refusal("startTime=1"), /Did you mean start_time\?/);
  assert.equal(refusal("zzzzzzzzzzzz=1"), 'There is no parameter "zzzzzzzzzzzz" here.');
  for (const name of ["__proto__", "constructor", "toString", "hasOwnProperty"])
    assert.match(refusal(`${name}=1`), /There is no parameter/);
  assert.match(refusal("metadata=1"), /^metadata holds JSON/);
});

test("counts take filters, no pages; other paths take nothing", () => {
  assert.deepEqual(parseFilter(new URLSearchParams("status=error&since=1h"), NOW), {
    where: { status: ["error"] },
    since: NOW - 3_600_000,
  });
  assert.match(refusal("limit=5", parseFilter), /There is no parameter "limit" here/);
  assert.match(refusal("status=error", refuseParameters), /takes none/);
  assert.doesNotThrow(() => refuseParameters(new URLSearchParams()));
});

test("a cursor continues, and one that was not given out is refused", () => {
  const after = { recordedAt: 5, nodeId: "0123456789abcdef", seq: 3 };
  const asOf = { "0123456789abcdef": 9 };
  const page = query(`cursor=${encodeCursor({ after, asOf })}`);
  assert.deepEqual([page.after, page.asOf], [after, asOf]);
  assert.throws(() => query("cursor=abc"), { code: "bad_cursor" });
});

test("refusals quote no more than the start of a value", () => {
  assert.ok(refusal(`streaming=${"x".repeat(5000)}`).length < 120);
  assert.ok(refusal(`${"😀".repeat(500)}=1`).isWellFormed());
});

test("the names of a filter are told without its values", () => {
  assert.deepEqual(filterNames(query("user_id=mallory&since=1h&include=system")), [
    "user_id",
    "since",
    "include",
  ]);
});

test("every parameter is described once", () => {
  const names = PARAMETERS.map(({ name }) => name);
  assert.equal(new Set(names).size, names.length);
  assert.ok(PARAMETERS.every(({ about }) => about.length > 5));
});

test("a written query reads back as it was, whatever the time", () => {
  const instant = fc.integer({ min: 0, max: 4_000_000_000_000 });
  const where = fc.record(
    {
      model: fc.uniqueArray(fc.option(fc.stringMatching(/^[A-Za-z0-9._:/@+-]{1,20}$/)), {
        minLength: 1,
        maxLength: 3,
      }),
      user_id: fc.uniqueArray(
        fc
          .string({ unit: "grapheme", minLength: 1, maxLength: 20 })
          .filter((text) => /^[^\p{Cc}\p{Zl}\p{Zp}]+$/u.test(text)),
        { minLength: 1, maxLength: 3 },
      ),
      streaming: fc.uniqueArray(fc.option(fc.boolean()), { minLength: 1 }),
      total_tokens: fc.uniqueArray(fc.maxSafeNat(), { minLength: 1, maxLength: 3 }),
      timestamp: fc.uniqueArray(instant, { minLength: 1, maxLength: 3 }),
    },
    { requiredKeys: [] },
  );
  const queries = fc.record(
    {
      where,
      limit: fc.integer({ min: 1, max: 1000 }),
      since: instant,
      includeSystem: fc.constant(true as const),
    },
    { requiredKeys: ["where", "limit"] },
  );
  fc.assert(
    fc.property(queries, fc.boolean(), instant, (asked, paged, now) => {
      const cursor = { after: { recordedAt: 7, nodeId: "ab", seq: 1 }, asOf: { ab: 2 } };
      const whole = paged ? { ...asked, ...cursor } : asked;
      assert.deepEqual(parseQuery(new URLSearchParams(writeQuery(whole).toString()), now), {
        ...whole,
        where: { ...whole.where },
      });
    }),
    { numRuns: 200 },
  );
});

test("no text makes the parser fail with anything but a refusal", () => {
  const names = fc.oneof(fc.constantFrom(...PARAMETERS.map(({ name }) => name)), fc.string());
  fc.assert(
    fc.property(fc.array(fc.tuple(names, fc.string({ unit: "binary" })), { maxLength: 5 }), (pairs) => {
      try {
        parseQuery(new URLSearchParams(pairs), NOW);
      } catch (error) {
        assert.ok(error instanceof DaybookError, String(error));
      }
    }),
    { numRuns: 300 },
  );
});
