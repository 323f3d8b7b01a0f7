// Room on the journal's disk, and the wall clock: both can stop or disorder recording without any file being wrong.
import { existsSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { nativeCode } from "../../event/errors.ts";
import { isoTime } from "../../event/json.ts";
import { realFiles } from "../../journal/files.ts";
import { newestCommit } from "../../journal/newest.ts";
import { bytesText, durationText } from "../amounts.ts";
import { type Check, type Examined, type Finding, fail, ok, warn } from "./check.ts";
import { thereOrAbove } from "./folder.ts";

const MIB = 1024 * 1024;
const LITTLE_ROOM = 1024 * MIB;

export const checkRoom: Check = ({ home, slots, journal, machine: { fileSystem } }) => {
  try {
    const { bavail, bsize } = fileSystem(thereOrAbove(home));
    const used = slots.map(({ journalFolder }) => bytesIn(journalFolder));
    return judgeRoom({ freeBytes: bavail * bsize, journalBytes: Math.max(0, ...used), ...journal });
  } catch (error) {
    return [warn("room", `the disk cannot be asked (${nativeCode(error)})`, "Check the disk.")];
  }
};

function bytesIn(folder: string): number {
  if (!existsSync(folder)) return 0;
  return readdirSync(folder).reduce(
    (sum, name) => sum + (statSync(join(folder, name), { throwIfNoEntry: false })?.size ?? 0),
    0,
  );
}

interface RoomSeen {
  readonly freeBytes: number;
  /** Of the fullest slot. */
  readonly journalBytes: number;
  readonly maxMb: number;
  readonly reserveMb: number;
}

export function judgeRoom({ freeBytes, journalBytes, maxMb, reserveMb }: RoomSeen): Finding[] {
  const free = `${bytesText(freeBytes)} free`;
  const used = `the journal has ${bytesText(journalBytes)} of ${bytesText(maxMb * MIB)}`;
  const makeRoom = "Make room on the disk.";
  const findings: Finding[] = [];
  if (freeBytes < reserveMb * MIB)
    findings.push(fail("room", `${free}, less than the reserve of ${bytesText(reserveMb * MIB)}`, makeRoom));
  else if (freeBytes < LITTLE_ROOM) findings.push(warn("room", `only ${free}; ${used}`, makeRoom));
  else if (freeBytes < maxMb * MIB - journalBytes)
    findings.push(
      warn(
        "room",
        `${free}, less than the journal may still grow; ${used}`,
        `${makeRoom} Or lower journal.max_mb.`,
      ),
    );
  if (journalBytes > 0.9 * maxMb * MIB)
    findings.push(
      warn(
        "room",
        `the journal is nearly full: ${used}`,
        "Check that the store takes events; or raise journal.max_mb.",
      ),
    );
  return findings.length > 0 ? findings : [ok("room", `${free}; ${used}`)];
}

/** Before it nothing of Daybook existed. */
const EARLIEST = Date.UTC(2026, 0, 1);
/** As much as a clock may be set back without an event that says so. */
const STEP_MS = 1000;

export const checkClock: Check = ({ slots, began, machine }: Examined) => {
  const now = machine.now();
  const commits = slots.flatMap(({ journalFolder }) => {
    try {
      return newestCommit(realFiles, journalFolder)?.at ?? [];
    } catch {
      // The journal's own check says why.
      return [];
    }
  });
  const stepMs = now - began.now - (machine.monotonic() - began.monotonic);
  return judgeClock({ now, newestCommitAt: commits.length === 0 ? null : Math.max(...commits), stepMs });
};

interface ClockSeen {
  readonly now: number;
  readonly newestCommitAt: number | null;
  /** How much further the wall clock went than the monotonic one. */
  readonly stepMs: number;
}

export function judgeClock({ now, newestCommitAt, stepMs }: ClockSeen): Finding[] {
  const remedy = "Set the clock, and keep it right with NTP.";
  const findings: Finding[] = [];
  if (now < EARLIEST) findings.push(warn("clock", `it is ${isoTime(now)}, before Daybook was made`, remedy));
  if (newestCommitAt !== null && newestCommitAt - now > STEP_MS)
    findings.push(
      warn("clock", `it is ${durationText(newestCommitAt - now)} before the newest commit`, remedy),
    );
  if (Math.abs(stepMs) > STEP_MS) {
    const way = stepMs < 0 ? "back" : "forward";
    findings.push(warn("clock", `it was set ${way} by ${durationText(Math.abs(stepMs))} just now`, remedy));
  }
  return findings.length > 0 ? findings : [ok("clock", isoTime(now))];
}
