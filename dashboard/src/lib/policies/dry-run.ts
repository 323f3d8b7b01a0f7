// What policies say of a request, and would have said of the trail, as the server knows it.
import type { Rehearsal } from "#lib/admin/resource.ts";
import type { Values } from "#lib/admin/values.ts";
import { number } from "#lib/amounts.ts";
import { ask, ClientError } from "#lib/api.ts";
import * as links from "#lib/links.ts";
import { session } from "#lib/session.svelte.ts";
import { dateTime } from "#lib/time.ts";

interface DryRun {
  readonly judged: number;
  readonly not_asked: number;
  readonly unchanged: number;
  readonly changed: number;
  readonly unknown: number;
  readonly complete: boolean;
  readonly transitions: readonly { was: string; would_be: string; count: number }[];
  readonly examples: readonly {
    readonly event_id: string;
    readonly recorded_at: string;
    readonly kind: string;
    readonly action: string;
    readonly name: string | null;
    readonly model: string | null;
    readonly was: { readonly decision: string };
    readonly would_be: { readonly decision: string; readonly policies: readonly string[] };
  }[];
}

export interface Ruling {
  readonly decision: "n/a" | "allow" | "warn" | "deny";
  readonly reason: string | null;
  readonly policies: readonly string[];
}

/** What the server takes of a policy to try it. */
function proposal({ name, match, when, effect, reason }: Values): Values {
  const given = Object.entries({ name, match, when, effect, reason });
  return Object.fromEntries(given.filter(([, value]) => value !== undefined && value !== null));
}

/** What the server has against a policy; null: nothing. */
export async function refusalOf(policy: Values): Promise<string | null> {
  const [kind = "inference"] = [(policy.match as Values | undefined)?.kind ?? []].flat();
  try {
    await ruling({ kind }, policy);
    return null;
  } catch (error) {
    if (error instanceof ClientError && error.status === 400) return error.message;
    throw error;
  }
}

/** What the policies say of a request, or what `policy` alone says. */
export async function ruling(question: Values, policy?: Values): Promise<Ruling> {
  const body = { question, ...(policy === undefined ? {} : { policy: proposal(policy) }) };
  return (await ask<Ruling>("/admin/policies/test", { method: "POST", body })).data;
}

/** What the policies would have said, those that are proposed among them, in lines that lead to the records. */
export async function rehearsed(line: string, proposed: readonly Values[] = []): Promise<Rehearsal> {
  const body = { policies: proposed.map(proposal), ...(line === "" ? {} : { q: line }) };
  const { data } = await ask<DryRun>("/admin/policies/dry-run", { method: "POST", body });
  return { lines: linesOf(data) };
}

/** Stands for the policy of a name, and says nothing of anything. */
const silent = (name: string): Values => ({ name, when: "false", effect: "warn" });

/** Before a policy is saved: what it would have changed. `was`: the name of the one whose place it takes. */
export async function rehearsal(policy: Values, was?: string): Promise<Rehearsal> {
  const isOff = policy.enabled === false;
  if (isOff && was === undefined) return { lines: [{ text: "It is off: nothing is asked of it." }] };
  const gone = was !== undefined && (isOff || was !== policy.name) ? [silent(was)] : [];
  return withPolicies([...gone, ...(isOff ? [] : [policy])]);
}

/** Before a policy is taken away: what would have gone otherwise without it. */
export function rehearsalWithout(name: string): Promise<Rehearsal> {
  return withPolicies([silent(name)]);
}

async function withPolicies(proposed: readonly Values[]): Promise<Rehearsal> {
  if (session.may("audit:read")) return rehearsed("", proposed);
  return { lines: [{ text: "What would have gone otherwise needs the role auditor to be seen." }] };
}

function linesOf(run: DryRun): Rehearsal["lines"] {
  const { judged, changed, unchanged, unknown, not_asked: refused, complete, transitions, examples } = run;
  const newest = complete ? "all events that policies are asked of" : `the newest ${number(judged)} events`;
  return [
    {
      text: `Of ${newest}: ${number(changed)} would have gone otherwise, ${number(unchanged)} as they did${unknown === 0 ? "" : `, ${number(unknown)} cannot be told from what the trail keeps`}${refused === 0 ? "" : `; ${number(refused)} were refused before`}.`,
    },
    ...transitions
      .filter(({ was, would_be: is }) => was !== is)
      .map(({ was, would_be: is, count }) => ({ text: `${number(count)}: ${was} → ${is}` })),
    ...examples.map(({ event_id: id, recorded_at: at, kind, action, name, model, was, would_be: is }) => ({
      text: `${dateTime(Date.parse(at))} ${kind} ${action} ${name ?? model ?? ""}: ${was.decision} → ${is.decision}${is.policies.length === 0 ? "" : ` (${is.policies.join(", ")})`}`,
      href: links.event(id),
    })),
  ];
}
