// Lists of models: Daybook's own in both dialects, and what providers answer when they are asked for theirs.
import { isObject } from "./json-members.ts";
import type { Dialect } from "./protocol.ts";

/** A model as clients see it. */
export interface PublicModel {
  readonly id: string;
  /** Seconds since 1970. */
  readonly created: number;
  readonly ownedBy: string;
}

/** `GET /v1/models`, whole: nobody has so many that they need pages. */
export function modelsList(dialect: Dialect, models: readonly PublicModel[]): object {
  const data = models.map((model) => modelEntry(dialect, model));
  if (dialect === "openai") return { object: "list", data };
  return {
    data,
    has_more: false,
    first_id: models[0]?.id ?? null,
    last_id: models.at(-1)?.id ?? null,
  };
}

/** `GET /v1/models/{id}`. */
export function modelEntry(dialect: Dialect, { id, created, ownedBy }: PublicModel): object {
  if (dialect === "openai") return { id, object: "model", created, owned_by: ownedBy };
  return { type: "model", id, display_name: id, created_at: new Date(created * 1000).toISOString() };
}

export interface ProviderModels {
  /** Sorted, each once. What cannot be the name of a model is left out. */
  readonly ids: readonly string[];
  /** The next page is asked for with this as `after_id` (Anthropic). */
  readonly next: string | null;
}

const MODEL = /^[A-Za-z0-9._:/@+-]{1,128}$/;

/**
 * A provider's own list: `{"data": [{"id"}]}` as OpenAI, Anthropic and most others write it, the bare array of
 * Together, or `{"models": [{"name"}]}` of Ollama's `/api/tags`. null when it is none of these.
 */
export function parseModels(body: Buffer): ProviderModels | null {
  const value = parsed(body);
  const list = listOf(value);
  if (list === null) return null;
  const ids = new Set<string>();
  for (const entry of list) {
    const id = isObject(entry) ? (entry.id ?? entry.model ?? entry.name) : entry;
    if (typeof id === "string" && MODEL.test(id)) ids.add(id);
  }
  return { ids: [...ids].sort(), next: isObject(value) ? nextPage(value) : null };
}

function listOf(value: unknown): readonly unknown[] | null {
  const list = isObject(value) ? (value.data ?? value.models) : value;
  return Array.isArray(list) ? list : null;
}

function nextPage({ has_more: hasMore, last_id: lastId }: Record<string, unknown>): string | null {
  return hasMore === true && typeof lastId === "string" && MODEL.test(lastId) ? lastId : null;
}

function parsed(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString("utf8"));
  } catch {
    return null;
  }
}
