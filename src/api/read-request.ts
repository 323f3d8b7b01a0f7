// What a request brings, as its route's schemas read it. What does not fit is refused by name, never with its value.
import * as z from "zod";
import { redactText } from "../event/redaction.ts";
import { Refusal } from "./problem.ts";

const MAX_TOLD = 5;

/** The query string as `schema` reads it; without one, every parameter is refused. */
export function readQuery(schema: z.ZodObject | undefined, search: URLSearchParams): unknown {
  for (const name of new Set(search.keys())) {
    const times = search.getAll(name).length;
    if (times > 1) throw refused(`${name} is given ${times} times: once is enough.`);
  }
  return read(schema ?? z.object({}), Object.fromEntries(search), "parameter");
}

/**
 * The body as `schema` reads it; no body is read as `{}`. Where there is no schema, a body is of no meaning. What
 * looks like a secret is refused, but for the fields that are for one (`writeOnly`).
 */
export function readBody(schema: z.ZodObject | undefined, body: unknown): unknown {
  if (schema === undefined) return undefined;
  const given = read(schema, body ?? {}, "member");
  refuseSecrets(body, shapeOf(schema), []);
  return given;
}

/** As much of JSON Schema as tells where secrets belong. */
interface Shape {
  readonly writeOnly?: boolean;
  readonly properties?: Readonly<Record<string, Shape>>;
  readonly additionalProperties?: Shape | boolean;
  readonly items?: Shape;
  readonly anyOf?: readonly Shape[];
}

const SHAPES = new WeakMap<z.ZodObject, Shape>();

function shapeOf(schema: z.ZodObject): Shape {
  const known = SHAPES.get(schema);
  if (known !== undefined) return known;
  const shape = z.toJSONSchema(schema, { io: "input", unrepresentable: "any" }) as Shape;
  SHAPES.set(schema, shape);
  return shape;
}

function refuseSecrets(value: unknown, shape: Shape | undefined, at: readonly string[]): void {
  const forms = [shape, ...(shape?.anyOf ?? [])];
  if (forms.some((form) => form?.writeOnly)) return;
  if (typeof value === "string") {
    if (redactText(value).redactions > 0)
      throw refused(`${at.join(".")} looks like a secret, which may not be kept there.`);
  } else if (typeof value === "object" && value !== null) {
    for (const [name, child] of Object.entries(value)) {
      const below = forms.map((form) => {
        const { properties, additionalProperties: rest, items } = form ?? {};
        return (
          properties?.[name] ?? (typeof rest === "object" ? rest : Array.isArray(value) ? items : undefined)
        );
      });
      refuseSecrets(
        child,
        below.find((form) => form !== undefined),
        [...at, name],
      );
    }
  }
}

function read(schema: z.ZodObject, value: unknown, what: "parameter" | "member"): unknown {
  const { success, data, error } = schema.strict().safeParse(value);
  if (success) return data;
  const told = error.issues.slice(0, MAX_TOLD).map((issue) => {
    if (issue.code === "unrecognized_keys") {
      const names = issue.keys
        .slice(0, MAX_TOLD)
        .map((name) => JSON.stringify(name.slice(0, 40).toWellFormed()));
      const members = namesIn(schema, issue.path);
      const where =
        members.length === 0 ? "here" : `in ${issue.path.join(".")}, which takes ${members.join(", ")}`;
      return `There is no ${what} ${names.join(", ")} ${where}.`;
    }
    const at = issue.path.join(".");
    return `${at === "" ? "The body" : at}: ${issue.message}.`;
  });
  throw refused(told.join(" "));
}

/** What the member at `path` takes, where that are members with names; of the whole body nothing. */
function namesIn(body: z.ZodType, path: readonly PropertyKey[]): string[] {
  let at: unknown = body;
  for (const name of path) {
    at = bare(at);
    if (at instanceof z.ZodObject) at = at.shape[String(name)];
    else if (at instanceof z.ZodArray) at = at.element;
  }
  const found = bare(at);
  return path.length > 0 && found instanceof z.ZodObject ? Object.keys(found.shape) : [];
}

/** Without what says that it may be missing. */
function bare(schema: unknown): unknown {
  let at = schema;
  while (at instanceof z.ZodOptional || at instanceof z.ZodNullable || at instanceof z.ZodDefault)
    at = at.unwrap();
  return at;
}

function refused(detail: string): Refusal {
  return new Refusal("invalid_request", { detail, errorType: "bad_field" });
}
