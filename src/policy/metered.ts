// From a condition as people write it to one that pays for what it does: the same expression, where each operation is
// handed its operands through the meter. Refuses what may not stand in a condition. Works on the parser's tree, which
// is typed and documented; the result is text again.
import { type ASTNode, serialize } from "@marcbachmann/cel-js";

/** Functions of the meter: their names cannot be written in a condition. */
export const METER_NAMES = {
  weigh: "weigh__",
  range: "range__",
  each: "each__",
  needle: "needle__",
  matches: "matches__",
} as const;

/** Walk through a list or a map. */
const COMPREHENSIONS: ReadonlySet<string> = new Set(["all", "exists", "exists_one", "map", "filter"]);
const METHODS: ReadonlySet<string> = new Set([
  "size",
  "startsWith",
  "endsWith",
  "lowerAscii",
  "upperAscii",
  "trim",
]);
const FUNCTIONS: ReadonlySet<string> = new Set(["size", "int", "double", "string", "bool"]);
/** Take time by their operands; the other operators take none to speak of. */
const WEIGHED: ReadonlySet<string> = new Set(["==", "!=", "<", "<=", ">", ">=", "+"]);
export const MAX_NESTED = 3;

/** All that may be called, for the documentation. */
export const CALLABLE: readonly string[] = [
  "has",
  ...COMPREHENSIONS,
  "contains",
  "matches",
  ...METHODS,
  ...[...FUNCTIONS].filter((name) => !METHODS.has(name)),
];

export interface Metered {
  readonly text: string;
  /** Operations in it. */
  readonly nodes: number;
  /** Patterns of `matches`. */
  readonly patterns: readonly string[];
  /** Whether it looks at the arguments of a call. */
  readonly readsArguments: boolean;
}

/** Refuses, with a sentence for whoever wrote the condition. */
export class Refused extends Error {}

export function metered(ast: ASTNode): Metered {
  const writer = new Writer();
  const rewritten = writer.write(ast, 0);
  return { text: serialize(rewritten), ...writer };
}

class Writer {
  nodes = 0;
  readonly patterns: string[] = [];
  readsArguments = false;

  /** `nested`: comprehensions around it. */
  write(node: ASTNode, nested: number): ASTNode {
    this.nodes++;
    switch (node.op) {
      case "value":
        if (node.args instanceof Uint8Array) throw new Refused("bytes are not part of conditions");
        return node;
      case "id":
        this.readsArguments ||= node.args === "arguments";
        return node;
      case ".":
        return made(node.op, [this.write(node.args[0], nested), node.args[1]]);
      case "!_":
      case "-_":
        return made(node.op, this.write(node.args, nested));
      case "list":
        return made(node.op, this.#all(node.args, nested));
      case "map":
        return made(
          node.op,
          node.args.map((entry) => this.#all(entry, nested)),
        );
      case "call":
        return this.#call(node.args[0], node.args[1], node, nested);
      case "rcall":
        return this.#method(...node.args, nested);
      case ".?":
      case "[?]":
        throw new Refused("optional access is not part of conditions");
      case "in": {
        const [item, range] = node.args;
        return made("in", [this.#weighed(item, nested), call("range", this.write(range, nested))]);
      }
      default: {
        const parts = WEIGHED.has(node.op)
          ? node.args.map((part) => this.#weighed(part, nested))
          : this.#all(node.args, nested);
        return made(node.op, parts);
      }
    }
  }

  #all(nodes: readonly ASTNode[], nested: number): ASTNode[] {
    return nodes.map((node) => this.write(node, nested));
  }

  #weighed(node: ASTNode, nested: number): ASTNode {
    const written = this.write(node, nested);
    return node.op === "value" ? written : call("weigh", written);
  }

  #call(name: string, parts: readonly ASTNode[], node: ASTNode, nested: number): ASTNode {
    // It looks whether there is a member, and nothing else may stand in it.
    if (name === "has") {
      for (const part of parts) new Reader(this).read(part);
      return node;
    }
    if (!FUNCTIONS.has(name)) throw new Refused(`there is no function ${name}() in conditions`);
    return made("call", [name, parts.map((part) => this.#weighed(part, nested))]);
  }

  #method(name: string, receiver: ASTNode, parts: readonly ASTNode[], nested: number): ASTNode {
    if (COMPREHENSIONS.has(name)) return this.#comprehension(name, receiver, parts, nested);
    const from = this.#weighed(receiver, nested);
    if (name === "contains") {
      const needles = parts.map((part) => call("needle", this.write(part, nested)));
      return made("rcall", [name, from, needles]);
    }
    if (name === "matches") return this.#matches(this.write(receiver, nested), parts);
    if (!METHODS.has(name)) throw new Refused(`there is no method ${name}() in conditions`);
    return made("rcall", [name, from, parts.map((part) => this.#weighed(part, nested))]);
  }

  #matches(receiver: ASTNode, [pattern, ...more]: readonly ASTNode[]): ASTNode {
    if (pattern?.op !== "value" || typeof pattern.args !== "string" || more.length > 0)
      throw new Refused("matches() needs its pattern as a text that is written out");
    this.patterns.push(pattern.args);
    return call("matches", receiver, pattern);
  }

  #comprehension(name: string, receiver: ASTNode, parts: readonly ASTNode[], nested: number): ASTNode {
    if (nested >= MAX_NESTED)
      throw new Refused(`all(), exists(), map() and the like stand at most ${MAX_NESTED} within one another`);
    const range = this.write(receiver, nested);
    const before = this.nodes;
    const [variable, ...body] = parts;
    const inner = this.#all(body, nested + 1);
    // An error shows its place in the text: the longer that is, the longer it takes to make.
    const units = made("value", BigInt(this.nodes - before + 1 + (receiver.input.length >> 5)));
    return made("rcall", [name, call("each", range, units), [variable, ...inner]]);
  }
}

/** Counts what is left as it is. */
class Reader {
  readonly #writer: Writer;

  constructor(writer: Writer) {
    this.#writer = writer;
  }

  read(node: ASTNode): void {
    this.#writer.nodes++;
    if (node.op === ".") this.read(node.args[0]);
    else if (node.op !== "id") throw new Refused("has() needs a member, such as has(arguments.path)");
    else this.#writer.readsArguments ||= node.args === "arguments";
  }
}

function call(name: keyof typeof METER_NAMES, ...parts: readonly ASTNode[]): ASTNode {
  return made("call", [METER_NAMES[name], parts]);
}

/** As much of a node as `serialize` reads. */
function made(op: ASTNode["op"], args: unknown): ASTNode {
  return { op, args } as unknown as ASTNode;
}
