// What a JSON Schema of the arguments says is sensitive. A schema comes from an MCP server and may be hostile:
// references are followed once, patterns are never run, and where there is too much to look at the value is
// taken as sensitive. All branches of oneOf and anyOf count: one that marks a value is enough.

/** The schemas that hold for one value. */
export interface SchemaPlace {
  readonly sensitive: boolean;
  readonly schemas: readonly SchemaObject[];
}

type SchemaObject = Readonly<Record<string, unknown>>;

export interface SchemaReader {
  readonly root: SchemaPlace;
  /** The place of the member named `segment`, or of the element at that index. */
  step(place: SchemaPlace, segment: string | number): SchemaPlace;
}

/** Schemas that hold for one value at most; more of them are not read. */
const MAX_SCHEMAS = 512;

const NOWHERE: SchemaPlace = { sensitive: false, schemas: [] };

/** Where no schema is known. */
export const NO_SCHEMA: SchemaReader = { root: NOWHERE, step: () => NOWHERE };

const BRANCHES = ["allOf", "anyOf", "oneOf"] as const;
const SINGLE = ["if", "then", "else"] as const;
const OTHER_MEMBERS = ["additionalProperties", "unevaluatedProperties"] as const;
const OTHER_ELEMENTS = ["additionalItems", "unevaluatedItems", "contains"] as const;

/** Reads `schema` (any draft; `$ref` within it only) beside the value that it describes. */
export function readSchema(schema: unknown): SchemaReader {
  const places = new Map<SchemaObject, SchemaPlace>();

  /** A schema with everything that it refers to. */
  const whole = (start: SchemaObject): SchemaPlace => {
    const known = places.get(start);
    if (known !== undefined) return known;
    const seen = new Set<SchemaObject>([start]);
    for (const one of seen) {
      for (const part of partsOf(one, schema)) if (isSchema(part)) seen.add(part);
      if (seen.size > MAX_SCHEMAS) break;
    }
    const schemas = [...seen];
    const place = { schemas, sensitive: schemas.length > MAX_SCHEMAS || schemas.some(isSensitive) };
    places.set(start, place);
    return place;
  };

  return {
    root: isSchema(schema) ? whole(schema) : NOWHERE,
    step(place, segment) {
      if (place.schemas.length === 0) return NOWHERE;
      const schemas = new Set<SchemaObject>();
      let sensitive = false;
      for (const one of place.schemas) {
        for (const child of childrenOf(one, segment)) {
          if (!isSchema(child)) continue;
          const found = whole(child);
          sensitive ||= found.sensitive;
          for (const each of found.schemas) schemas.add(each);
          if (schemas.size > MAX_SCHEMAS) return { sensitive: true, schemas: [] };
        }
      }
      return schemas.size === 0 ? NOWHERE : { sensitive, schemas: [...schemas] };
    },
  };
}

function isSchema(value: unknown): value is SchemaObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isSensitive(schema: SchemaObject): boolean {
  return (
    own(schema, "sensitive") === true ||
    own(schema, "x-sensitive") === true ||
    own(schema, "writeOnly") === true ||
    own(schema, "format") === "password"
  );
}

function own(object: SchemaObject, name: string): unknown {
  return Object.hasOwn(object, name) ? object[name] : undefined;
}

/** Schemas that hold for the same value as `schema`. */
function* partsOf(schema: SchemaObject, root: unknown): Generator<unknown> {
  for (const name of SINGLE) yield own(schema, name);
  for (const name of BRANCHES) yield* listOf(own(schema, name));
  yield* membersOf(own(schema, "dependentSchemas"));
  for (const name of ["$ref", "$dynamicRef"]) {
    const reference = own(schema, name);
    if (typeof reference === "string") yield resolve(reference, root);
  }
}

/** Schemas for a member or an element of a value that `schema` describes. */
function* childrenOf(schema: SchemaObject, segment: string | number): Generator<unknown> {
  if (typeof segment === "number") {
    const items = own(schema, "items");
    yield Array.isArray(items) ? items[segment] : items;
    yield listOf(own(schema, "prefixItems"))[segment];
    for (const name of OTHER_ELEMENTS) yield own(schema, name);
    return;
  }
  const properties = own(schema, "properties");
  if (isSchema(properties) && Object.hasOwn(properties, segment)) yield properties[segment];
  else for (const name of OTHER_MEMBERS) yield own(schema, name);
  // A pattern from outside is not run: its schema is taken to hold for every name.
  yield* membersOf(own(schema, "patternProperties"));
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value.slice(0, MAX_SCHEMAS + 1) : [];
}

function membersOf(value: unknown): readonly unknown[] {
  return isSchema(value) ? Object.values(value).slice(0, MAX_SCHEMAS + 1) : [];
}

/** The schema that a local JSON Pointer (RFC 6901) in a fragment leads to. */
function resolve(reference: string, root: unknown): unknown {
  if (reference === "#") return root;
  if (!reference.startsWith("#/") || reference.length > 1024) return undefined;
  let found: unknown = root;
  for (const part of reference.slice(2).split("/")) {
    if (typeof found !== "object" || found === null) return undefined;
    const name = decode(part).replaceAll("~1", "/").replaceAll("~0", "~");
    found = Object.hasOwn(found, name) ? (found as SchemaObject)[name] : undefined;
  }
  return found;
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
