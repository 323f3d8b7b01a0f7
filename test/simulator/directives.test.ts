import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  type Directives,
  parseDirectives,
  Refusal,
  SIMULATED_FAILURES,
} from "../../src/simulator/directives.ts";

const LIMITS: Record<
  Exclude<keyof Directives, "error_type" | "failure" | "tool">,
  [min: number, max: number]
> = {
  prompt_tokens: [0, 1e9],
  completion_tokens: [0, 1e9],
  cached_tokens: [0, 1e9],
  reasoning_tokens: [0, 1e9],
  first_byte_ms: [0, 3_600_000],
  pace_ms: [0, 3_600_000],
  chunk_tokens: [1, 1e6],
  status: [400, 599],
  retry_after: [0, 86_400],
  after_events: [0, 1e9],
};

function assertRefused(name: string, value: unknown): void {
  assert.throws(
    () => parseDirectives({ [name]: value }),
    (error) => error instanceof Refusal && error.param === `simulate.${name}` && error.message.includes(name),
  );
}

test("a number within its limits is kept, and any other value is refused by the member's name", () => {
  for (const [name, [min, max]] of Object.entries(LIMITS)) {
    for (const value of [min, max]) assert.deepEqual(parseDirectives({ [name]: value }), { [name]: value });
    for (const value of [min - 1, max + 1, min + 0.5, Number.NaN, `${min}`, null]) assertRefused(name, value);
  }
});

test("a failure is one of those that exist, a tool is true or false, an error type is a token", () => {
  for (const failure of SIMULATED_FAILURES) assert.deepEqual(parseDirectives({ failure }), { failure });
  for (const failure of ["", "Reset", 1, null]) assertRefused("failure", failure);
  for (const tool of [0, "true", null]) assertRefused("tool", tool);
  assert.deepEqual(parseDirectives({ tool: true, error_type: "a-B_9." }), {
    tool: true,
    error_type: "a-B_9.",
  });
  for (const type of ["", "two words", "x".repeat(65), 1]) assertRefused("error_type", type);
});

test("none means none", () => {
  assert.deepEqual(parseDirectives(undefined), {});
  assert.deepEqual(parseDirectives(null), {});
});

test("whatever JSON comes, it is taken as it is or refused, and never repeated", () => {
  fc.assert(
    fc.property(fc.jsonValue(), fc.stringMatching(/^canary[0-9]{8}$/), (value, canary) => {
      for (const given of [value, { [canary]: value }, { failure: canary }, { prompt_tokens: value }]) {
        try {
          parseDirectives(given);
        } catch (error) {
          assert.ok(error instanceof Refusal);
          assert.equal(error.message.includes(canary), false);
        }
      }
    }),
  );
});
