// What the API says of itself (OpenAPI): forms are made from it, so that they ask for exactly what the server takes.
import { get } from "#lib/api.ts";
import { type Field, fieldsOf, type Schema } from "./fields.ts";

interface Description {
  readonly paths: Readonly<
    Record<
      string,
      Readonly<
        Record<
          string,
          {
            readonly description: string;
            readonly requestBody?: {
              readonly content: Readonly<Record<string, { readonly schema: Schema }>>;
            };
          }
        >
      >
    >
  >;
}

let asked: Promise<Description> | null = null;

/** The fields of the body of `method path` (as the description writes it), and what the route says of itself. */
export async function formOf(
  method: string,
  path: string,
): Promise<{ about: string; fields: readonly Field[] }> {
  asked ??= get<Description>("/openapi.json").catch((error: unknown) => {
    asked = null;
    throw error;
  });
  const operation = (await asked).paths[path]?.[method.toLowerCase()];
  const schema = operation?.requestBody?.content["application/json"]?.schema ?? {};
  return { about: operation?.description ?? "", fields: fieldsOf(schema) };
}
