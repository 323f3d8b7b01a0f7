// What a server offers, learnt from the lists that it answers: which members of a tool's arguments its schema calls
// sensitive, and which template a resource belongs to. Descriptions are not kept.
import {
  createRedactor,
  type RedactionOptions,
  type RedactionResult,
  redactText,
} from "../../event/redaction.ts";
import { isObject } from "../../protocols/json-members.ts";
import { resultIn } from "../../protocols/mcp-lists.ts";
import { matchesGlob } from "../globs.ts";

export type ArgumentMode = RedactionOptions["mode"];

/** Lists by the member of the result that holds them. */
const LISTS = { tools: "name", resourceTemplates: "uriTemplate", prompts: "name" } as const;
type List = keyof typeof LISTS;

/** Entries of a list; a server that lists more is not followed. */
const MAX_ENTRIES = 5000;
/** After it was asked, a server is left alone for so long. */
const ASK_AGAIN_MS = 60_000;
/** A name in an event has no more. */
const MAX_NAME = 255;
/** Expressions of a URI template (RFC 6570). */
const EXPRESSION = /\{[^{}]*\}/g;
const LIST_METHODS = new Map<string, List>([
  ["tools/list", "tools"],
  ["resources/templates/list", "resourceTemplates"],
  ["prompts/list", "prompts"],
]);

interface Tool {
  readonly schema: unknown;
  readonly redactors: Map<ArgumentMode, (value: unknown) => RedactionResult>;
}

export class Offers {
  readonly #tools = new Map<string, Tool>();
  /** What nobody listed. */
  readonly #unlisted: Tool = { schema: undefined, redactors: new Map() };
  /** Monotonic, ms. */
  #askedAt = Number.NEGATIVE_INFINITY;
  #asking: Promise<void> | null = null;
  readonly #prompts = new Set<string>();
  /** Template → the same as a glob. */
  readonly #templates = new Map<string, string>();

  /** Whether the answer to `method` is worth reading whole. */
  static lists(method: string): boolean {
    return LIST_METHODS.has(method);
  }

  /** Takes in what answers `method`: the text of a message. What cannot be read is let be. */
  learn(method: string, text: string): void {
    const list = LIST_METHODS.get(method);
    const entries = list === undefined ? undefined : resultIn(text)?.[list];
    if (list === undefined || !Array.isArray(entries)) return;
    for (const entry of entries.slice(0, MAX_ENTRIES)) {
      const name = isObject(entry) ? entry[LISTS[list]] : undefined;
      if (isObject(entry) && typeof name === "string" && name.length <= MAX_NAME)
        this.#put(list, name, entry);
    }
  }

  #put(list: List, name: string, entry: Readonly<Record<string, unknown>>): void {
    if (list === "tools" && this.#tools.size < MAX_ENTRIES)
      this.#tools.set(name, { schema: entry.inputSchema, redactors: new Map() });
    if (list === "prompts" && this.#prompts.size < MAX_ENTRIES) this.#prompts.add(name);
    if (list === "resourceTemplates" && this.#templates.size < MAX_ENTRIES)
      this.#templates.set(name, name.replaceAll(EXPRESSION, "*"));
  }

  /** Names, sorted. */
  get tools(): readonly string[] {
    return [...this.#tools.keys()].sort();
  }

  get prompts(): readonly string[] {
    return [...this.#prompts].sort();
  }

  get templates(): readonly string[] {
    return [...this.#templates.keys()].sort();
  }

  /**
   * Has the server asked for the schema of a tool that no list has shown, once in a while; who wants to know it
   * meanwhile waits for the same answer.
   */
  async know(tool: string, now: number, ask: () => Promise<void>): Promise<void> {
    if (this.#tools.has(tool)) return;
    if (now - this.#askedAt >= ASK_AGAIN_MS) {
      this.#askedAt = now;
      this.#asking = ask();
    }
    await this.#asking;
  }

  /** `value` as an event may hold it, by the schema of the tool `name` where it is known. */
  redact(name: string | null, value: unknown, mode: ArgumentMode): RedactionResult {
    const { schema, redactors } = this.#tools.get(name ?? "") ?? this.#unlisted;
    const redactor = redactors.get(mode) ?? createRedactor({ mode, schema });
    redactors.set(mode, redactor);
    return redactor(value);
  }

  /**
   * What an event calls the resource at `uri`: the template that it belongs to, of several the one that says most of
   * it; else the URI itself, without what may be secret in it.
   */
  resourceName(uri: string): string {
    let best: string | null = null;
    let most = -1;
    for (const [template, glob] of this.#templates) {
      const literal = glob.replaceAll("*", "").length;
      if (literal > most && matchesGlob(glob, uri)) {
        best = template;
        most = literal;
      }
    }
    return best ?? plainUri(uri);
  }
}

/** Without user, query and fragment. */
function plainUri(uri: string): string {
  const [place = ""] = uri.slice(0, 4 * MAX_NAME).split(/[?#]/, 1);
  return redactText(place.replace(/^([A-Za-z][A-Za-z0-9+.-]*:\/\/)[^/@]*@/, "$1")).text.slice(0, MAX_NAME);
}
