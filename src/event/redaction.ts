// What of a tool's arguments may be recorded: the one place where anything like content enters an event. It is
// redacted before it is queued, by names, by the tool's schema, by the form of values and by configured paths, and
// bounded in size, depth and work. In doubt a value is hidden. Nothing here does I/O, logs, or throws.
import { Buffer } from "node:buffer";
import { canonicalJson } from "./canonical.ts";
import { TRUNCATED } from "./redaction-fit.ts";
import { type PathStrategy, parsePaths } from "./redaction-paths.ts";
import { NO_SCHEMA, readSchema } from "./redaction-schema.ts";
import { copyOf, type Walk } from "./redaction-walk.ts";
import { Work } from "./redaction-work.ts";

export type { PathStrategy } from "./redaction-paths.ts";
export { REDACTED, type RedactedText } from "./redaction-patterns.ts";
export { redactText } from "./redaction-text.ts";

export interface RedactionOptions {
  /** `none`: nothing is kept. `shape`: names, types and sizes. `redacted`: values too, without the secrets. */
  readonly mode: "none" | "shape" | "redacted";
  /** UTF-8 bytes of the result; 32,768, and never below 16. */
  readonly maxBytes?: number;
  /** JSON Schema of the value: `sensitive`, `x-sensitive`, `writeOnly` and `format: password` hide. */
  readonly schema?: unknown;
  /** Strategies by dotted path, `*` for one segment: `{ "user.email": { strategy: "hash" } }`. */
  readonly paths?: Readonly<Record<string, PathStrategy>>;
  /** Key of the `hash` strategy; without it such values are `[REDACTED]`. */
  readonly hashKey?: string | Uint8Array;
}

export interface RedactionResult {
  /** Canonical JSON (RFC 8785) of `value`, at most `maxBytes`; null in mode `none`. */
  readonly json: string | null;
  /** The same as a value, for `canonicalJson`; null in mode `none`. */
  readonly value: unknown;
  /** How many values, names and parts of strings were redacted in `json`. */
  readonly redactions: number;
  /** Whether anything was cut for its size or depth, or could not be read; a marker stands where. */
  readonly truncated: boolean;
}

const DEFAULT_MAX_BYTES = 32_768;
const LEAST_MAX_BYTES = 16;

/** Redacts one value. For many values of one tool, `createRedactor` reads schema and paths once. */
export function redact(value: unknown, options: RedactionOptions): RedactionResult {
  return createRedactor(options)(value);
}

/**
 * The redactor of one tool. It never throws: fractions and integers beyond 2^53 become their JSON text, dates ISO
 * 8601, U+0000 and lone surrogates U+FFFD, what cannot be read `[UNREADABLE]`, cycles `[CIRCULAR]`; what has no
 * JSON is left out. Redacting its result again, with the same options, changes nothing (mode `redacted`).
 */
export function createRedactor(options: RedactionOptions): (value: unknown) => RedactionResult {
  const { mode } = options;
  if (mode === "none") return () => ({ json: null, value: null, redactions: 0, truncated: false });
  const maxBytes = Math.max(LEAST_MAX_BYTES, Math.floor(options.maxBytes ?? DEFAULT_MAX_BYTES));
  const schema = options.schema === undefined ? NO_SCHEMA : readSchema(options.schema);
  const paths = parsePaths(options.paths ?? {});
  // When not everything fits, long strings give way before members are left out.
  const maxStrings = [maxBytes, maxBytes >> 3, maxBytes >> 6];
  return (value) => {
    const work = new Work();
    for (const [attempt, maxString] of maxStrings.entries()) {
      const walk: Walk = {
        mode,
        schema,
        hashKey: options.hashKey,
        maxString,
        room: maxBytes,
        redactions: 0,
        truncated: false,
        incomplete: false,
        inside: new Set(),
        work,
      };
      const copy = copyOf(walk, value, { depth: 0, schema: schema.root, paths, isElement: false });
      const next = maxStrings[attempt + 1];
      if (walk.incomplete && next !== undefined && work.shortens(next)) continue;
      const json = canonicalJson(copy);
      if (Buffer.byteLength(json) > maxBytes) break;
      return { json, value: copy, redactions: walk.redactions, truncated: walk.truncated };
    }
    return { json: JSON.stringify(TRUNCATED), value: TRUNCATED, redactions: 0, truncated: true };
  };
}
