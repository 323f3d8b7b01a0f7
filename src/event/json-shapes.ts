// What fields of JSON can be, where they are more than any JSON: names and numbers, with no place for what was said.

/** `counts`: integers by name. `names`: a list of names. `tries`: of each try provider, code and ms. */
export type JsonShape = "counts" | "names" | "tries";

const NAME = /^[A-Za-z0-9_.:/@+-]{1,128}$/;
/** Providers have names that a person chose. */
const SHORT = 255;

const FITS: Readonly<Record<JsonShape, (value: object) => boolean>> = {
  counts: (value) =>
    !Array.isArray(value) &&
    Object.entries(value).every(([name, count]) => NAME.test(name) && Number.isSafeInteger(count)),
  names: (value) => Array.isArray(value) && value.every(isName),
  tries: (value) => Array.isArray(value) && value.every(isTry),
};

export function hasShape(shape: JsonShape, value: object): boolean {
  return FITS[shape](value);
}

function isTry(value: unknown): boolean {
  if (typeof value !== "object" || value === null) return false;
  const { provider, code, ms, ...rest } = value as { readonly [name: string]: unknown };
  return (
    typeof provider === "string" &&
    provider.length <= SHORT &&
    (Number.isSafeInteger(code) || isName(code)) &&
    Number.isSafeInteger(ms) &&
    Object.keys(rest).length === 0
  );
}

function isName(value: unknown): boolean {
  return typeof value === "string" && NAME.test(value);
}
