// Values that JSON cannot hold, and values that are too much: what stands in their place, and how much of them.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { type RedactionOptions, redact } from "../../src/event/redaction.ts";

const R = "[REDACTED]";

function redacted(value: unknown, options: Partial<RedactionOptions> = {}): unknown {
  return JSON.parse(redact(value, { mode: "redacted", ...options }).json ?? "");
}

describe("what JSON cannot hold", () => {
  test("numbers that are no safe integers become their JSON text", () => {
    assert.deepEqual(redacted([1.5, -0, 2 ** 53, 1e21, Number.NaN, Number.POSITIVE_INFINITY, 10n ** 20n]), [
      "1.5",
      0,
      "9007199254740992",
      "1e+21",
      null,
      null,
      "100000000000000000000",
    ]);
  });

  test("lone surrogates and U+0000 become U+FFFD, in names and values", () => {
    assert.deepEqual(redacted({ "a\ud800": "b\udc00c\0" }), { "a\ufffd": "b\ufffdc\ufffd" });
  });

  test("what has no JSON is left out, and null in arrays", () => {
    assert.deepEqual(redacted({ a: undefined, b: () => 1, c: Symbol("c"), d: [undefined, Symbol("d")] }), {
      d: [null, null],
    });
    assert.equal(redact(undefined, { mode: "redacted" }).json, "null");
  });

  test("dates, URLs, maps, sets, boxes and bytes have a form", () => {
    assert.deepEqual(
      redacted({
        date: new Date(0),
        none: new Date(Number.NaN),
        url: new URL("https://bob:hunter2@h.example/"),
        map: new Map([["password", "x"]]),
        set: new Set([1]),
        boxes: [new String("Bearer abc"), new Number(1), new Boolean(false), Object(5n)],
        bytes: new Uint8Array(3),
      }),
      {
        date: "1970-01-01T00:00:00.000Z",
        none: null,
        url: `https://${R}@h.example/`,
        map: { password: R },
        set: [1],
        boxes: [`Bearer ${R}`, 1, false, "5"],
        bytes: "[BYTES 3]",
      },
    );
  });

  test("__proto__, constructor and toString are names like others", () => {
    const value = JSON.parse('{"__proto__":{"password":"x","a":1},"constructor":1,"toString":2}');
    assert.equal(
      redact(value, { mode: "redacted" }).json,
      `{"__proto__":{"a":1,"password":"${R}"},"constructor":1,"toString":2}`,
    );
    assert.equal(({} as { a?: unknown }).a, undefined);
  });

  test("cycles are marked, shared objects are not cycles", () => {
    const shared = { x: 1 };
    const loop: Record<string, unknown> = { a: shared, b: shared };
    loop.self = [loop];
    const result = redact(loop, { mode: "redacted" });
    assert.equal(result.json, '{"a":{"x":1},"b":{"x":1},"self":["[CIRCULAR]"]}');
    assert.equal(result.truncated, true);
  });

  test("what throws when it is read is marked, and the rest is shown", () => {
    const throwing = () => {
      throw new Error("hunter2");
    };
    const { proxy: revoked, revoke } = Proxy.revocable({}, {});
    revoke();
    const value = {
      a: 1,
      get b(): unknown {
        return throwing();
      },
      get password(): unknown {
        return throwing();
      },
      c: new Proxy({}, { ownKeys: throwing }),
      d: new Proxy([], { get: throwing }),
      e: new Proxy({}, { getPrototypeOf: throwing }),
      f: revoked,
    };
    assert.deepEqual(redacted(value), {
      a: 1,
      b: "[UNREADABLE]",
      password: R,
      c: "[UNREADABLE]",
      d: "[UNREADABLE]",
      e: "[UNREADABLE]",
      f: "[UNREADABLE]",
    });
    assert.deepEqual(redact([revoked], { mode: "redacted" }), {
      json: '["[UNREADABLE]"]',
      value: ["[UNREADABLE]"],
      redactions: 0,
      truncated: true,
    });
  });

  test("a million levels are cut at 64", () => {
    let arrays: unknown = "x";
    let objects: unknown = "x";
    for (let level = 0; level < 1_000_000; level++) {
      arrays = [arrays];
      objects = { a: objects };
    }
    for (const value of [arrays, objects, { text: `${"[".repeat(1_000_000)}${"]".repeat(1_000_000)}` }]) {
      const result = redact(value, { mode: "redacted" });
      assert.equal(result.truncated, true);
      assert.ok(result.json?.includes("[TRUNCATED]"));
      assert.doesNotThrow(() => JSON.parse(result.json ?? ""));
    }
    assert.equal(
      redact(arrays, { mode: "redacted" }).json,
      `${"[".repeat(64)}"[TRUNCATED]"${"]".repeat(64)}`,
    );
  });
});

describe("bounds", () => {
  test("long strings give way before members are left out", () => {
    const value = { a: "x".repeat(1_000_000), b: "y ".repeat(50_000), path: "/etc/hosts", zoom: 3 };
    const { json, truncated } = redact(value, { mode: "redacted" });
    const out = JSON.parse(json ?? "");
    assert.deepEqual(Object.keys(out), ["a", "b", "path", "zoom"]);
    assert.match(out.a, /^x{1000,}\[TRUNCATED\]$/);
    assert.equal(out.path, "/etc/hosts");
    assert.equal(truncated, true);
  });

  test("what is left out of an array or object has a marker", () => {
    const { json } = redact(
      { a: Array.from({ length: 1000 }, (_, n) => n), b: 1 },
      { mode: "redacted", maxBytes: 100 },
    );
    assert.match(json ?? "", /^\{"a":\[0,1,2,[0-9,]+,"\[TRUNCATED\]"\],"b":1\}$/);
    const names = Object.fromEntries(Array.from({ length: 1000 }, (_, n) => [`n${n}`, n]));
    assert.equal(
      redact(names, { mode: "redacted", maxBytes: 50 }).json,
      '{"[TRUNCATED]":true,"n0":0,"n1":1,"n2":2,"n3":3}',
    );
  });

  test("a sparse array of four billion elements and a million names are cut", () => {
    const names = Object.fromEntries(Array.from({ length: 1_000_000 }, (_, n) => [`n${n}`, n]));
    for (const value of [new Array(2 ** 32 - 1), names]) {
      const { json, truncated } = redact(value, { mode: "redacted" });
      assert.equal(truncated, true);
      assert.ok(Buffer.byteLength(json ?? "") <= 32_768);
    }
  });

  test("a cut leaves no part of a secret at the end, also where redaction has made room", () => {
    const secret = ["wJalrXUtnFEMI/K7MDENG", "bPxRfiCYEXAMPLEKEY"].join("/");
    const filler = `Bearer ${"z".repeat(92)} `;
    for (let before = 0; before < 1400; before++) {
      const text = `${filler.repeat(17)}${"x ".repeat(before)}${secret} ${"y".repeat(4000)}`;
      const { json } = redact({ text }, { mode: "redacted", maxBytes: 2000 });
      assert.ok(!json?.includes("wJalrX"), `behind ${before} words`);
    }
  });

  test("a cut never goes through a marker or a surrogate pair", () => {
    const key = ["sk", "abcdefgh"].join("-");
    for (let maxBytes = 60; maxBytes < 140; maxBytes++) {
      const { json } = redact(
        { a: `${key} 😀😀😀😀 ${`${key} 😀`.repeat(20)}` },
        { mode: "redacted", maxBytes },
      );
      const text: string = JSON.parse(json ?? "").a;
      assert.match(text.replaceAll(R, "").replace(/\[TRUNCATED\]$/, ""), /^[^[\]]*$/);
      assert.ok(text.isWellFormed() && !text.includes("\ufffd"));
    }
    for (const length of [1, 2, 3, 4]) {
      const { json } = redact(["😀😀😀"], {
        mode: "redacted",
        paths: { "0": { strategy: "truncate", length } },
      });
      assert.ok(!json?.includes("\ufffd"));
    }
  });

  test("a cut text is what it is when it is redacted again, wherever the cut falls", () => {
    const text =
      "Authorization: Bearer abc\nmax_tokens: 100, private: true, password_length=12 'x' {\"token\": [1, 2]} ".repeat(
        9,
      );
    for (let maxBytes = 45; maxBytes < 400; maxBytes++) {
      const { json } = redact({ a: text }, { mode: "redacted", maxBytes });
      assert.equal(redact(JSON.parse(json ?? ""), { mode: "redacted", maxBytes }).json, json);
    }
  });

  test("the smallest bound still gives JSON", () => {
    for (const maxBytes of [-1, 0, 1, 16, 17]) {
      for (const value of [{ a: 1 }, [1], "x".repeat(100), 1, null]) {
        const { json } = redact(value, { mode: "redacted", maxBytes });
        assert.ok(Buffer.byteLength(json ?? "") <= Math.max(16, maxBytes));
        JSON.parse(json ?? "");
      }
    }
    assert.equal(redact(1, { mode: "redacted", maxBytes: 0 }).json, "1");
  });

  test("what fits is not cut: the room of the markers is given back", () => {
    const lists = Array.from({ length: 500 }, () => [[1], { a: 1 }]);
    const unread = Array.from({ length: 500 }, () => new Proxy({}, { ownKeys: () => assert.fail() }));
    for (const value of [lists, Object.fromEntries(Object.entries(lists)), unread]) {
      const whole = redact(value, { mode: "redacted" });
      const room = Buffer.byteLength(whole.json ?? "") + 100;
      assert.ok(redact(value, { mode: "redacted", maxBytes: room }).json === whole.json);
      assert.ok(!whole.json?.includes("[TRUNCATED]"));
    }
  });

  test("a name or label that is cut hides what it would hide when it is read again", () => {
    const twice = (value: unknown, some: Partial<RedactionOptions> = {}) => {
      const once = redacted(value, some);
      assert.deepEqual(redacted(once, some), once);
      return once;
    };
    for (let before = 200; before < 260; before++)
      twice({ [`${"a".repeat(before)}_password_rules_of_every_service_type`]: "x" });
    const truncate = { strategy: "truncate", length: 8 } as const;
    assert.deepEqual(twice({ name: "password_type", value: "x" }, { paths: { name: truncate } }), {
      name: "password...",
      value: R,
    });
    const loop: unknown[] = [];
    loop.push(loop);
    assert.deepEqual(twice(loop, { paths: { "*": { ...truncate, length: 3 } } }), ["[CIRCULAR]"]);
  });
});
