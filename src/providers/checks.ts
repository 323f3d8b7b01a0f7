// Pieces of schemas for what people write: each says what was expected and never shows the value, which may be a
// secret.
import * as z from "zod";

export const text = (pattern: RegExp, expected: string) =>
  z.string({ error: `expected ${expected}` }).regex(pattern, { error: `expected ${expected}` });

export const integer = (min: number, max: number) => {
  const error = `expected an integer from ${min} to ${max}`;
  return z.int({ error }).min(min, { error }).max(max, { error });
};

export const flag = (byDefault: boolean) => z.boolean({ error: "expected true or false" }).default(byDefault);

export const oneOf = <const Words extends readonly [string, ...string[]]>(words: Words) =>
  z.enum(words, { error: `expected ${words.slice(0, -1).join(", ")} or ${words.at(-1)}` });

/** `problem` answers with a sentence, or null when the text is right. */
export const checked = (expected: string, problem: (value: string) => string | null) =>
  z.string({ error: `expected ${expected}` }).superRefine((value, context) => {
    const message = problem(value);
    if (message !== null) context.addIssue({ code: "custom", message });
  });

/** What names a provider, a profile, a server. */
export const TOKEN = /^[A-Za-z0-9._-]{1,64}$/;
/** The longest delay that a timer can hold (2^31 − 1 ms); a longer one would fire at once. */
export const MAX_TIMER_MS = 2_147_483_647;

const URL_EXPECTED = "a URL that starts with http:// or https://";

export const httpUrl = () => checked(URL_EXPECTED, urlProblem);

function urlProblem(value: string): string | null {
  const url = URL.parse(value);
  if (url === null || !/^https?:\/\//i.test(value)) return `expected ${URL_EXPECTED}`;
  if (url.username !== "" || url.password !== "")
    return "a URL may not hold a user or password: it would show in logs";
  if (url.search !== "" || url.hash !== "") return 'a base URL has no "?" or "#" part';
  return null;
}

/** In JSON Schema's words: taken, and never shown again. */
export const SECRET = { writeOnly: true, format: "password" };

const HEADER_NAME = /^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,128}$/;
const HEADER_VALUE = /^[\x20-\x7e]{0,4096}$/;
const FRAMING: ReadonlySet<string> = new Set([
  "host",
  "content-length",
  "transfer-encoding",
  "connection",
  "upgrade",
  "te",
  "trailer",
]);

/** Headers to send along, whose values are secrets. */
export const secretHeaders = () =>
  z
    .record(
      text(HEADER_NAME, "a header name").refine((name) => !FRAMING.has(name.toLowerCase()), {
        error: "Daybook sets this header itself",
      }),
      text(HEADER_VALUE, "printable ASCII text").meta(SECRET),
    )
    .default({});

/** The same headers by lowercase names. */
export function lowercase(headers: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
}
