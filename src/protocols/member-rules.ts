// What the members of a request must be, as a table for each protocol. What Daybook acts upon must mean the same to
// every reader of the body, so ambiguous members are refused.
import { duplicateKey, isObject, type Member } from "./json-members.ts";
import type { Refusal } from "./protocol.ts";

/** What a member must be; what is absent is given as undefined. */
export interface MemberRule {
  readonly must: string;
  readonly is: (value: unknown) => boolean;
}

/** The members that Daybook reads, in the order in which they are checked: made once, since each request is checked. */
export interface MemberRules {
  readonly names: ReadonlySet<string>;
  readonly top: readonly (readonly [name: string, rule: MemberRule])[];
  /** Of members of an object that is a member: `parent.key`. */
  readonly within: readonly {
    readonly name: string;
    readonly parent: string;
    readonly key: string;
    readonly rule: MemberRule;
  }[];
}

/** By name; `a.b` is member b of the object a. */
export type RuleTable = Readonly<Record<string, MemberRule>>;

export function memberRules(table: RuleTable): MemberRules {
  const all = Object.entries(table);
  return {
    names: new Set(all.map(([name]) => name)),
    top: all.filter(([name]) => !name.includes(".")),
    within: all.flatMap(([name, rule]) => {
      const [parent, key] = name.split(".");
      return parent === undefined || key === undefined ? [] : [{ name, parent, key, rule }];
    }),
  };
}

export const REQUIRED_NAME: MemberRule = {
  must: "a non-empty string",
  is: (value) => typeof value === "string" && value !== "",
};
export const REQUIRED_ARRAY: MemberRule = { must: "an array", is: Array.isArray };
// null counts as absent.
export const BOOLEAN: MemberRule = {
  must: "true, false or null",
  is: nullOr((value) => typeof value === "boolean"),
};
export const NUMBER: MemberRule = {
  must: "a number or null",
  is: nullOr((value) => typeof value === "number"),
};
export const ARRAY: MemberRule = { must: "an array or null", is: nullOr(Array.isArray) };
export const OBJECT: MemberRule = { must: "an object or null", is: nullOr(isObject) };

/** Keys in which folding letters changes nothing. */
const PLAIN = /^[a-z0-9_]*$/;

/** Why the request is refused, or null. `membersWithin` gives the members of an object that is a member. */
export function wrongMember(
  value: Readonly<Record<string, unknown>>,
  members: readonly Member[],
  rules: MemberRules,
  membersWithin: (parent: string) => readonly Member[],
): Refusal | null {
  const ambiguous = ambiguity(members, "", rules);
  if (ambiguous !== null) return ambiguous;
  for (const [name, { must, is }] of rules.top) {
    if (!is(value[name])) return refuse(name, `\`${name}\` must be ${must}.`);
  }
  for (const { name, parent, key, rule } of rules.within) {
    const object = value[parent];
    if (!isObject(object)) continue;
    if (!rule.is(object[key])) return refuse(name, `\`${name}\` must be ${rule.must}.`);
    const refusal = ambiguity(membersWithin(parent), `${parent}.`, rules);
    if (refusal !== null) return refusal;
  }
  return null;
}

export function refuse(param: string | null, message: string): Refusal {
  return { param, message };
}

/**
 * A key that stands twice, or that means a member Daybook reads without being written just like it. Parsers differ
 * in which of two they take; some (Go's, and so Ollama's) take a key in other letters; and V8's own misreads an
 * escaped key after certain objects before it. What was checked here would not be what is served.
 */
function ambiguity(members: readonly Member[], inside: string, { names }: MemberRules): Refusal | null {
  const twice = duplicateKey(members);
  if (twice !== null) {
    const name = inside + twice;
    if (!names.has(name)) return refuse(null, "A member of the body stands in it twice.");
    return refuse(name, `\`${name}\` stands in the body twice.`);
  }
  for (const { key, escaped } of members) {
    if (!escaped && PLAIN.test(key)) continue;
    const name = inside + key.toUpperCase().toLowerCase();
    if ((escaped || name !== inside + key) && names.has(name)) {
      return refuse(name, `\`${name}\` must be written in lower case and without escapes.`);
    }
  }
  return null;
}

function nullOr(is: (value: unknown) => boolean): (value: unknown) => boolean {
  return (value) => value === undefined || value === null || is(value);
}
