// The pages there are, for the navigation, the palette and the keys that lead to them.
import Activity from "@lucide/svelte/icons/activity";
import Boxes from "@lucide/svelte/icons/boxes";
import ChartLine from "@lucide/svelte/icons/chart-line";
import Gauge from "@lucide/svelte/icons/gauge";
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

export interface Page {
  readonly path: "/" | `/${string}`;
  readonly title: string;
  readonly about: string;
  readonly group: "Trail" | "Administration";
  /** Who may see anything there: holders of this grant. */
  readonly grant: "own" | "admin";
  readonly icon: typeof Search;
  readonly keys: string;
}

// biome-ignore format: one page, one line
export const PAGES: readonly Page[] = [
  { path: "/", title: "Explorer", about: "Search the trail", group: "Trail", grant: "own", icon: Search, keys: "g e" },
  { path: "/overview", title: "Overview", about: "Traffic, errors, latency and cost", group: "Trail", grant: "own", icon: Gauge, keys: "g o" },
  { path: "/activity", title: "Activity", about: "What each user did", group: "Trail", grant: "own", icon: ChartLine, keys: "g a" },
  { path: "/sessions", title: "Sessions", about: "What each session did and cost", group: "Trail", grant: "own", icon: Layers, keys: "g s" },
  { path: "/settings", title: "Request Logs", about: "Inference requests, live", group: "Trail", grant: "own", icon: ScrollText, keys: "g l" },
  { path: "/users", title: "Users", about: "Who may sign in, their limits and credit", group: "Administration", grant: "admin", icon: Users, keys: "g u" },
  { path: "/keys", title: "API keys", about: "What clients of the gateway present", group: "Administration", grant: "admin", icon: KeyRound, keys: "g k" },
  { path: "/tokens", title: "Tokens", about: "What programs present to the API", group: "Administration", grant: "admin", icon: Ticket, keys: "g t" },
  { path: "/providers", title: "Providers", about: "Where requests are sent on to", group: "Administration", grant: "admin", icon: Boxes, keys: "g p" },
  { path: "/routes", title: "Routes", about: "Which providers serve a model, and its price", group: "Administration", grant: "admin", icon: Route, keys: "g r" },
  { path: "/policies", title: "Policies", about: "What is allowed, noted or denied", group: "Administration", grant: "admin", icon: ShieldCheck, keys: "g c" },
  { path: "/mcp-servers", title: "MCP servers", about: "Servers behind the gateway", group: "Administration", grant: "admin", icon: Plug, keys: "g m" },
  { path: "/holds", title: "Legal holds", about: "What retention may not touch", group: "Administration", grant: "admin", icon: Lock, keys: "g h" },
  { path: "/system", title: "System", about: "Whether all is well, and whether anything is lost", group: "Administration", grant: "admin", icon: Activity, keys: "g y" },
];
