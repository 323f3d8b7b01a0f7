// The legal holds of a data folder, for commands that have no server.
import { existsSync } from "node:fs";
import { join } from "node:path";
import { openControl } from "../control/control.ts";
import { Holds } from "../control/holds.ts";

/** Those of a data folder, for a command; followed until it is disposed of. */
export async function openHolds(home: string): Promise<Pick<Holds, "active" | "follow"> & AsyncDisposable> {
  const path = join(home, "control.db");
  if (!existsSync(path)) return { active: [], follow: () => () => {}, [Symbol.asyncDispose]: async () => {} };
  const control = openControl({ path, clock: Date.now });
  const holds = new Holds(control);
  await control.load();
  return {
    get active() {
      return holds.active;
    },
    follow: (follower) => holds.follow(follower),
    [Symbol.asyncDispose]: () => control.close(),
  };
}
