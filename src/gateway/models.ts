// GET /v1/models and /v1/models/{model}: the public names of the routes, in the client's dialect.

import { modelEntry, modelsList, type PublicModel } from "../protocols/models.ts";
import type { Dialect } from "../protocols/protocol.ts";
import type { Exchange } from "./exchange.ts";
import { isAllowed, type Key, NO_ROUTE } from "./inference.ts";
import type { Routes } from "./routes.ts";

/** `model`: of one; null: the list. A key sees what it may use. */
export function serveModels(
  exchange: Exchange,
  { routes, key, dialect, model }: { routes: Routes; key: Key; dialect: Dialect; model: string | null },
): void {
  if (model === null) {
    const models = routes.models().filter((name) => isAllowed(key, name));
    exchange.reply(JSON.stringify(modelsList(dialect, models.map(publicModel))));
    return;
  }
  exchange.handle.note({ model });
  if (routes.find(model) === null || !isAllowed(key, model)) exchange.refuse("not_found", NO_ROUTE);
  else exchange.reply(JSON.stringify(modelEntry(dialect, publicModel(model))));
}

/** A route was not born, and is nobody's but the gateway's. */
function publicModel(id: string): PublicModel {
  return { id, created: 0, ownedBy: "daybook" };
}
