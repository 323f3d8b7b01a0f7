// What Daybook itself asks of a provider: which models it serves, and, of local backends that can, to load and unload
// one. Answers are bounded; of errors only what is known of them comes back.
import { nativeCode } from "../event/errors.ts";
import { isObject } from "../protocols/json-members.ts";
import { parseModels } from "../protocols/models.ts";
import { errorTypeOf } from "../protocols/provider-errors.ts";
import type { Dialect } from "../providers/vendors.ts";
import type { Place, Upstream } from "./upstream.ts";

/** How a call ended that brought nothing. */
export interface FailedCall {
  readonly ok: false;
  readonly code: "provider_error" | "provider_unreachable" | "timeout" | "not_supported";
  /** What the provider answered; null when it did not. */
  readonly status: number | null;
  /** A known type of error, or a native code. */
  readonly errorType: string | null;
}

export type Called<T> = { readonly ok: true; readonly value: T } | FailedCall;

interface Answer {
  readonly status: number;
  readonly body: Buffer;
}

const LIST_MS = 15_000;
/** Loading a model reads many gigabytes. */
const LOAD_MS = 600_000;
const MAX_BYTES = 4 * 2 ** 20;
const MAX_PAGES = 20;
/** How long Ollama keeps a model that nobody asks for, once it was asked for here. */
const KEEP_ALIVE = "24h";
/** It answered, with something else than it should. */
const UNREADABLE: FailedCall = {
  ok: false,
  code: "provider_error",
  status: 200,
  errorType: "unreadable_answer",
};

/** The names of the models that the provider lists, sorted, each once; what no route can name is left out. */
export async function listModels(upstream: Upstream): Promise<Called<readonly string[]>> {
  const first = upstream.place("/v1/models", null);
  const isPaged = dialectOf(upstream) === "anthropic";
  const names = new Set<string>();
  let page = isPaged ? withQuery(first, { limit: "1000" }) : first;
  for (let pages = 0; pages < MAX_PAGES; pages++) {
    const called = await ask(upstream, "GET", page, null, LIST_MS);
    if (!called.ok) return called;
    const models = parseModels(called.value);
    if (models === null) return UNREADABLE;
    for (const id of models.ids) names.add(id);
    if (!isPaged || models.next === null) break;
    page = withQuery(first, { limit: "1000", after_id: models.next });
  }
  return { ok: true, value: [...names].sort() };
}

/** Loads `model` into memory, or unloads it, where the provider is Ollama or a llama.cpp router. */
export async function setLoaded(upstream: Upstream, model: string, loaded: boolean): Promise<Called<null>> {
  const backend = await backendOf(upstream);
  if (!backend.ok) return backend;
  const [path, body] =
    backend.value === "ollama"
      ? (["/api/generate", { model, stream: false, keep_alive: loaded ? KEEP_ALIVE : 0 }] as const)
      : ([loaded ? "/models/load" : "/models/unload", { model }] as const);
  const called = await ask(upstream, "POST", upstream.placeAtServer(path), body, LOAD_MS);
  return called.ok ? { ok: true, value: null } : called;
}

/** What kind of server a local provider is: each answers something that no other does. */
async function backendOf(upstream: Upstream): Promise<Called<"ollama" | "llama.cpp">> {
  const version = await ask(upstream, "GET", upstream.placeAtServer("/api/version"), null, LIST_MS);
  if (!version.ok && version.status === null) return version;
  if (typeof memberOf(version, "version") === "string") return { ok: true, value: "ollama" };
  const list = await ask(upstream, "GET", upstream.placeAtServer("/models"), null, LIST_MS);
  const models = memberOf(list, "data");
  // A router says of each model whether it is loaded; a llama.cpp that serves one model does not.
  if (Array.isArray(models) && models.some((model) => isObject(model) && isObject(model.status)))
    return { ok: true, value: "llama.cpp" };
  return { ok: false, code: "not_supported", status: null, errorType: null };
}

function memberOf(called: Called<Buffer>, name: string): unknown {
  if (!called.ok) return undefined;
  try {
    const value: unknown = JSON.parse(called.value.toString("utf8"));
    return isObject(value) ? value[name] : undefined;
  } catch {
    return undefined;
  }
}

async function ask(
  upstream: Upstream,
  method: "GET" | "POST",
  place: Place,
  body: object | null,
  limitMs: number,
): Promise<Called<Buffer>> {
  try {
    const answer = await send(upstream, method, place, body, limitMs);
    const { status } = answer;
    if (status >= 200 && status < 300) return { ok: true, value: answer.body };
    return { ok: false, code: "provider_error", status, errorType: errorTypeOf(answer.body) };
  } catch (error) {
    const code = nativeCode(error);
    const isLate = code === "TimeoutError";
    return {
      ok: false,
      code: isLate ? "timeout" : "provider_unreachable",
      status: null,
      errorType: isLate ? null : code,
    };
  }
}

async function send(
  upstream: Upstream,
  method: "GET" | "POST",
  { origin, path }: Place,
  body: object | null,
  limitMs: number,
): Promise<Answer> {
  const dialect = dialectOf(upstream);
  const { statusCode, body: stream } = await upstream.dispatcher.request({
    origin,
    path,
    method,
    headers: {
      accept: "application/json",
      "accept-encoding": "identity",
      "user-agent": "daybook",
      ...(dialect === "anthropic" ? { "anthropic-version": "2023-06-01" } : {}),
      ...(body === null ? {} : { "content-type": "application/json" }),
      ...upstream.headers(dialect),
    },
    body: body === null ? null : JSON.stringify(body),
    signal: AbortSignal.timeout(limitMs),
  });
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > MAX_BYTES) break;
    chunks.push(chunk);
  }
  return { status: statusCode, body: Buffer.concat(chunks) };
}

function dialectOf(upstream: Upstream): Dialect {
  return upstream.speaks("openai") ? "openai" : "anthropic";
}

function withQuery({ origin, path }: Place, query: Readonly<Record<string, string>>): Place {
  const url = new URL(path, origin);
  for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value);
  return { origin, path: url.pathname + url.search };
}
