// What a service's paths are in the trail: kind and action of each, and the template that stands for it, so that no
// path with somebody's file in it is ever recorded.
import { checkWork, type WorkKind } from "../annotations.ts";

export interface RouteRule {
  /** `/files/:name`, or `/files/*` for everything below. Of several rules the first that fits counts. */
  readonly path: string;
  /** Any, unless said. */
  readonly method?: string;
  readonly kind: WorkKind;
  readonly action: string;
}

export interface RouteFacts {
  readonly kind: WorkKind;
  readonly action: string;
  /** null: no template is known. */
  readonly endpoint: string | null;
}

const OTHERS: RouteFacts = { kind: "api", action: "request", endpoint: null };

/** What a request of `method` to `url` is; null: it is not recorded. */
export type Classify = (method: string, url: string) => RouteFacts | null;

/** `skip`: paths, as in rules, that are not recorded. Throws `bad_event` on a rule whose kind or action no event has. */
export function classifier(rules: readonly RouteRule[], skip: readonly string[]): Classify {
  const skipped = skip.map(patternOf);
  for (const rule of rules) checkWork(rule);
  const known = rules.map(({ path, method, kind, action }) => ({
    pattern: patternOf(path),
    method: method?.toUpperCase(),
    facts: { kind, action, endpoint: path },
  }));
  return (method, url) => {
    const path = url.split("?", 1)[0] ?? "";
    if (skipped.some((pattern) => pattern.test(path))) return null;
    const rule = known.find((each) => (each.method ?? method) === method && each.pattern.test(path));
    return rule?.facts ?? OTHERS;
  };
}

function patternOf(path: string): RegExp {
  const source = path
    .split("/")
    .map((segment) =>
      segment === "*"
        ? ".*"
        : segment.startsWith(":")
          ? "[^/]+"
          : segment.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&"),
    )
    .join("/");
  return new RegExp(`^${source.endsWith("/.*") ? `${source.slice(0, -3)}(?:/.*)?` : source}$`);
}
