// The options as a list, and as a tree to ask: derived from the schema, for DAYBOOK_* variables, refusals and
// the reference page.
import * as z from "zod";
import { configSchema } from "./schema.ts";

/** Where an option stands: names, and indexes into lists. */
export type OptionPath = readonly (string | number)[];

export interface Option {
  /** `timeouts_ms.chat`, `providers[].name`. */
  readonly name: string;
  /** `integer`, `text`, `list`, … with bounds or words. */
  readonly type: string;
  readonly required: boolean;
  /** As YAML; null: none. */
  readonly byDefault: string | null;
  /** The environment variable that sets it; null for what stands in lists and maps of free names. */
  readonly variable: string | null;
  readonly about: string;
}

interface Shape {
  readonly type?: string;
  readonly description?: string;
  readonly default?: unknown;
  readonly enum?: readonly string[];
  readonly const?: string;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly required?: readonly string[];
  readonly properties?: Readonly<Record<string, Shape>>;
  readonly additionalProperties?: Shape | false;
  readonly items?: Shape;
}

const TYPE_NAMES: Readonly<Record<string, string>> = {
  string: "text",
  boolean: "true or false",
  array: "list",
  object: "map",
};

const ROOT = z.toJSONSchema(configSchema, { io: "input" }) as Shape;

/** Every option, in the order of the schema. */
export const OPTIONS: readonly Option[] = optionsOf(ROOT, "", true);

function optionsOf(shape: Shape, name: string, required: boolean): Option[] {
  const { properties, items } = shape;
  if (properties !== undefined) {
    const within = Object.entries(properties).flatMap(([key, child]) =>
      optionsOf(child, name === "" ? key : `${name}.${key}`, shape.required?.includes(key) ?? false),
    );
    return shape.description === undefined ? within : [optionOf(shape, name, required), ...within];
  }
  const itself = optionOf(shape, name, required);
  return items?.properties === undefined ? [itself] : [itself, ...optionsOf(items, `${name}[]`, true)];
}

function optionOf(shape: Shape, name: string, required: boolean): Option {
  const settable = !name.includes("[]") && shape.type !== "object" && shape.items?.properties === undefined;
  return {
    name,
    type: typeText(shape),
    required,
    byDefault: shape.default === undefined || shape.type === "object" ? null : defaultText(shape.default),
    variable: settable ? `DAYBOOK_${name.replaceAll(".", "_").toUpperCase()}` : null,
    about: shape.description ?? "",
  };
}

function typeText(shape: Shape): string {
  if (shape.enum !== undefined) return shape.enum.join(" or ");
  if (shape.const !== undefined) return `${shape.const}, always`;
  const bounds = shape.minimum === undefined ? "" : `, ${shape.minimum} to ${shape.maximum}`;
  return `${TYPE_NAMES[shape.type ?? ""] ?? shape.type}${bounds}`;
}

function defaultText(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}

function shapeAt(path: OptionPath): Shape | null {
  let shape: Shape = ROOT;
  for (const key of path) {
    const child =
      typeof key === "number" ? shape.items : (shape.properties?.[key] ?? shape.additionalProperties);
    if (child === undefined || child === false) return null;
    shape = child;
  }
  return shape;
}

/** The names that the map at `path` may have. */
export function keysAt(path: OptionPath): string[] {
  return Object.keys(shapeAt(path)?.properties ?? {});
}

/** `text` (of a variable) as the option at `path` wants it; as it is when it does not fit, for the check to refuse. */
export function valueFromText(path: OptionPath, text: string): unknown {
  switch (shapeAt(path)?.type) {
    case "integer":
    case "number":
      return /^-?\d+(\.\d+)?$/.test(text) ? Number(text) : text;
    case "boolean":
      return text === "true" ? true : text === "false" ? false : text;
    case "array":
      return text.split(",").map((item) => item.trim());
    default:
      return text;
  }
}

/** `providers[0].base_url`. */
export function pathText(path: OptionPath): string {
  return path
    .map((key, index) => (typeof key === "number" ? `[${key}]` : index === 0 ? key : `.${key}`))
    .join("");
}
