// The configuration as the trail may speak of it: option → value, secrets as marks that tell whether they changed and
// nothing else; and what differs between two of them.
import { listenText } from "./address.ts";
import type { Config } from "./config.ts";

/** In the order of their names. */
export type EffectiveOptions = Readonly<Record<string, string | number | boolean>>;

export type ToldValues = Readonly<Record<string, string | number | boolean | null>>;

/** What is no option of the file, or a secret for the start only. */
const LEFT_OUT: ReadonlySet<string> = new Set(["file", "bootstrap", "found", "secretKey"]);
/** Names of providers and of headers may have dots. */
const SECRET =
  /^(?:providers|mcp\.servers)\..*\.(?:api_key$|headers\.)|^proxy\.|^export_targets\..*\.(?:access_key_id|secret_access_key)$/;
/** The text of an event's values stays well below what an event may hold. */
const MAX_TOLD_BYTES = 6000;

/** `fingerprint` of a secret tells the same one from another. */
export function effectiveOptions(config: Config, fingerprint: (secret: string) => string): EffectiveOptions {
  const options = new Map<string, string | number | boolean>();
  const put = (name: string, value: string | number | boolean) =>
    options.set(name, SECRET.test(name) ? fingerprint(String(value)) : value);
  const walk = (name: string, value: unknown): void => {
    if (value === null || value === undefined) return;
    if (typeof value === "string" || typeof value === "number" || typeof value === "boolean")
      put(name, value);
    else if (Array.isArray(value)) walkList(name, value);
    else for (const [key, child] of Object.entries(value)) walk(below(name, key), child);
  };
  const walkList = (name: string, list: readonly unknown[]): void => {
    if (list.every((item) => typeof item !== "object")) {
      if (list.length > 0) put(name, list.join(", "));
      return;
    }
    for (const [index, item] of (list as readonly Record<string, unknown>[]).entries()) {
      const { name: own, id: _, source: __, ...rest } = item;
      const key = own ?? item.model ?? item.provider ?? index;
      walk(`${name}.${key}`, Object.keys(rest).length === 0 ? true : { ...rest, place: index + 1 });
    }
  };
  for (const [key, value] of Object.entries(config))
    if (!LEFT_OUT.has(key)) walk(below("", key), toldOf(config, key, value));
  return Object.fromEntries([...options].toSorted(([one], [other]) => (one < other ? -1 : 1)));
}

/** An address tells where; that of another Daybook has a token in it, which it leaves out. */
function toldOf({ listen, store }: Config, key: string, value: unknown): unknown {
  if (key === "listen") return listenText(listen);
  return key === "store" && !store.startsWith("sqlite:") ? new URL(store).origin : value;
}

/** Options that the program has under another name than the file. */
const IN_THE_FILE: Readonly<Record<string, string>> = {
  "quotas.api_key": "quotas.keys",
  "quotas.user": "quotas.users",
};

/** `maxBodyBytes` is `max_body_bytes`; names that people gave, of headers say, are left as they are. */
function below(name: string, key: string): string {
  const isOption = /^[a-z][A-Za-z]*$/.test(key);
  const snake = isOption ? key.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`) : key;
  const option = snake === "retry" ? "retries" : snake;
  const path = name === "" ? option : `${name}.${option}`;
  return IN_THE_FILE[path] ?? path;
}

/** Names whose values are not the same. */
export function changedOptions(before: EffectiveOptions, after: EffectiveOptions): string[] {
  const names = new Set([...Object.keys(before), ...Object.keys(after)]);
  return [...names].filter((name) => before[name] !== after[name]).sort();
}

/** Old and new values of `names`, secrets as words; as many as an event can hold, and how many more there are. */
export function toldDifference(
  names: readonly string[],
  before: EffectiveOptions,
  after: EffectiveOptions,
): { readonly oldValues: ToldValues; readonly newValues: ToldValues } {
  const oldValues: Record<string, string | number | boolean | null> = {};
  const newValues: Record<string, string | number | boolean | null> = {};
  let [oldBytes, newBytes] = [0, 0];
  for (const [index, name] of names.entries()) {
    const [was, is] = [before[name] ?? null, after[name] ?? null];
    const isSecret = SECRET.test(name);
    const told = isSecret ? secretWords(was !== null, is !== null) : ([was, is] as const);
    oldBytes += Buffer.byteLength(JSON.stringify([name, told[0]]));
    newBytes += Buffer.byteLength(JSON.stringify([name, told[1]]));
    if (Math.max(oldBytes, newBytes) > MAX_TOLD_BYTES) {
      oldValues.more = newValues.more = names.length - index;
      break;
    }
    [oldValues[name], newValues[name]] = told;
  }
  return { oldValues, newValues };
}

function secretWords(was: boolean, is: boolean): readonly [string | null, string | null] {
  return [was ? "set" : null, is ? (was ? "set to another" : "set") : null];
}
