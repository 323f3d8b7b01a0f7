// The package as it is published: JavaScript that was built from the sources, and no sources beside it.
import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { cp, mkdir, readFile, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { request } from "undici";
import { tempFolder } from "../support/temp.ts";

const run = promisify(execFile);
const root = fileURLToPath(new URL("../..", import.meta.url));
const TSC = join(root, "node_modules/typescript/bin/tsc");

/** A project that has Daybook installed. */
const project = tempFolder();
const installed = join(project, "node_modules/daybook");

interface Manifest {
  readonly exports: Readonly<Record<string, string | { readonly types: string; readonly default: string }>>;
  readonly scripts: Readonly<Record<string, string>>;
}

async function manifest(): Promise<Manifest> {
  return JSON.parse(await readFile(join(root, "package.json"), "utf8")) as Manifest;
}

before(async () => {
  await mkdir(installed, { recursive: true });
  await run(process.execPath, [
    TSC,
    "-p",
    join(root, "tsconfig.build.json"),
    "--outDir",
    join(installed, "dist"),
  ]);
  for (const part of ["bin", "package.json"])
    await cp(join(root, part), join(installed, part), { recursive: true });
  await symlink(join(root, "node_modules"), join(installed, "node_modules"));
  await writeFile(join(project, "package.json"), JSON.stringify({ type: "module" }));
});

test("a package is built before it is packed, and has each file that it names", async () => {
  const { exports, scripts } = await manifest();
  assert.match(scripts.prepack ?? "", /npm run build/);
  const { stdout } = await run("npm", ["pack", "--dry-run", "--ignore-scripts", "--json"], {
    cwd: installed,
  });
  const [packed] = JSON.parse(stdout) as { files: { path: string }[] }[];
  const paths = new Set(packed?.files.map(({ path }) => `./${path}`));
  const named = Object.values(exports).flatMap((target) =>
    typeof target === "string" ? [target] : [target.types, target.default],
  );
  assert.deepEqual(
    [...named, "./bin/daybook.mjs", "./dist/cli/main.js"].filter((path) => !paths.has(path)),
    [],
  );
  assert.deepEqual(
    [...paths].filter((path) => path.startsWith("./src/") || path.startsWith("./test/")),
    [],
  );
});

test("its server answers, and its verbs read the trail", async (t) => {
  const env = { ...process.env, DAYBOOK_HOME: join(project, "home"), DAYBOOK_LISTEN: "127.0.0.1:0" };
  const bin = join(installed, "bin/daybook.mjs");
  const server = spawn(process.execPath, [bin, "serve"], { env, stdio: ["ignore", "pipe", "inherit"] });
  const ended = once(server, "exit");
  t.after(() => server.kill("SIGKILL"));
  let url = "";
  let key = "";
  for await (const line of createInterface({ input: server.stdout })) {
    url ||= /http:\/\/127\.0\.0\.1:\d+/.exec(line)?.[0] ?? "";
    key ||= /\bdbk_\S+/.exec(line)?.[0] ?? "";
    if (url !== "" && key !== "") break;
  }
  const answer = await request(`${url}/v1/chat/completions`, {
    method: "POST",
    headers: { authorization: `Bearer ${key}` },
    body: JSON.stringify({ model: "demo", messages: [{ role: "user", content: "Hello" }] }),
  });
  await answer.body.dump();
  assert.equal(answer.statusCode, 200);
  server.kill("SIGTERM");
  assert.deepEqual(await ended, [0, null]);
  const logged = await run(process.execPath, [bin, "log", "--json", "--model", "demo"], { env });
  const events = logged.stdout
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as { status: string });
  assert.deepEqual(
    events.map(({ status }) => status),
    ["success"],
  );
  const verified = await run(process.execPath, [bin, "verify"], { env });
  assert.match(verified.stdout, /^VALID$/m);
});

test("its library records, each of its parts can be imported, and its types hold in a service", async () => {
  const { exports } = await manifest();
  const parts = Object.keys(exports).filter((name) => name !== "./package.json");
  const service = `
    import { answered, createRecorder } from "daybook";
    for (const part of ${JSON.stringify(parts)}) await import("daybook" + part.slice(1));
    const recorder = await createRecorder({ folder: ${JSON.stringify(join(project, "trail"))} });
    await recorder.track({ kind: "exec", action: "sum" }, () => 3);
    recorder.log({ kind: "api", action: "request" }, answered(204));
    await recorder.flush();
    const shipped = await recorder.shipped();
    console.log(JSON.stringify({ shipped, events: recorder.recent().length }));
    await recorder.close();`;
  await writeFile(join(project, "service.ts"), service);
  await writeFile(join(project, "service.mjs"), service);
  const { stdout } = await run(process.execPath, ["service.mjs"], { cwd: project });
  assert.deepEqual(JSON.parse(stdout), { shipped: true, events: 2 });
  const types = ["--types", "node", "--typeRoots", join(root, "node_modules/@types")];
  const strict = ["--noEmit", "--strict", "--module", "nodenext", "--target", "es2024", ...types];
  await run(process.execPath, [TSC, ...strict, "service.ts"], { cwd: project });
});
