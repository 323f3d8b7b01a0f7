// Credit: what users have, what they were given, and changes of it. Amounts are microcredits: millionths of a credit,
// and so of a USD.
import * as z from "zod";
import type { CreditEntry } from "../../control/credits.ts";
import { ENTRY_KINDS } from "../../control/money-tables.ts";
import type { Balance } from "../../limits/ledger.ts";
import { REQUEST } from "../audit.ts";
import { listPage, PAGE_QUERY } from "../listing.ts";
import { type Call, holderOf, type Route, route } from "../route.ts";
import { SHOWN_TIME, shownTime } from "../values.ts";

const MICRO = z.int();

const BALANCE = z.object({
  user_id: z.string().nullable(),
  balance_microcredits: MICRO.describe("Granted less charged."),
  granted_microcredits: MICRO.describe("Grants, adjustments and reversals together."),
  charged_microcredits: MICRO.describe("What the user's events have cost."),
  reserved_microcredits: MICRO.describe("What requests that run now may come to at most."),
  enforced: z.boolean().describe("Whether requests are refused (402) when the balance does not suffice."),
});

const ENTRY = z.object({
  id: z.string(),
  user_id: z.string(),
  kind: z.enum(ENTRY_KINDS),
  amount_microcredits: MICRO,
  reason: z.string(),
  reverses: z.string().nullable().describe("The entry that this one takes back."),
  created_at: SHOWN_TIME,
});

const REASON = z.string().min(1).max(500).describe("Why; recorded with the change.");
const ENTITY = { entityType: "user" } as const;
const ADMIN = { access: ["admin"], audit: REQUEST } as const;

export const CREDIT_ROUTES: readonly Route[] = [
  route({
    method: "GET",
    path: "/v1/credits",
    access: "client",
    audit: REQUEST,
    answers: BALANCE,
    about: "The credit of the API key's user. A key without a user has none.",
    answer: async (call) => {
      const { userId } = holderOf(call);
      return userId === null ? balanceShown(null, NOTHING) : balanceOf(call, userId);
    },
  }),
  route({
    ...ADMIN,
    method: "GET",
    path: "/admin/credits",
    query: PAGE_QUERY,
    answers: z.array(BALANCE.extend({ name: z.string() })),
    about: "The credit of every user, those who were made last first.",
    async answer(call) {
      const users = await listPage(
        call,
        (page) => call.parts.users.list(page),
        ({ id, name }) => ({ id, name }),
      );
      return Promise.all(users.map(async ({ id, name }) => ({ ...(await balanceOf(call, id)), name })));
    },
  }),
  route({
    ...ADMIN,
    method: "GET",
    path: "/admin/users/:id/credits",
    answers: BALANCE,
    about: "A user's credit.",
    answer: async (call) => balanceOf(call, await userId(call)),
  }),
  route({
    ...ADMIN,
    method: "GET",
    path: "/admin/users/:id/credits/entries",
    query: PAGE_QUERY,
    answers: z.array(ENTRY),
    about: "What a user was given and what was taken back, newest first. What was spent is in the trail.",
    answer: async (call) => {
      const id = await userId(call);
      return listPage(call, (page) => call.parts.credits.list(id, page), shown);
    },
  }),
  route({
    ...ADMIN,
    method: "POST",
    path: "/admin/users/:id/credits/grant",
    changes: { ...ENTITY, action: "credit_granted" },
    body: z.object({ amount_microcredits: MICRO.min(1).describe("What is given."), reason: REASON }),
    answers: ENTRY,
    status: 201,
    about: "Gives credit. From the first grant on, what the user's requests cost is held against it.",
    answer: async ({ parts, actor, params, body }) =>
      shown(await parts.credits.grant(actor, params.id ?? "", given(body))),
  }),
  route({
    ...ADMIN,
    method: "POST",
    path: "/admin/users/:id/credits/adjust",
    changes: { ...ENTITY, action: "credit_adjusted" },
    body: z.object({
      amount_microcredits: MICRO.describe("What is added; below zero: what is taken away."),
      reason: REASON,
    }),
    answers: ENTRY,
    status: 201,
    about: "Corrects credit, either way.",
    answer: async ({ parts, actor, params, body }) =>
      shown(await parts.credits.adjust(actor, params.id ?? "", given(body))),
  }),
  route({
    ...ADMIN,
    method: "POST",
    path: "/admin/users/:id/credits/entries/:entry_id/reverse",
    changes: { ...ENTITY, action: "credit_reversed" },
    body: z.object({ reason: REASON }),
    answers: ENTRY,
    status: 201,
    about: "Takes an entry back, once, by one of the opposite amount.",
    answer: async ({ parts, actor, params, body }) =>
      shown(await parts.credits.reverse(actor, params.id ?? "", params.entry_id ?? "", body.reason)),
  }),
];

const NOTHING: Balance = { granted: 0, charged: 0, balance: 0, reserved: 0, enforced: false };

/** By id or name; one who was deleted, by id. */
async function userId({ parts, params: { id = "" } }: Call): Promise<string> {
  return parts.credits.granted(id) === null ? (await parts.users.named(id)).id : id;
}

async function balanceOf({ parts }: Pick<Call, "parts">, id: string): Promise<z.output<typeof BALANCE>> {
  return balanceShown(id, await parts.balance(id));
}

function balanceShown(user_id: string | null, balance: Balance): z.output<typeof BALANCE> {
  return {
    user_id,
    balance_microcredits: balance.balance,
    granted_microcredits: balance.granted,
    charged_microcredits: balance.charged,
    reserved_microcredits: balance.reserved,
    enforced: balance.enforced,
  };
}

function given({ amount_microcredits, reason }: { amount_microcredits: number; reason: string }) {
  return { amountMicros: amount_microcredits, reason };
}

function shown(entry: CreditEntry): z.output<typeof ENTRY> {
  return {
    id: entry.id,
    user_id: entry.userId,
    kind: entry.kind,
    amount_microcredits: entry.amountMicros,
    reason: entry.reason,
    reverses: entry.reverses,
    created_at: shownTime(entry.createdAt),
  };
}
