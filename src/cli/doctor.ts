// `daybook doctor`: looks at the data folder, beside a running server or without one, changes nothing, and says of
// each thing whether it is as it should be. The next check is one more entry in CHECKS.
import { join, resolve } from "node:path";
import type { Writable } from "node:stream";
import { Command } from "commander";
import pc from "picocolors";
import type { Config } from "../config/config.ts";
import type { Environment } from "../config/environment.ts";
import { loadConfig } from "../config/load-config.ts";
import { DaybookError, nativeCode } from "../event/errors.ts";
import { seeSlots } from "../journal/seen-slots.ts";
import { checkAnchors } from "./doctor/anchors.ts";
import { type Check, type Examined, type Finding, fail, type Machine, type Verdict } from "./doctor/check.ts";
import { checkControl, checkStore, positionsIn } from "./doctor/databases.ts";
import { checkFileSystem, checkFolder } from "./doctor/folder.ts";
import { checkSlots } from "./doctor/journals.ts";
import { checkConfiguration, checkPrograms } from "./doctor/programs.ts";
import { checkClock, checkRoom } from "./doctor/room-and-time.ts";
import { visible } from "./event-table.ts";

type Screen = Writable & { readonly isTTY?: boolean };

export interface DoctorParts {
  readonly env: Environment;
  readonly cwd: string;
  readonly homedir: string;
  readonly out: Screen;
  readonly err: Screen;
  readonly machine: Machine;
}

interface Flags {
  readonly json?: true;
  readonly deep?: true;
  readonly config?: string;
  readonly profile?: string;
}

/** In the order of the answer. */
const CHECKS: readonly Check[] = [
  checkPrograms,
  checkConfiguration,
  checkFolder,
  checkFileSystem,
  checkRoom,
  checkClock,
  checkSlots,
  checkStore,
  checkControl,
  checkAnchors,
];

/** Of a configuration that cannot be read. */
const DEFAULT_JOURNAL = { maxMb: 1024, reserveMb: 32 };

/** The verb `doctor`. Exit code 1 when a check failed. */
export function doctorCommand(parts: DoctorParts): Command {
  return new Command("doctor")
    .description("Check the data folder and the machine; change nothing.")
    .option("--json", "one JSON object per check and line")
    .option("--deep", "read every page of the databases and recompute every Merkle root")
    .option("--config <file>", "configuration file")
    .option("--profile <name>", "configuration profile")
    .action((flags: Flags) => examineAll(parts, flags));
}

async function examineAll(parts: DoctorParts, flags: Flags): Promise<void> {
  const isTerminal = parts.out.isTTY === true;
  const line = stepLine(parts.err);
  const examined = await prepare(parts, flags, line.show);
  const paint = pc.createColors(isTerminal && (parts.env.NO_COLOR ?? "") === "");
  let failed = 0;
  for (const check of CHECKS) {
    const findings = await findingsOf(check, examined);
    line.clear();
    for (const finding of findings) {
      if (finding.verdict === "fail") failed++;
      parts.out.write(flags.json ? `${JSON.stringify(finding)}\n` : findingText(finding, paint));
    }
  }
  if (failed > 0) process.exitCode = 1;
}

/** A check that breaks is a finding too: the others go on. */
async function findingsOf(check: Check, examined: Examined): Promise<Finding[]> {
  try {
    return await check(examined);
  } catch (error) {
    const name = check.name.replace(/^check/, "").toLowerCase();
    return [
      fail(name, `could not be checked (${nativeCode(error)})`, "Check the disk and the folder's owner."),
    ];
  }
}

async function prepare(parts: DoctorParts, flags: Flags, progress: Examined["progress"]): Promise<Examined> {
  const { machine } = parts;
  const began = { now: machine.now(), monotonic: machine.monotonic() };
  const config = await configOf(parts, flags);
  const isUsable = !(config instanceof DaybookError);
  const home = isUsable ? config.home : defaultHome(parts);
  const store = isUsable ? config.store : `sqlite:${join(home, "events.db")}`;
  return {
    machine,
    config,
    home,
    store,
    journal: isUsable ? config.journal : DEFAULT_JOURNAL,
    isDeep: flags.deep === true,
    // The store first: what is recorded between the two looks is behind, and never ahead.
    positions: await positionsIn(store),
    slots: slotsIn(home),
    began,
    progress,
  };
}

async function configOf(parts: DoctorParts, flags: Flags): Promise<Config | DaybookError> {
  try {
    return await loadConfig({ ...parts, flags });
  } catch (error) {
    if (error instanceof DaybookError) return error;
    throw error;
  }
}

function slotsIn(home: string): Examined["slots"] {
  try {
    return seeSlots(home);
  } catch {
    // The folder's own check says why.
    return [];
  }
}

function defaultHome({ env, cwd, homedir }: DoctorParts): string {
  return (env.DAYBOOK_HOME ?? "") === "" ? join(homedir, ".daybook") : resolve(cwd, env.DAYBOOK_HOME ?? "");
}

function findingText(
  { check, verdict, found, remedy }: Finding,
  paint: ReturnType<typeof pc.createColors>,
): string {
  const colour: Record<Verdict, (text: string) => string> = {
    ok: paint.green,
    warn: paint.yellow,
    fail: paint.red,
  };
  const said = remedy === null ? found : `${found}${found.endsWith("?") ? "" : "."} ${remedy}`;
  // Problems of a configuration stand on lines of their own.
  const text = visible(said.replace(/\s*\n\s*/g, "; "));
  return `${colour[verdict](verdict.padEnd(4))}  ${check.padEnd(13)}  ${text}\n`;
}

/** The step of a long check on a terminal, on a line that the next finding takes. */
function stepLine(screen: Screen): { show: (step: string) => void; clear: () => void } {
  let isShown = false;
  const clear = () => {
    if (isShown) screen.write("\r\u001b[K");
    isShown = false;
  };
  const show = (step: string) => {
    if (screen.isTTY !== true) return;
    clear();
    isShown = true;
    screen.write(`${visible(step)} …`);
  };
  return { show, clear };
}
