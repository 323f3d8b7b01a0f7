// Secrets in a string, whatever gives them away: their form, the name before them, or their place in a URL, a
// command line, SQL or XML. Every rule reads the string once, so that the whole is linear in its length.
import { redactLabelled } from "./redaction-labels.ts";
import { classifyName } from "./redaction-names.ts";
import { REDACTED, type RedactedText, redactPatterns } from "./redaction-patterns.ts";

/** A rule never finds more than it leaves; a few rounds are enough for any text not made to prevent it. */
const ROUNDS = 5;

/** `text` as an event can hold it: U+0000 and lone surrogates become U+FFFD. */
export function cleanText(text: string): string {
  return text.toWellFormed().replaceAll("\0", "\ufffd");
}

/** `text` without its secrets; the rest stays. Idempotent, linear in the length, which callers bound. */
export function redactText(text: string): RedactedText {
  return settle(cleanText(text), redactOnce);
}

/**
 * Repeats `step` until it changes nothing more: redacting the result again then changes nothing either. A text
 * that does not settle is redacted whole.
 */
export function settle(text: string, step: (text: string) => RedactedText): RedactedText {
  let current = text;
  let redactions = 0;
  for (let round = 0; round < ROUNDS; round++) {
    const next = step(current);
    if (next.text === current) return { text: current, redactions };
    redactions += next.redactions;
    current = next.text;
  }
  return { text: REDACTED, redactions: redactions + 1 };
}

/** Every rule once over a clean text. */
export function redactOnce(text: string): RedactedText {
  let out = text;
  let redactions = 0;
  for (const rule of [redactPatterns, redactUserinfo, redactLabelled, redactPlaces]) {
    const next = rule(out);
    out = next.text;
    redactions += next.redactions;
  }
  return { text: out, redactions };
}

const AUTHORITY = /:\/\/([^\s/?#"'`<>\\]+)/g;

/** `scheme://user:password@host` (RFC 3986, 3.2.1), also where the password holds a bare `/`, `?` or `#`. */
function redactUserinfo(text: string): RedactedText {
  let redactions = 0;
  let out = "";
  let from = 0;
  for (const { 0: all, 1: authority = "", index } of text.matchAll(AUTHORITY)) {
    const start = index + all.length - authority.length;
    if (start < from) continue;
    let length = authority.lastIndexOf("@");
    if (length < 0 && /:(?!\d{1,5}$)./.test(authority)) {
      length = (/^[^\s"'`<>]*/.exec(text.slice(start, start + 256))?.[0] ?? "").lastIndexOf("@");
    }
    const userinfo = text.slice(start, start + Math.max(length, 0));
    if (userinfo === "" || userinfo === REDACTED) continue;
    // `ssh://git@host` logs in with a key.
    if (/(?:ssh|sftp)$/i.test(text.slice(Math.max(0, index - 8), index)) && !userinfo.includes(":")) continue;
    out += text.slice(from, start) + REDACTED;
    from = start + length;
    redactions++;
  }
  return { text: out + text.slice(from), redactions };
}

const OPTION = /(?<![\w-])--?[A-Za-z][\w-]{1,62}[ \t]{1,8}(?=[^\s-])/g;
const OPTION_VALUE = /"[^"]*"?|'[^']*'?|[^\s"']+/y;
const USER_OPTION = /((?<!\S)-(?:u|-user|-proxy-user)[ \t=]{1,4}["']?[^\s:"']{0,128}:)([^\s"']+)/g;
const SQL =
  /\b((?:password|passwd|passphrase|secret|token|credentials?|identified[ \t]{1,4}by)[ \t]{1,4})('[^']*'?)/gi;
const XML = /(<([A-Za-z][\w:.-]{0,63})(?:\s[^<>]*)?>(?:<!\[CDATA\[)?)([^<]+)/g;

/** `--password value`, `curl -u user:password`, `IDENTIFIED BY 'password'`, `<password>value</password>`. */
function redactPlaces(text: string): RedactedText {
  let redactions = 0;
  const hidden = (value: string) => {
    const quote = /^["']/.exec(value)?.[0] ?? "";
    const marker = quote + REDACTED + quote;
    if (value !== marker) redactions++;
    return marker;
  };
  let out = text;
  if (out.includes("-")) {
    out = redactOptions(out, hidden).replace(
      USER_OPTION,
      (_, before: string, value: string) => before + hidden(value),
    );
  }
  if (out.includes("'")) out = out.replace(SQL, (_, before: string, value: string) => before + hidden(value));
  if (out.includes("</")) {
    out = out.replace(XML, (all, before: string, name: string, value: string) =>
      classifyName(name) === "secret" && value.trim() !== "" ? before + hidden(value) : all,
    );
  }
  return { text: out, redactions };
}

function redactOptions(text: string, hidden: (value: string) => string): string {
  const option = new RegExp(OPTION);
  const value = new RegExp(OPTION_VALUE);
  let out = "";
  let from = 0;
  for (let match = option.exec(text); match !== null; match = option.exec(text)) {
    if (classifyName(match[0]) !== "secret") continue;
    value.lastIndex = option.lastIndex;
    out += text.slice(from, option.lastIndex) + hidden(value.exec(text)?.[0] ?? "");
    from = value.lastIndex;
    option.lastIndex = from;
  }
  return out + text.slice(from);
}
