// The fields of a form, made of the JSON Schema that the API describes a body with.

/** JSON Schema, as far as the API uses it. */
export interface Schema {
  readonly type?: string | readonly string[];
  readonly enum?: readonly string[];
  readonly anyOf?: readonly Schema[];
  readonly items?: Schema;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly additionalProperties?: Schema | boolean;
  readonly required?: readonly string[];
  readonly description?: string;
  readonly default?: unknown;
  readonly format?: string;
  readonly pattern?: string;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly maxLength?: number;
}

export interface Field {
  readonly name: string;
  readonly about: string;
  readonly required: boolean;
  readonly shape: Shape;
}

export type Shape =
  | { readonly is: "text" | "secret" | "time" | "boolean" | "json" }
  /** Text of more than a line. */
  | { readonly is: "long" }
  /** Which events: a line as in the search bar. */
  | { readonly is: "events" }
  | { readonly is: "number"; readonly step: number | "any"; readonly min?: number; readonly max?: number }
  | { readonly is: "choice"; readonly of: readonly string[] }
  | { readonly is: "choices"; readonly of: readonly string[] }
  /** Strings, one a line. */
  | { readonly is: "lines" }
  /** Names and values, one pair a line. */
  | { readonly is: "pairs" }
  | { readonly is: "group"; readonly fields: readonly Field[] }
  | { readonly is: "rows"; readonly fields: readonly Field[] };

export function fieldsOf({ properties = {}, required = [] }: Schema): readonly Field[] {
  return Object.entries(properties).map(([name, schema]) => {
    const bare = withoutNull(schema);
    return {
      name,
      about: (schema.description ?? bare.description ?? "").replaceAll("`", ""),
      required: required.includes(name),
      shape: shapeOf(bare),
    };
  });
}

function withoutNull(schema: Schema): Schema {
  const some = schema.anyOf?.filter(({ type }) => type !== "null");
  if (some?.length === 1 && some[0] !== undefined) return withoutNull(some[0]);
  // One, or a list of such: the list.
  const list = some?.find(({ type }) => type === "array");
  if (list !== undefined) return list;
  const { type } = schema;
  if (typeof type === "string" || type === undefined) return schema;
  const types = type.filter((each) => each !== "null");
  return types.length === 1 && types[0] !== undefined ? { ...schema, type: types[0] } : schema;
}

function shapeOf(schema: Schema): Shape {
  const { type, format, items, properties, additionalProperties, minimum, maximum } = schema;
  if (schema.enum !== undefined) return { is: "choice", of: schema.enum };
  if (type === "boolean") return { is: "boolean" };
  if (type === "integer" || type === "number") {
    const step = type === "integer" ? 1 : "any";
    return {
      is: "number",
      step,
      ...(minimum === undefined ? {} : { min: minimum }),
      ...(maximum === undefined ? {} : { max: maximum }),
    };
  }
  if (type === "string")
    return { is: format === "password" ? "secret" : format === "date-time" ? "time" : "text" };
  if (type === "array" && items !== undefined) {
    const each = withoutNull(items);
    if (each.enum !== undefined) return { is: "choices", of: each.enum };
    if (each.type === "string") return { is: "lines" };
    if (each.properties !== undefined) return { is: "rows", fields: fieldsOf(each) };
  }
  if (type === "object" && properties !== undefined) return { is: "group", fields: fieldsOf(schema) };
  if (type === "object" && typeof additionalProperties === "object" && additionalProperties.type === "string")
    return { is: "pairs" };
  return { is: "json" };
}
