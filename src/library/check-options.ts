// What createRecorder takes, checked: a service in JavaScript has no compiler, and a misspelt mode would record less
// than was asked for.
import { DaybookError } from "../event/errors.ts";
import { isWorkKind } from "./annotations.ts";

interface Option {
  readonly fits: (value: unknown) => boolean;
  readonly takes: string;
}

const text: Option = { fits: (value) => typeof value === "string" && value !== "", takes: "a text" };
const oneOf = (...values: readonly unknown[]): Option => ({
  fits: (value) => values.includes(value),
  takes: `one of ${values.join(", ")}`,
});
const MODE = oneOf("open", "strict");
const MIN_JOURNAL_MB = 1;

const OPTIONS: Readonly<Record<string, Option>> = {
  folder: text,
  store: text,
  url: text,
  key: text,
  profile: text,
  modes: { fits: areModes, takes: "open or strict by kind (not admin, which is always strict)" },
  argumentMode: oneOf("redacted", "shape", "none"),
  errorMessages: oneOf(true, false),
  caller: oneOf("library", "http", "stdio", "cli"),
  journalMaxMb: {
    fits: (value) => Number.isSafeInteger(value) && Number(value) >= MIN_JOURNAL_MB,
    takes: "a number of MiB",
  },
};
/** What belongs to a recorder of another Daybook, and what to one of a local folder alone. */
const REMOTE = ["url", "key"] as const;
const LOCAL = "store";

/** Throws `bad_option` on what is not there, or cannot be that. */
export function checkOptions(options: object): void {
  if (typeof options !== "object" || options === null) refuse("options", "an object");
  const given = Object.entries(options).filter(([, value]) => value !== undefined);
  for (const [name, value] of given) {
    const option = Object.hasOwn(OPTIONS, name) ? OPTIONS[name] : undefined;
    if (option === undefined) throw new DaybookError("bad_option", `has no option ${JSON.stringify(name)}`);
    if (!option.fits(value)) refuse(name, option.takes);
  }
  const names = new Set(given.map(([name]) => name));
  if (!names.has("url") && !names.has("folder")) refuse("folder", "the data folder, or url another Daybook");
  if (names.has("url") !== names.has("key")) refuse(REMOTE.join(" and "), "their values together");
  if (names.has("url") && names.has(LOCAL)) refuse(LOCAL, "its value without url");
}

function areModes(value: unknown): boolean {
  if (typeof value !== "object" || value === null) return false;
  return Object.entries(value).every(
    ([kind, mode]) => isWorkKind(kind) && kind !== "admin" && (mode === undefined || MODE.fits(mode)),
  );
}

function refuse(name: string, takes: string): never {
  throw new DaybookError("bad_option", `takes as ${name} ${takes}`);
}
