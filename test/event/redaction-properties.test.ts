// What holds for every value: the result is canonical, bounded and stable, and no planted secret is in it. And
// what holds for every string: the time grows with its length only.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { describe, test } from "node:test";
import fc from "fast-check";
import { canonicalJson } from "../../src/event/canonical.ts";
import { type PathStrategy, type RedactionOptions, redact, redactText } from "../../src/event/redaction.ts";

const RUNS = { numRuns: 300 };

const names = (file: string) =>
  readFileSync(new URL(`../fixtures/redaction/${file}`, import.meta.url), "utf8")
    .split("\n")
    .filter((line) => line !== "" && !line.startsWith("#") && !line.includes(" = "));
const HIDING = names("names-blanked.txt");
const SHOWING = names("names-kept.txt");

const of = (characters: string, least: number, most = least) =>
  fc.string({ unit: fc.constantFrom(...characters), minLength: least, maxLength: most });
const UPPER = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
const LOWER = UPPER.toLowerCase();
const DIGITS = "0123456789";
const BASE62 = UPPER + LOWER + DIGITS;
const headed = (head: string, characters: string, least: number, most = least) =>
  of(characters, least, most).map((rest) => head + rest);

function luhn(digits: string): string {
  for (const check of DIGITS) {
    let sum = 0;
    for (const [at, digit] of [...(digits + check)].reverse().entries()) {
      const weighed = Number(digit) * (at % 2 === 0 ? 1 : 2);
      sum += weighed > 9 ? weighed - 9 : weighed;
    }
    if (sum % 10 === 0) return digits + check;
  }
  throw new Error("there is always a check digit");
}

const card = fc
  .oneof(
    of(DIGITS, 14).map((rest) => luhn(`4${rest}`)),
    fc
      .tuple(fc.constantFrom("51", "52", "53", "54", "55"), of(DIGITS, 13))
      .map(([head, rest]) => luhn(head + rest)),
  )
  .chain((digits) => fc.constantFrom("", " ", "-").map((space) => (digits.match(/.{4}/g) ?? []).join(space)));

const ssn = fc
  .tuple(fc.integer({ min: 1, max: 899 }), fc.integer({ min: 1, max: 99 }), fc.integer({ min: 1, max: 9999 }))
  .filter(([area]) => area !== 666)
  .map(([area, group, serial]) =>
    [String(area).padStart(3, "0"), String(group).padStart(2, "0"), String(serial).padStart(4, "0")].join(
      "-",
    ),
  );

/** Secrets of each form; each is found by its form alone. */
const formedSecret = fc.oneof(
  headed("Bearer ", `${BASE62}-._~+/`, 12, 40).filter((text) => !/bearer$/i.test(text)),
  fc
    .tuple(of(BASE62, 4, 20), of(BASE62, 8, 20))
    .map((pair) => `Basic ${Buffer.from(pair.join(":")).toString("base64")}`),
  headed("sk-", `${BASE62}_-`, 20, 60),
  headed("sk-ant-api03-", `${BASE62}_-`, 20, 60),
  headed("dbk_", `${BASE62}_-`, 20, 43),
  headed("dbt_", BASE62, 32, 43),
  fc
    .tuple(of(BASE62, 20, 60), of(BASE62, 20, 60), of(BASE62, 20, 43))
    .map((parts) => `eyJ${parts.join(".")}`),
  of(`${BASE62}+/\n`, 40, 200).map(
    (body) => `-----BEGIN PRIVATE KEY-----\n${body}\n-----END PRIVATE KEY-----`,
  ),
  headed("AKIA", UPPER + DIGITS, 16),
  of(BASE62, 37).map((rest) => `Aa1${rest}`),
  fc.constantFrom("ghp_", "gho_", "ghs_").chain((head) => headed(head, BASE62, 36)),
  headed("github_pat_", BASE62, 60),
  headed("xoxb-", `${BASE62}-`, 30, 60),
  headed("AIza", `${BASE62}-_`, 35),
  headed("sk_live_", BASE62, 24),
  headed("npm_", BASE62, 36),
  headed("glpat-", `${BASE62}-_`, 20),
  headed("hf_", BASE62, 34),
  card,
  ssn,
);

/** Text around a secret, and what parts it from the secret. */
const around = fc.oneof(
  fc.constant(""),
  fc.string({ unit: "grapheme", maxLength: 30 }),
  fc.constantFrom("key", "Bearer", "{", "a=b&c", "x: "),
);
const boundary = fc.constantFrom(" ", "\n", ", ", "(", '"', "'", "=", ": ", "<", "\t", "[", "…");
const embedded = (secret: fc.Arbitrary<string>) =>
  fc.tuple(secret, around, boundary, boundary, around).map(([found, before, left, right, after]) => ({
    secret: found,
    text: before + left + found + right + after,
  }));

interface Planted {
  readonly secret: string;
  readonly value: unknown;
}

/** A value that holds a secret somewhere: by its form or under a hiding name, in a value, a name, or JSON in a string. */
const planted: fc.Arbitrary<Planted> = fc
  .oneof(
    embedded(formedSecret).map(({ secret, text }): Planted => ({ secret, value: text })),
    embedded(formedSecret).map(({ secret, text }): Planted => ({ secret, value: { [text]: 1 } })),
    fc.tuple(fc.constantFrom(...HIDING), of(BASE62, 16), fc.nat(4)).map(([name, secret, form]): Planted => {
      const forms = [secret, [secret], { a: [{ b: secret }] }, ` ${secret} `, { [secret]: 1 }];
      return { secret, value: { [name]: forms[form] } };
    }),
    fc
      .tuple(fc.constantFrom(...HIDING), of(BASE62, 16))
      .map(([name, secret]): Planted => ({ secret, value: { name, value: secret } })),
    fc
      .tuple(
        fc.constantFrom(...HIDING.filter((name) => /^[\w-]+$/.test(name))),
        of(BASE62, 16),
        fc.constantFrom("=", ": ", " = ", "="),
      )
      .map(([name, secret, is]): Planted => ({ secret, value: `run ${name}${is}${secret} now` })),
  )
  .chain(({ secret, value }) =>
    fc
      .array(fc.tuple(fc.nat(5), fc.constantFrom(...SHOWING), fc.jsonValue({ maxDepth: 1 })), {
        maxLength: 5,
      })
      .map((wraps) => ({
        secret,
        value: wraps.reduce<unknown>((inner, [wrap, name, other]) => {
          if (wrap <= 1) return [other, inner, name];
          if (wrap === 2) return JSON.stringify({ [name]: inner, other });
          return { other, [name]: inner };
        }, value),
      })),
  );

/** Strings near everything that the rules look for. */
const pieces = fc.constantFrom(
  ...'password,token,key,"max_tokens",author,Authorization,Cookie,private,true,5,=,:,: ,;,&,?,%3D,%26,",\',`,\\,\\",[,],{,},<,>,/,//,@,-,--,-----BEGIN A,-----END A-----,Bearer ,Basic ,sk-abcdefgh,eyJabcdefgh.,4111 1111,1111 1111,123-45-,6789, ,\n,\r\n,  ,\0,\ud800,é,😀,[REDACTED],[TRUNCATED],hmac-sha256:,...'.split(
    ",",
  ),
  ",",
);
const nearMiss = fc
  .array(
    fc.oneof({ weight: 9, arbitrary: pieces }, { weight: 1, arbitrary: fc.string({ unit: "binary" }) }),
    { maxLength: 40 },
  )
  .map((parts) => parts.join(""));

const tree = fc.letrec<{ node: unknown }>((tie) => ({
  node: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    nearMiss,
    fc.anything({
      withBigInt: true,
      withBoxedValues: true,
      withDate: true,
      withMap: true,
      withNullPrototype: true,
      withObjectString: true,
      withSet: true,
      withSparseArray: true,
      withTypedArray: true,
      withUnicodeString: true,
    }),
    formedSecret,
    fc.array(tie("node"), { maxLength: 5 }),
    fc.dictionary(
      fc.oneof(
        fc.constantFrom(
          ...HIDING,
          ...SHOWING,
          "name",
          "key",
          "value",
          "text",
          "element",
          "[TRUNCATED]",
          "__proto__",
        ),
        nearMiss,
      ),
      tie("node"),
      { maxKeys: 5 },
    ),
  ),
})).node;

const strategy: fc.Arbitrary<PathStrategy> = fc.oneof(
  fc.constant({ strategy: "full" } as const),
  fc.constant({ strategy: "hash" } as const),
  fc.record({ strategy: fc.constant("truncate" as const), length: fc.nat(30) }),
);

const options: fc.Arbitrary<RedactionOptions> = fc
  .record({
    maxBytes: fc.oneof(fc.integer({ min: 16, max: 400 }), fc.constant(32_768)),
    paths: fc.dictionary(
      fc.constantFrom("*", "*.*", "0", "name", "value", "password", "path", "*.value"),
      strategy,
      { maxKeys: 2 },
    ),
    hashKey: fc.constantFrom("", "k"),
  })
  .map((some) => ({ mode: "redacted", ...some }));

describe("for every value", () => {
  test("the result is canonical JSON within the bound, in both modes", () => {
    fc.assert(
      fc.property(
        tree,
        options,
        fc.constantFrom("redacted" as const, "shape" as const),
        (value, some, mode) => {
          const { json, value: copy, redactions } = redact(value, { ...some, mode });
          assert.ok(json !== null && Buffer.byteLength(json) <= (some.maxBytes ?? 0));
          assert.equal(canonicalJson(JSON.parse(json)), json);
          assert.equal(canonicalJson(copy), json);
          assert.ok(!json.includes("\0") && Number.isSafeInteger(redactions) && redactions >= 0);
        },
      ),
      RUNS,
    );
  });

  test("redacting the result again changes nothing", () => {
    fc.assert(
      fc.property(tree, options, (value, some) => {
        const once = redact(value, some).json ?? "";
        assert.equal(redact(JSON.parse(once), some).json, once);
      }),
      { numRuns: 1000 },
    );
  });

  test("no planted secret is in the result", () => {
    fc.assert(
      fc.property(planted, fc.constantFrom(100, 1000, 32_768), ({ secret, value }, maxBytes) => {
        for (const mode of ["redacted", "shape"] as const) {
          const { json } = redact(value, { mode, maxBytes });
          assert.ok(!holds(json ?? "", secret));
        }
      }),
      { numRuns: 2000 },
    );
  });

  test("a planted secret counts as a redaction", () => {
    fc.assert(
      fc.property(planted, ({ value }) => assert.ok(redact(value, { mode: "redacted" }).redactions > 0)),
      RUNS,
    );
  });
});

/** Whether `secret` is in the text, however often it is escaped there as JSON in JSON. */
function holds(text: string, secret: string): boolean {
  const bare = (part: string) => part.replace(/\\+(?:n|u[0-9a-f]{4})?/g, "").replaceAll("\n", "");
  return text.includes(secret) || bare(text).includes(bare(secret));
}

describe("for every string", () => {
  test("redaction settles: a second time changes nothing and counts nothing", () => {
    fc.assert(
      fc.property(nearMiss, (text) => {
        const once = redactText(text).text;
        assert.deepEqual(redactText(once), { text: once, redactions: 0 });
      }),
      { numRuns: 2000 },
    );
  });

  test("what has nothing to redact stays as it is", () => {
    const words = fc.array(
      fc.constantFrom("the", "author", "of", "tokenizer", "max", "5", "monkey.", "-", "(a)", "\n", "42,"),
      { maxLength: 60 },
    );
    fc.assert(
      fc.property(words, (some) => assert.equal(redactText(some.join(" ")).text, some.join(" "))),
      RUNS,
    );
  });
});

/** What each rule would have to read again and again, if it did. */
const HOSTILE = [
  ...'A|-|.| |1|1 |/|=|:|%|[|\'|"|\\"|\n|aA|é|----BEGIN |-----BEGIN A|-----BEGIN A-----END |-----END |eyJ|eyJa.|sk-|sk_|dbt_a|MII|AKIA'.split(
    "|",
  ),
  ..."SG.aaaaaaaaaaaaaaaaaaaa.|12345678:AA|1//0|Bearer |Bearer tokens |basic |4111 1111 1111 1111 |41111111111111111111|123-45-".split(
    "|",
  ),
  ...'password:|password: |password="|key=|key:\n|key: |\n|key: [|key: {"|key\n\n:|\n- - key:|tokens:\n\n\n|"key" : \\\\\\"|max_tokens:{|max_tokens: 5 |cookie:|%3D'.split(
    "|",
  ),
  ...'://|a://b:c|a://b:c@|--key |--key "|--a \'|-u a:|-u |password \'|identified by |<a |<a>|<a></|{"a":|[{"token":[|credit card '.split(
    "|",
  ),
];

test("the time grows with the length alone: hostile runs of 100,000 characters end", () => {
  const module = new URL("../../src/event/redaction.ts", import.meta.url).href;
  // In a process of its own, because nothing can interrupt a regular expression.
  const script = `
    import { redact, redactText } from ${JSON.stringify(module)};
    for (const unit of ${JSON.stringify(HOSTILE)}) {
      for (const size of [12_500, 100_000]) redactText(unit.repeat(Math.ceil(size / unit.length)));
      const text = unit.repeat(100_000);
      redact({ [text]: text, list: [text] }, { mode: "redacted" });
    }
    process.stdout.write("done");`;
  const { stdout } = spawnSync(process.execPath, ["--input-type=module", "-e", script], {
    encoding: "utf8",
    timeout: 120_000,
  });
  assert.equal(stdout, "done");
});
