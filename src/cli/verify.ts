// `daybook verify`: whether what a store, a data folder, an export bundle or a proof holds is what was recorded and
// sealed. Reads only; needs no network and no running Daybook. Its exit code is that of the worst state (report.ts).
import { readFileSync, statSync } from "node:fs";
import { join, resolve } from "node:path";
import type { Writable } from "node:stream";
import { Command, InvalidArgumentError } from "commander";
import pc from "picocolors";
import type { Environment } from "../config/environment.ts";
import { loadConfig } from "../config/load-config.ts";
import { DaybookError, nativeCode } from "../event/errors.ts";
import { anchorsIn } from "../evidence/anchors.ts";
import { BUNDLE_FORMAT, bundlePlace } from "../evidence/bundle.ts";
import { parseVerifierKey } from "../evidence/note.ts";
import { parseProofFile, verifyProof } from "../evidence/proof-file.ts";
import { type LogReport, STATES, worstOf } from "../evidence/report.ts";
import { nodeSha256 } from "../journal/signing-key.ts";
import { headOf, linesOf } from "../places/bundle-file.ts";
import { ALL_TIME } from "../places/found-event.ts";
import { type Question, verify } from "../places/look.ts";
import { snakeReport } from "../places/report-json.ts";
import { verifyApart } from "../places/verify-apart.ts";
import { parseBound } from "../query/instants.ts";
import { showProgress } from "./progress.ts";
import { proofText, reportText } from "./verify/report-text.ts";

type Screen = Writable & { readonly isTTY?: boolean };

export interface VerifyParts {
  readonly env: Environment;
  readonly cwd: string;
  readonly homedir: string;
  readonly out: Screen;
  readonly err: Screen;
  /** UTC milliseconds. */
  readonly now: () => number;
}

interface Flags {
  readonly json?: true;
  readonly since?: string;
  readonly until?: string;
  readonly anchor: readonly string[];
  readonly key: readonly string[];
  readonly config?: string;
  readonly profile?: string;
}

const SQLITE_HEAD = "SQLite format 3\0";

export function verifyCommand(parts: VerifyParts): Command {
  const collect = (value: string, before: readonly string[]) => [...before, value];
  return new Command("verify")
    .description("Check that events are what was recorded and sealed. Changes nothing, and works offline.")
    .argument(
      "[path]",
      "a store, a data folder, an export bundle or a proof (default: the configured store and folder)",
    )
    .option("--json", "one JSON object per log and line")
    .option(
      "--since <time>",
      "only events recorded at or after: ISO 8601 with a zone, ms, or 30s, 10m, 2h, 7d ago",
    )
    .option("--until <time>", "only events recorded at or before")
    .option("--anchor <file>", "anchor lines from another place; may be given again", collect, [])
    .option(
      "--key <verifier key>",
      "a log's public key that is known from elsewhere; may be given again",
      collectKey,
      [],
    )
    .option("--config <file>", "configuration file")
    .option("--profile <name>", "configuration profile")
    .action((path: string | undefined, flags: Flags) => runVerify(parts, path, flags));
}

function collectKey(text: string, before: readonly string[]): readonly string[] {
  if (parseVerifierKey(text, nodeSha256) === null)
    throw new InvalidArgumentError("Give it as in `keys` of a slot: name+id+key.");
  return [...before, text];
}

async function runVerify(parts: VerifyParts, path: string | undefined, flags: Flags): Promise<void> {
  const question = questionOf(parts, flags);
  const paint = pc.createColors(parts.out.isTTY === true && (parts.env.NO_COLOR ?? "") === "");
  const proof = path === undefined ? null : proofAt(resolve(parts.cwd, path));
  if (proof !== null) {
    const report = await verifyProof(proof, { sha256: nodeSha256, trusted: question.trusted });
    parts.out.write(flags.json ? `${JSON.stringify(snakeReport(report))}\n` : proofText(report, paint));
    process.exitCode = STATES[report.state];
    return;
  }
  const reports = await verifyPath(parts, path, flags, question);
  for (const report of reports)
    parts.out.write(flags.json ? `${JSON.stringify(snakeReport(report))}\n` : reportText(report, paint));
  const state = reports.length === 0 ? "NOT_SEALED" : worstOf(reports.map((report) => report.state));
  if (!flags.json)
    parts.out.write(`${reports.length === 0 ? "There is nothing to verify.\n" : ""}${state}\n`);
  if (question.anchors.size === 0)
    parts.err.write(
      "No anchor was given (--anchor): that a log's end was cut off, or a log removed, cannot be seen.\n",
    );
  if (question.trusted === null)
    parts.err.write("No key was given (--key): the logs' own keys were taken at their word.\n");
  process.exitCode = STATES[state];
}

async function verifyPath(
  parts: VerifyParts,
  path: string | undefined,
  flags: Flags,
  question: Question,
): Promise<readonly LogReport[]> {
  const target = path === undefined ? null : resolve(parts.cwd, path);
  if (target === null) {
    const { home, store } = await loadConfig({ ...parts, flags });
    return verifyApart({ home, store }, question);
  }
  if (isFolder(target))
    return verifyApart({ home: target, store: `sqlite:${join(target, "events.db")}` }, question);
  const head = await headOf(target);
  if (head.startsWith(SQLITE_HEAD)) return verifyApart({ home: null, store: `sqlite:${target}` }, question);
  if (!head.includes(`"${BUNDLE_FORMAT}"`))
    throw new DaybookError("bad_argument", `${target} is no store, data folder, export bundle or proof.`);
  const place = await bundlePlace(target, () => linesOf(target), nodeSha256);
  return verify(place, question, 0);
}

function questionOf(parts: VerifyParts, flags: Flags): Question {
  const { byNode, bad } = anchorsIn(
    flags.anchor.flatMap((file) => textOf(resolve(parts.cwd, file)).split("\n")),
  );
  if (bad > 0) parts.err.write(`${bad} lines of the anchor files are no anchor lines.\n`);
  return {
    range: {
      since: boundOf(flags.since, parts.now(), "up") ?? ALL_TIME.since,
      until: boundOf(flags.until, parts.now(), "down") ?? ALL_TIME.until,
    },
    trusted: flags.key.length === 0 ? null : flags.key,
    anchors: byNode,
    counting: (total) => {
      const progress = showProgress(parts.err, total, "leaves and events");
      let done = 0;
      const add = (count: number) => {
        done += count;
        progress.update(done);
      };
      return { add, stop: () => progress.stop() };
    },
  };
}

function boundOf(text: string | undefined, now: number, round: "up" | "down"): number | null {
  if (text === undefined) return null;
  const bound = parseBound(text, now, round);
  if (bound === null) throw new DaybookError("bad_argument", `${text} is no time.`);
  return bound;
}

/** A proof is one small file. */
function proofAt(path: string) {
  return isFolder(path) || statSync(path).size > 1 << 20 ? null : parseProofFile(textOf(path));
}

function isFolder(path: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch (error) {
    throw new DaybookError("bad_argument", `Cannot read ${path} (${nativeCode(error)}).`, { cause: error });
  }
}

function textOf(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    throw new DaybookError("bad_argument", `Cannot read ${path} (${nativeCode(error)}).`, { cause: error });
  }
}
