// The pages there are, for the navigation, the palette and the keys that lead to them.
import Boxes from "@lucide/svelte/icons/boxes";
import KeyRound from "@lucide/svelte/icons/key-round";
import Route from "@lucide/svelte/icons/route";
import Search from "@lucide/svelte/icons/search";
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
  { path: "/users", title: "Users", about: "Who may sign in, their limits and credit", group: "Administration", grant: "admin", icon: Users, keys: "g u" },
  { path: "/keys", title: "API keys", about: "What clients of the gateway present", group: "Administration", grant: "admin", icon: KeyRound, keys: "g k" },
  { path: "/tokens", title: "Tokens", about: "What programs present to the API", group: "Administration", grant: "admin", icon: Ticket, keys: "g t" },
  { path: "/providers", title: "Providers", about: "Where requests are sent on to", group: "Administration", grant: "admin", icon: Boxes, keys: "g p" },
  { path: "/routes", title: "Routes", about: "Which providers serve a model, and its price", group: "Administration", grant: "admin", icon: Route, keys: "g r" },
];
