// A YAML 1.2 file as plain values, and where in it each of them stands. Refusals use sentences of our own: the
// parser's may quote the file, which holds secrets.
import {
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  parseDocument,
  visit,
  type YAMLError,
} from "yaml";
import { DaybookError } from "../event/errors.ts";
import type { OptionPath } from "./options.ts";

export interface YamlFile {
  /** Maps, lists and scalars as they are written; null when the file is empty. */
  readonly tree: unknown;
  /**
   * `file:line:column` of the name or list item at `path`, or of the nearest one around it. `layers` are the
   * places in the file that were merged, the strongest first.
   */
  locate(path: OptionPath, layers: readonly OptionPath[]): string;
}

const SENTENCES: Readonly<Partial<Record<YAMLError["code"] | "ALIAS", string>>> = {
  ALIAS: "anchors and aliases are not supported: write the value out",
  BAD_DQ_ESCAPE: 'a "\\" that is no escape in a double-quoted text',
  BAD_INDENT: "wrong indentation, or a bracket that is not closed",
  BAD_SCALAR_START: "a text that starts with a reserved character: quote it",
  BLOCK_AS_IMPLICIT_KEY: 'two ": " on one line: quote the text, or break the line',
  DUPLICATE_KEY: "the same name twice in one map",
  MISSING_CHAR: "a quote, bracket or separator is missing",
  MULTILINE_IMPLICIT_KEY: 'a name without ":" after it',
  MULTIPLE_DOCS: 'more than one document ("---")',
  TAB_AS_INDENT: "a tab as indentation: use spaces",
  TAG_RESOLVE_FAILED: 'an unknown tag: quote the text if its "!" is meant',
  UNEXPECTED_TOKEN: "text where none can be: quote the value if it holds brackets or quotes",
};

/** Throws `bad_config` with line and column on a syntax error. */
export function parseYaml(text: string, file: string): YamlFile {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const at = (offset: number) => {
    const { line, col } = lines.linePos(offset);
    return `${file}:${line}:${col}`;
  };
  const refuse = (code: keyof typeof SENTENCES, offset: number) => {
    const sentence = SENTENCES[code] ?? `YAML syntax error ${code}`;
    throw new DaybookError("bad_config", `${at(offset)}: ${sentence}.`);
  };
  const [problem] = [...document.errors, ...document.warnings];
  if (problem !== undefined) refuse(problem.code, problem.pos[0]);
  visit(document, { Alias: (_, alias) => refuse("ALIAS", alias.range?.[0] ?? 0) });
  return {
    tree: document.toJS(),
    locate: (path, layers) => at(offsetOf(document, path, layers)),
  };
}

function offsetOf(document: Document.Parsed, path: OptionPath, layers: readonly OptionPath[]): number {
  let places = layers
    .map((layer) => document.getIn(layer, true) as Node | undefined)
    .filter((node) => node !== undefined);
  let offset = places[0]?.range?.[0] ?? 0;
  for (const key of path) {
    const found = places.map((place) => childOf(place, key)).filter((child) => child !== null);
    const strongest = found[0];
    if (strongest === undefined) break;
    // Maps were merged; anything else replaced what is under it.
    const within = found.map(({ value }) => value).filter((value) => value !== null);
    places = isMap(within[0]) ? within.filter(isMap) : within.slice(0, 1);
    offset = strongest.at ?? offset;
  }
  return offset;
}

function childOf(place: Node, key: string | number): { at: number | undefined; value: Node | null } | null {
  if (isMap(place)) {
    const pair = place.items.find((item) => isScalar(item.key) && String(item.key.value) === key);
    if (pair === undefined) return null;
    const name = isScalar(pair.key) ? pair.key.range?.[0] : undefined;
    return { at: name, value: (pair.value as Node | null) ?? null };
  }
  const item = isSeq(place) && typeof key === "number" ? (place.items[key] as Node | undefined) : undefined;
  return item === undefined || isAlias(item) ? null : { at: item.range?.[0], value: item };
}
