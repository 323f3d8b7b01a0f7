// The dashboard's built files: pages, and what they load, read once and then answered from memory. They say nothing of
// anybody, need no token and leave no event (DESIGN section 8); all that they show, they ask the API for.
import { createHash } from "node:crypto";
import { readdirSync } from "node:fs";
import { readFile } from "node:fs/promises";
import type { IncomingMessage, ServerResponse } from "node:http";
import { extname } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { gzip } from "node:zlib";
import type { MissingPage } from "../api/api-parts.ts";
import { newRequestId } from "../event/ids.ts";

const FOLDER = fileURLToPath(new URL("../../dashboard/build/", import.meta.url));

const TYPES: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".json": "application/json",
  ".svg": "image/svg+xml",
};

const zip = promisify(gzip);

interface File {
  readonly body: Buffer;
  readonly zipped: Buffer | null;
  readonly headers: Readonly<Record<string, string>> & { readonly etag: string };
}

export class Dashboard {
  readonly #folder: string;
  /** By their paths. */
  readonly #names: ReadonlyMap<string, string>;
  readonly #read = new Map<string, Promise<File>>();

  /** The files of `folder`; where nothing is built, nothing is answered. */
  constructor(folder = FOLDER) {
    this.#folder = folder;
    this.#names = new Map(
      namesIn(folder)
        .filter((name) => extname(name) in TYPES)
        .map((name) => [pathOf(name), name]),
    );
  }

  /** Whether the request is for one of the files; then it is answered. */
  handle(request: IncomingMessage, response: ServerResponse): boolean {
    const { method, url = "/" } = request;
    if (method !== "GET" && method !== "HEAD") return false;
    const name = this.#names.get(pathIn(url));
    if (name === undefined || name.endsWith("not-found.html")) return false;
    this.#file(name).then(
      (file) => send(file, request, response),
      // Built anew since the start.
      () => response.writeHead(404).end(),
    );
    return true;
  }

  /** What a browser shows for an address that nothing is at; null: nothing is built, or the address is too deep. */
  async missing(url: string): Promise<MissingPage | null> {
    // It finds what it loads by relative paths: there is one for each depth.
    const depth = pathIn(url).split("/").length - 2;
    const name = this.#names.get(`/${"-/".repeat(depth)}not-found`);
    // Or built anew since the start.
    const file = name === undefined ? null : await this.#file(name).catch(() => null);
    if (file === null) return null;
    const { body, headers } = file;
    const { etag: _, "cache-control": _lasting, ...rest } = headers;
    return { body, headers: rest };
  }

  #file(name: string): Promise<File> {
    const known = this.#read.get(name);
    if (known !== undefined) return known;
    const file = readFile(this.#folder + name).then((body) => fileOf(name, body));
    this.#read.set(name, file);
    return file;
  }
}

function pathIn(url: string): string {
  return url.split("?", 1)[0] ?? "";
}

function send(file: File, { method, headers }: IncomingMessage, response: ServerResponse): void {
  const isKnown = headers["if-none-match"]?.split(/\s*,\s*/).includes(file.headers.etag) ?? false;
  const zipped = takesGzip(headers["accept-encoding"]) ? file.zipped : null;
  const body = zipped ?? file.body;
  response.writeHead(isKnown ? 304 : 200, {
    ...file.headers,
    ...(zipped === null ? {} : { "content-encoding": "gzip" }),
    ...(isKnown ? {} : { "content-length": body.length }),
    "x-request-id": newRequestId(),
  });
  response.end(isKnown || method === "HEAD" ? undefined : body);
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder, { recursive: true }).map(String);
  } catch {
    return [];
  }
}

/** `overview.html` is the page `/overview`. */
function pathOf(name: string): string {
  return `/${name.replace(/(?:^index)?\.html$/, "")}`;
}

async function fileOf(name: string, body: Buffer): Promise<File> {
  // What is named after its content never changes.
  const isLasting = name.startsWith("_app/immutable/");
  const zipped = body.length > 1000 ? await zip(body, { level: 9 }) : null;
  return {
    body,
    zipped,
    headers: {
      "content-type": TYPES[extname(name)] ?? "",
      "cache-control": isLasting ? "public, max-age=31536000, immutable" : "no-cache",
      // Weak: the same for the file and its gzip.
      etag: `W/"${createHash("sha256").update(body).digest("base64url").slice(0, 22)}"`,
      vary: "accept-encoding",
      "x-content-type-options": "nosniff",
      "referrer-policy": "no-referrer",
      "cross-origin-opener-policy": "same-origin",
      "cross-origin-resource-policy": "same-origin",
      ...(name.endsWith(".html") ? { "content-security-policy": policyOf(body.toString()) } : {}),
    },
  };
}

/** The policy that the build wrote into the page, and what only a header can say: it is nobody's frame. */
function policyOf(page: string): string {
  const [, policy] = /<meta http-equiv="content-security-policy" content="([^"]*)">/.exec(page) ?? [];
  if (policy === undefined)
    throw new TypeError("The page has no policy: it was not built as vite.config.ts says.");
  return `${policy}; frame-ancestors 'none'`;
}

function takesGzip(accepted: string | string[] | undefined): boolean {
  return /(?:^|[,\s])(?:gzip|\*)(?!\s*;\s*q=0(?:\.0*)?\s*(?:,|$))/.test(String(accepted ?? ""));
}
