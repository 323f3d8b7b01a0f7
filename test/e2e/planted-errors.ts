// The error bodies of thirteen providers (test/fixtures/provider-errors), with a canary wherever they quote a prompt
// or a key, served as they come: as an error, within a stream, and as an answer that says it is well.
import { once } from "node:events";
import { readdirSync, readFileSync } from "node:fs";
import { createServer } from "node:http";

const ROOT = new URL("../fixtures/provider-errors/", import.meta.url);

export interface PlantedError {
  readonly name: string;
  readonly status: number;
  readonly errorType: string | null;
  readonly body: string;
}

/** `canary` makes a new one for each place. */
export function plantedErrors(canary: (place: string) => string): PlantedError[] {
  return readdirSync(ROOT)
    .sort()
    .map((name) => {
      const facts = JSON.parse(readFileSync(new URL(`${name}/facts.json`, ROOT), "utf8")) as {
        status: number;
        errorType: string | null;
      };
      const text = readFileSync(new URL(`${name}/response.json`, ROOT), "utf8");
      return { name, ...facts, body: text.replaceAll("quince", () => canary(name)) };
    });
}

export const WAYS = ["error", "stream", "answer"] as const;

/** A provider that answers with the error that `idempotency-key` names: `<way>.<number>`. */
export async function openErringProvider(errors: readonly PlantedError[]) {
  const server = createServer((request, response) => {
    request.resume().on("end", () => {
      const [way, number] = String(request.headers["idempotency-key"]).split(".");
      const error = errors[Number(number)] as PlantedError;
      if (way === "stream") {
        response.writeHead(200, { "content-type": "text/event-stream" });
        response.end(`event: error\n${error.body.replace(/^/gm, "data: ")}\n\n`);
      } else {
        const status = way === "error" ? error.status : 200;
        response.writeHead(status, { "content-type": "application/json" }).end(error.body);
      }
    });
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${(server.address() as { port: number }).port}`,
    close: () => server.close(),
  };
}
