// The pages there are, for the navigation, the palette and the keys that lead to them.
import Activity from "@lucide/svelte/icons/activity";
import Archive from "@lucide/svelte/icons/archive";
import Boxes from "@lucide/svelte/icons/boxes";
import ChartLine from "@lucide/svelte/icons/chart-line";
import Coins from "@lucide/svelte/icons/coins";
import Eraser from "@lucide/svelte/icons/eraser";
import Eye from "@lucide/svelte/icons/eye";
import FileCheck from "@lucide/svelte/icons/file-check";
import Gauge from "@lucide/svelte/icons/gauge";
import Hourglass from "@lucide/svelte/icons/hourglass";
import KeyRound from "@lucide/svelte/icons/key-round";
import Layers from "@lucide/svelte/icons/layers";
import Lock from "@lucide/svelte/icons/lock";
import Plug from "@lucide/svelte/icons/plug";
import Route from "@lucide/svelte/icons/route";
import ScrollText from "@lucide/svelte/icons/scroll-text";
import Search from "@lucide/svelte/icons/search";
import ShieldCheck from "@lucide/svelte/icons/shield-check";
import Ticket from "@lucide/svelte/icons/ticket";
import Users from "@lucide/svelte/icons/users";
import type { Grant } from "#lib/session.svelte.ts";

export interface Page {
  readonly path: "/" | `/${string}`;
  readonly title: string;
  readonly about: string;
  readonly group: "Trail" | "Custody" | "Administration";
  /** Who may see anything there: holders of this grant, or of one of these. */
  readonly grant: Grant | readonly Grant[];
  readonly icon: typeof Search;
  readonly keys: string;
  /** What can be begun there, by the words on its button, and what it needs. */
  readonly begins?: readonly { readonly verb: string; readonly grant: Grant | readonly Grant[] }[];
}

const AUDIT = ["audit:read", "admin"] as const;

// biome-ignore format: one page, one line
export const PAGES: readonly Page[] = [
  { path: "/", title: "Explorer", about: "Search the trail", group: "Trail", grant: "own", icon: Search, keys: "g e" },
  { path: "/overview", title: "Overview", about: "Traffic, errors, latency and cost", group: "Trail", grant: "own", icon: Gauge, keys: "g o" },
  { path: "/activity", title: "Activity", about: "What each user did", group: "Trail", grant: "own", icon: ChartLine, keys: "g a" },
  { path: "/sessions", title: "Sessions", about: "What each session did and cost", group: "Trail", grant: "own", icon: Layers, keys: "g s" },
  { path: "/settings", title: "Request Logs", about: "Inference requests, live", group: "Trail", grant: "own", icon: ScrollText, keys: "g l" },
  { path: "/exports", title: "Exports", about: "Files of the trail, now and by schedule", group: "Custody", grant: AUDIT, icon: Archive, keys: "g x", begins: [{ verb: "New export", grant: "audit:read" }, { verb: "New schedule", grant: "admin" }] },
  { path: "/evidence", title: "Evidence", about: "Checkpoints, anchors and verification", group: "Custody", grant: AUDIT, icon: FileCheck, keys: "g v", begins: [{ verb: "Verify now", grant: AUDIT }, { verb: "New bundle", grant: AUDIT }] },
  { path: "/retention", title: "Retention", about: "How long events stay, and what has gone", group: "Custody", grant: AUDIT, icon: Hourglass, keys: "g n" },
  { path: "/holds", title: "Legal holds", about: "What retention may not touch", group: "Custody", grant: AUDIT, icon: Lock, keys: "g h", begins: [{ verb: "New hold", grant: "admin" }] },
  { path: "/erasures", title: "Erasures", about: "A person's data taken out of the trail", group: "Custody", grant: AUDIT, icon: Eraser, keys: "g f", begins: [{ verb: "Erase a person", grant: "admin" }] },
  { path: "/watch", title: "Audit of the audit", about: "Who looked, exported and changed", group: "Custody", grant: "audit:read", icon: Eye, keys: "g w" },
  { path: "/users", title: "Users", about: "Who may sign in, their limits and credit", group: "Administration", grant: "admin", icon: Users, keys: "g u", begins: [{ verb: "New user", grant: "admin" }] },
  { path: "/keys", title: "API keys", about: "What clients of the gateway present", group: "Administration", grant: "admin", icon: KeyRound, keys: "g k", begins: [{ verb: "New key", grant: "admin" }] },
  { path: "/tokens", title: "Tokens", about: "What programs present to the API", group: "Administration", grant: "admin", icon: Ticket, keys: "g t", begins: [{ verb: "New token", grant: "admin" }] },
  { path: "/credits", title: "Credits", about: "What users were given, and what is left", group: "Administration", grant: "admin", icon: Coins, keys: "g b" },
  { path: "/providers", title: "Providers", about: "Where requests are sent on to", group: "Administration", grant: "admin", icon: Boxes, keys: "g p", begins: [{ verb: "New provider", grant: "admin" }] },
  { path: "/routes", title: "Routes", about: "Which providers serve a model, and its price", group: "Administration", grant: "admin", icon: Route, keys: "g r", begins: [{ verb: "New route", grant: "admin" }] },
  { path: "/policies", title: "Policies", about: "What is allowed, noted or denied", group: "Administration", grant: "admin", icon: ShieldCheck, keys: "g c", begins: [{ verb: "New policy", grant: "admin" }] },
  { path: "/mcp-servers", title: "MCP servers", about: "Servers behind the gateway", group: "Administration", grant: "admin", icon: Plug, keys: "g m", begins: [{ verb: "New server", grant: "admin" }] },
  { path: "/system", title: "System", about: "Whether all is well, and whether anything is lost", group: "Administration", grant: AUDIT, icon: Activity, keys: "g y" },
];
