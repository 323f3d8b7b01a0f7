// What Daybook itself asks of a provider: which models it serves, and, of local backends that can, to load and unload
// one. Answers are bounded; of errors only what is known of them comes back.
import { nativeCode } from "../event/errors.ts";
import { isObject } from "../protocols/json-members.ts";
import { errorTypeOf } from "../protocols/provider-errors.ts";
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
const MODEL = /^[A-Za-z0-9._:/@+-]{1,128}$/;

/** The names of the models that the provider lists, sorted, each once; names that no route can have are left out. */
export async function listModels(upstream: Upstream): Promise<Called<readonly string[]>> {
  const dialect = upstream.speaks("openai") ? "openai" : "anthropic";
  const first = upstream.place("/v1/models", null);
  const names = new Set<string>();
  let page = dialect === "anthropic" ? withQuery(first, { limit: "1000" }) : first;
  for (let pages = 0; pages < MAX_PAGES; pages++) {
    const called = await ask(upstream, "GET", page, null, LIST_MS, dialect);
    if (!called.ok) return called;
    const list = called.value;
    if (!isObject(list) || !Array.isArray(list.data)) return broken(200);
    for (const entry of list.data)
      if (isObject(entry) && typeof entry.id === "string" && MODEL.test(entry.id)) names.add(entry.id);
    if (list.has_more !== true || typeof list.last_id !== "string") break;
    page = withQuery(first, { limit: "1000", after_id: list.last_id });
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
  const called = await ask(upstream, "POST", upstream.placeBeside(path), body, LOAD_MS);
  return called.ok ? { ok: true, value: null } : called;
}

/** What kind of server a local provider is: each answers something that no other does. */
async function backendOf(upstream: Upstream): Promise<Called<"ollama" | "llama.cpp">> {
  const version = await ask(upstream, "GET", upstream.placeBeside("/api/version"), null, LIST_MS);
  if (!version.ok && version.status === null) return version;
  if (version.ok && isObject(version.value) && typeof version.value.version === "string")
    return { ok: true, value: "ollama" };
  const list = await ask(upstream, "GET", upstream.placeBeside("/models"), null, LIST_MS);
  const models = list.ok && isObject(list.value) && Array.isArray(list.value.data) ? list.value.data : [];
  // A router says of each model whether it is loaded; a llama.cpp that serves one model does not.
  if (models.some((model) => isObject(model) && isObject(model.status)))
    return { ok: true, value: "llama.cpp" };
  return { ok: false, code: "not_supported", status: null, errorType: null };
}

async function ask(
  upstream: Upstream,
  method: "GET" | "POST",
  place: Place,
  body: object | null,
  limitMs: number,
  dialect: "openai" | "anthropic" = upstream.speaks("openai") ? "openai" : "anthropic",
): Promise<Called<unknown>> {
  let answer: Answer;
  try {
    answer = await send(upstream, method, place, body, limitMs, dialect);
  } catch (error) {
    const code = nativeCode(error);
    const isLate = code === "TimeoutError" || code === "ABORT_ERR";
    return {
      ok: false,
      code: isLate ? "timeout" : "provider_unreachable",
      status: null,
      errorType: isLate ? null : code,
    };
  }
  const { status } = answer;
  if (status < 200 || status > 299)
    return { ok: false, code: "provider_error", status, errorType: errorTypeOf(answer.body) };
  try {
    return { ok: true, value: JSON.parse(answer.body.toString("utf8")) as unknown };
  } catch {
    return broken(status);
  }
}

async function send(
  upstream: Upstream,
  method: "GET" | "POST",
  { origin, path }: Place,
  body: object | null,
  limitMs: number,
  dialect: "openai" | "anthropic",
): Promise<Answer> {
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

/** It answered, with something else than what it should. */
function broken(status: number): FailedCall {
  return { ok: false, code: "provider_error", status, errorType: "unreadable_answer" };
}

function withQuery({ origin, path }: Place, query: Readonly<Record<string, string>>): Place {
  const url = new URL(path, origin);
  for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value);
  return { origin, path: url.pathname + url.search };
}
