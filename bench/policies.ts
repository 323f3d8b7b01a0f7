// What policies cost the thread that serves requests: a thousand of them, ten of which are about the request and ask
// CEL; and what the costliest request that is stopped takes.
import { Conditions } from "../src/policy/conditions.ts";
import { completePolicy, type PolicyInput, policySchema } from "../src/policy/policy.ts";
import { PolicySet } from "../src/policy/policy-set.ts";
import type { Question } from "../src/policy/question.ts";
import { type Bench, type Case, interleave, type Measured, number } from "./harness.ts";

const POLICIES = 1000;
const ASKED = 10;

const CALL: Question = {
  kind: "mcp",
  action: "tool",
  name: "write_file",
  server: "files",
  model: null,
  route: null,
  userId: "ana",
  apiKeyId: "key_1",
  profile: null,
  caller: "http",
  requestSize: 4000,
  maxTokens: null,
  streaming: false,
  toolCount: 0,
  arguments: {
    path: "/home/ana/notes/2026/november.md",
    content: "Lorem ipsum dolor sit amet, ".repeat(100),
    mode: "overwrite",
    tags: ["notes", "november", "draft"],
    options: { create: true, backup: false, limit: 10 },
  },
};

/** None of them holds, so that all are asked. */
const CONDITIONS = [
  'arguments.path.startsWith("/etc/")',
  'arguments.path.matches("^/(root|boot|proc)/")',
  'arguments.content.contains("BEGIN PRIVATE KEY")',
  'arguments.tags.exists(tag, tag == "secret")',
  "has(arguments.options.force) && arguments.options.force == true",
  'arguments.mode in ["append", "truncate"]',
  'user != "ana" && server == "files"',
  "arguments.options.limit > 1000",
  'arguments.path.endsWith(".exe") || arguments.path.endsWith(".sh")',
  "request_size > 1000000 && name == 'write_file'",
];

/** Written to be stopped as late as can be. */
const HOSTILE: Readonly<Record<string, readonly [condition: string, given: unknown]>> = {
  "pattern with nested repetition": ['arguments.s.matches("(a+)+$")', { s: `${"a".repeat(130_000)}b` }],
  "pattern that defeats the automaton": [
    `arguments.s.matches("${"a?".repeat(80)}${"a".repeat(80)}$")`,
    { s: `${"a".repeat(6300)}b` },
  ],
  "comprehensions within one another, of errors": [
    "arguments.l.exists(x, arguments.l.exists(y, x.absent == y)) || true",
    { l: Array.from({ length: 60 }, (_, index) => index) },
  ],
  "comprehension over a long list": [
    "arguments.l.all(x, x >= 0 && x < 1000000)",
    { l: Array.from({ length: 3300 }, (_, index) => index) },
  ],
  "search in a long text": ['arguments.s.contains("secret")', { s: "s".repeat(3_000_000) }],
};

export const bench: Bench = {
  name: "policies",
  async run({ quick, rounds, say }) {
    const requests = quick ? 2000 : 50_000;
    const cases: Case[] = [
      { name: "no policies", turn: async () => measure(requests, new PolicySet([]), CALL) },
      { name: `${POLICIES}, none about the request`, turn: async () => measure(requests, policies(0), CALL) },
      { name: `${POLICIES}, ${ASKED} asked`, turn: async () => measure(requests, policies(ASKED), CALL) },
      ...Object.entries(HOSTILE).map(([name, [when, given]]) => ({
        name,
        turn: async () =>
          measure(quick ? 3 : 50, set([rule("hostile", { when, match: { kind: "mcp" } })]), {
            ...CALL,
            arguments: given,
          }),
      })),
    ];
    const results = await interleave(cases, { rounds, say });
    return {
      targets: [
        {
          what: `${POLICIES} policies, ${ASKED} of which match and evaluate CEL`,
          measured: results.difference(`${POLICIES}, ${ASKED} asked`, "no policies", "µs"),
          least: 50,
          goal: 20,
          better: "less",
          unit: " µs",
        },
        {
          what: "the costliest request that uses its budget up",
          measured: Math.max(...Object.keys(HOSTILE).map((name) => results.median(name, "µs"))) / 1000,
          least: 50,
          goal: 20,
          better: "less",
          unit: " ms",
        },
      ],
      tables: [
        {
          caption: "CPU of the request thread for each request",
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

function policies(asked: number): PolicySet {
  return set(
    Array.from({ length: POLICIES }, (_, index) => {
      const when = CONDITIONS[index % CONDITIONS.length] as string;
      const kind = ["mcp" as const];
      // A few globs that no table helps with, many tools, servers, users and models.
      if (index < asked) return rule(`asked-${index}`, { when, match: { kind, name: "write_*" } });
      if (index % 100 === 0) return rule(`glob-${index}`, { when, match: { kind, name: `*_${index}` } });
      if (index % 3 === 0) return rule(`model-${index}`, { match: { model: `gpt-${index}-*` } });
      if (index % 3 === 1)
        return rule(`tool-${index}`, { when, match: { kind, name: `tool_${index}`, server: "files" } });
      return rule(`user-${index}`, { when, match: { kind, user: [`user-${index}`, `team-${index}-*`] } });
    }),
  );
}

function rule(name: string, given: Pick<PolicyInput, "when" | "match">) {
  const spec = policySchema.parse({ name, effect: "deny", ...given });
  return completePolicy(spec, { id: null, source: "file" });
}

function set(rules: readonly ReturnType<typeof rule>[]): PolicySet {
  return new PolicySet(rules, new Conditions());
}

function measure(requests: number, asked: PolicySet, question: Question): Measured {
  for (let n = 0; n < requests / 10; n++) asked.decide(question);
  const startedAt = performance.now();
  const before = process.threadCpuUsage();
  for (let n = 0; n < requests; n++) asked.decide(question);
  const { user, system } = process.threadCpuUsage(before);
  return {
    µs: (user + system) / requests,
    "requests/s": (requests * 1000) / (performance.now() - startedAt),
  };
}
