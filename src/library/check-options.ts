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
/** As `journal.max_mb` of the configuration. */
const MIN_JOURNAL_MB = 32;

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
    takes: `a whole number of MiB, ${MIN_JOURNAL_MB} or more`,
  },
};

/** Throws `bad_option` on what is not there, or cannot be that. */
export function checkOptions(options: object): void {
  if (typeof options !== "object" || options === null) refuse("takes an object of options");
  const given = Object.entries(options).filter(([, value]) => value !== undefined);
  for (const [name, value] of given) {
    const option = Object.hasOwn(OPTIONS, name) ? OPTIONS[name] : undefined;
    if (option === undefined) refuse(`has no option ${JSON.stringify(name)}`);
    if (!option.fits(value)) refuse(`takes as ${name} ${option.takes}`);
  }
  const names = new Set(given.map(([name]) => name));
  if (!names.has("url") && !names.has("folder")) refuse("needs a folder, or url and key of another Daybook");
  if (names.has("url") !== names.has("key")) refuse("takes url and key only together");
  if (names.has("url") && names.has("store")) refuse("takes a store only without url");
}

function areModes(value: unknown): boolean {
  if (typeof value !== "object" || value === null) return false;
  return Object.entries(value).every(
    ([kind, mode]) => isWorkKind(kind) && kind !== "admin" && (mode === undefined || MODE.fits(mode)),
  );
}

function refuse(detail: string): never {
  throw new DaybookError("bad_option", detail);
}
