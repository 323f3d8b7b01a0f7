// What a request brings, as its route's schemas read it. What does not fit is refused by name, never with its value.
import * as z from "zod";
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

/** The body as `schema` reads it; no body is read as `{}`. Where there is no schema, a body is of no meaning. */
export function readBody(schema: z.ZodObject | undefined, body: unknown): unknown {
  return schema === undefined ? undefined : read(schema, body ?? {}, "member");
}

function read(schema: z.ZodObject, value: unknown, what: "parameter" | "member"): unknown {
  const { success, data, error } = schema.strict().safeParse(value);
  if (success) return data;
  const told = error.issues.slice(0, MAX_TOLD).map((issue) => {
    if (issue.code === "unrecognized_keys") {
      const names = issue.keys
        .slice(0, MAX_TOLD)
        .map((name) => JSON.stringify(name.slice(0, 40).toWellFormed()));
      return `There is no ${what} ${names.join(", ")} here.`;
    }
    const at = issue.path.join(".");
    return `${at === "" ? "The body" : at}: ${issue.message}.`;
  });
  throw refused(told.join(" "));
}

function refused(detail: string): Refusal {
  return new Refusal("invalid_request", { detail, errorType: "bad_field" });
}
