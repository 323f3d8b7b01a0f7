// As much of the OCSF schema as tells whether an event fits it: attributes that there are, required ones, types, enums
// and constraints, from the schema's own files.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { testData } from "../../support/data.ts";

interface Attribute {
  readonly type?: string;
  readonly is_array?: boolean;
  readonly requirement?: string | null;
  /** Where it is from, if it counts only for events that name the profile. */
  readonly from?: string;
  readonly enum?: Readonly<Record<string, unknown>>;
}
interface Definition {
  readonly extends?: string;
  readonly attributes?: Readonly<Record<string, Attribute>> & { readonly $include?: readonly string[] };
  readonly constraints?: { readonly at_least_one?: readonly string[] };
}
interface Dictionary {
  readonly attributes: Readonly<Record<string, Attribute>>;
  readonly types: {
    readonly attributes: Readonly<Record<string, { readonly type?: string; readonly regex?: string }>>;
  };
}
interface Flat {
  readonly attributes: Map<string, Attribute>;
  readonly oneOf: readonly string[];
}

const read = <T>(path: string) => JSON.parse(readFileSync(join(testData("ocsf"), path), "utf8")) as T;
const EVENTS: Readonly<Record<string, string>> = {
  api_activity: "events/application/api_activity.json",
  application: "events/application/application.json",
  base_event: "events/base_event.json",
};

function isNamed({ metadata }: Record<string, unknown>, path: string): boolean {
  const { profiles = [] } = (metadata ?? {}) as { readonly profiles?: readonly string[] };
  return profiles.some((profile) => path.endsWith(`/${profile}.json`));
}

/** A function that says what is wrong with an event of the class, by path. */
export function ocsfChecker(eventClass: string): (event: unknown) => string[] {
  const dictionary = read<Dictionary>("dictionary.json");
  const known = new Map<string, Flat>();
  const flat = (name: string): Flat => {
    const found = known.get(name);
    if (found !== undefined) return found;
    const definition = read<Definition>(EVENTS[name] ?? `objects/${name}.json`);
    const above = definition.extends === undefined ? null : flat(definition.extends);
    const attributes = new Map(above?.attributes);
    const { $include = [], ...own } = definition.attributes ?? {};
    const included = $include.flatMap((path) =>
      Object.entries(read<Definition>(path).attributes ?? {}).map(
        ([key, attribute]) => [key, { ...(attribute as Attribute), from: path }] as const,
      ),
    );
    for (const [key, attribute] of [...included, ...Object.entries(own)] as [string, Attribute][]) {
      // What the class itself requires it requires of every event.
      const { from: _, ...before } = attributes.get(key) ?? {};
      attributes.set(key, { ...before, ...attribute, enum: { ...before.enum, ...attribute.enum } });
    }
    const made = { attributes, oneOf: definition.constraints?.at_least_one ?? above?.oneOf ?? [] };
    known.set(name, made);
    return made;
  };
  const check = (name: string, value: Record<string, unknown>, at: string): string[] => {
    const { attributes, oneOf } = flat(name);
    const missing = [...attributes]
      .filter(([key, { requirement }]) => requirement === "required" && value[key] === undefined)
      .filter(([, { from }]) => from === undefined || isNamed(value, from))
      .map(([key]) => `${at}.${key} is required`);
    const none = oneOf.length > 0 && !oneOf.some((key) => value[key] !== undefined);
    const inside = Object.entries(value).flatMap(([key, child]) => {
      const attribute = attributes.get(key);
      if (attribute === undefined) return [`${at}.${key} is unknown`];
      return checkValue({ ...dictionary.attributes[key], ...attribute }, key, child, `${at}.${key}`);
    });
    return [...missing, ...(none ? [`${at} needs one of ${oneOf.join(", ")}`] : []), ...inside];
  };
  const checkValue = (attribute: Attribute, key: string, value: unknown, at: string): string[] => {
    const { is_array, type = "" } = { ...dictionary.attributes[key], ...attribute };
    if (is_array) {
      if (!Array.isArray(value)) return [`${at} is no array`];
      return value.flatMap((each, index) => checkOne(type, key, attribute, each, `${at}[${index}]`));
    }
    return checkOne(type, key, attribute, value, at);
  };
  const checkOne = (
    type: string,
    key: string,
    attribute: Attribute,
    value: unknown,
    at: string,
  ): string[] => {
    const scalar = dictionary.types.attributes[type];
    if (scalar === undefined) {
      if (typeof value !== "object" || value === null) return [`${at} is no object`];
      return type === "object" ? [] : check(type, value as Record<string, unknown>, at);
    }
    const base = scalar.type ?? type;
    const isNumber = ["integer_t", "long_t", "float_t", "timestamp_t"].includes(base);
    if (typeof value !== (isNumber ? "number" : base === "boolean_t" ? "boolean" : "string"))
      return [`${at} is no ${type}`];
    const words = { ...dictionary.attributes[key]?.enum, ...attribute.enum };
    if (key.endsWith("_id") && Object.keys(words).length > 0 && words[String(value)] === undefined)
      return [`${at} may not be ${String(value)}`];
    if (scalar.regex !== undefined && !new RegExp(scalar.regex).test(String(value)))
      return [`${at} is no ${type}`];
    return [];
  };
  return (event) => check(eventClass, event as Record<string, unknown>, "event");
}
