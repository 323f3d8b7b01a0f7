// The OpenAPI 3.1 description of every route, from the same table that the server answers by.
import * as z from "zod";
import { PARAMETERS } from "../query/vocabulary.ts";
import { SESSION_COOKIE } from "./authorize.ts";
import { PROBLEM } from "./problem.ts";
import type { Access, Route } from "./route.ts";

type Json = Readonly<Record<string, unknown>>;

const DESCRIPTION =
  "Reads the audit trail, and changes what Daybook does. Clients of models use the gateway below /v1, which speaks its providers' own protocols.";

/** `version`: of Daybook. */
export function openApiOf(routes: readonly Route[], version: string): Json {
  const paths: Record<string, Record<string, unknown>> = {};
  for (const route of routes) {
    const path = route.path.replaceAll(/:(\w+)/g, "{$1}");
    paths[path] = { ...paths[path], [route.method.toLowerCase()]: operationOf(route) };
  }
  return {
    openapi: "3.1.0",
    info: { title: "Daybook", version, description: DESCRIPTION, license: { name: "Apache-2.0" } },
    paths,
    components: {
      schemas: { Problem: schemaOf(PROBLEM, "output") },
      securitySchemes: {
        token: { type: "http", scheme: "bearer", description: "A token of Daybook's." },
        key: {
          type: "http",
          scheme: "bearer",
          description: "An API key, as clients of the gateway have it.",
        },
        session: { type: "apiKey", in: "cookie", name: SESSION_COOKIE },
      },
    },
  };
}

function operationOf(route: Route): Json {
  const { method, path, about, access, body, answers, status, changes } = route;
  const success = answers === undefined && changes !== undefined ? 204 : (status ?? 200);
  const parameters = [...pathParameters(path), ...queryParameters(route)];
  return {
    operationId: operationIdOf(method, path),
    summary: about.split(/(?<=\.) /, 1)[0],
    description: about,
    tags: [path.split("/").find((part) => part !== "" && part !== "admin") ?? ""],
    ...(parameters.length === 0 ? {} : { parameters }),
    ...(body === undefined
      ? {}
      : {
          requestBody: {
            required: !body.safeParse({}).success,
            content: { "application/json": { schema: schemaOf(body.strict(), "input") } },
          },
        }),
    responses: {
      [success]: {
        description: "Done.",
        ...(answers === undefined
          ? {}
          : { content: { "application/json": { schema: schemaOf(answers, "output") } } }),
      },
      default: {
        description: "A problem (RFC 9457).",
        content: { "application/problem+json": { schema: { $ref: "#/components/schemas/Problem" } } },
      },
    },
    security: securityOf(access),
    ...(typeof access === "string" ? {} : { "x-grants": access }),
  };
}

/** `/admin/audit-logs` and `/admin/audit/logs` are two. */
function operationIdOf(method: string, path: string): string {
  const name = path
    .replaceAll("-", "_")
    .replaceAll(/[/:.]+(\w?)/g, (_, first: string) => first.toUpperCase());
  return method.toLowerCase() + name;
}

function securityOf(access: Access): Json[] {
  if (access === "anyone") return [];
  if (access === "client") return [{ key: [] }];
  return [{ token: [] }, { session: [] }, ...(access === "local" ? [{}] : [])];
}

function pathParameters(path: string): Json[] {
  return [...path.matchAll(/:(\w+)/g)].map(([, name]) => ({
    name,
    in: "path",
    required: true,
    schema: { type: "string" },
  }));
}

function queryParameters({ takes, query }: Route): Json[] {
  const trails =
    takes === undefined
      ? []
      : PARAMETERS.filter(({ part }) => part !== "page" || takes === "filter and page").map(
          ({ name, about }) => ({ name, in: "query", description: about, schema: { type: "string" } }),
        );
  const { properties = {}, required = [] } = schemaOf(query ?? z.object({}), "input") as {
    properties?: Record<string, Json>;
    required?: string[];
  };
  const own = Object.entries(properties).map(([name, { description, ...schema }]) => ({
    name,
    in: "query",
    ...(description === undefined ? {} : { description }),
    ...(required.includes(name) ? { required: true } : {}),
    schema,
  }));
  return [...own, ...trails];
}

function schemaOf(schema: z.ZodType, io: "input" | "output"): Json {
  const { $schema: _, ...json } = z.toJSONSchema(schema, { io, unrepresentable: "any" });
  return json;
}
