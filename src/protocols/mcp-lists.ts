// What a server lists: the answers to `tools/list`, `prompts/list` and `resources/templates/list`.
import { isObject } from "./json-members.ts";
import { readStrictJson } from "./strict-json.ts";

/** The result of the message `text`; null: it has none. */
export function resultIn(text: string): Readonly<Record<string, unknown>> | null {
  const read = readStrictJson(text);
  if ("problem" in read || !isObject(read.value)) return null;
  const { result } = read.value;
  return isObject(result) ? result : null;
}

/** Where the list goes on; null: it is whole. */
export function nextCursor(text: string): string | null {
  const cursor = resultIn(text)?.nextCursor;
  return typeof cursor === "string" && cursor !== "" ? cursor : null;
}
