// A store that hands over a part for somebody who begins only after those who are live were told of more.
import { openStore as openReal } from "../../src/stores/open-store.ts";
import type { Store } from "../../src/stores/store.ts";

const TURNS = 2;

export async function openStore(...given: Parameters<typeof openReal>): Promise<Store> {
  const store = await openReal(...given);
  let turns = 0;
  let turned = Promise.withResolvers<void>();
  const follow: Store["follow"] = async (after, upTo, limit) => {
    const found = await store.follow(after, upTo, limit);
    if (upTo === null) {
      turns++;
      turned.resolve();
      turned = Promise.withResolvers();
      return found;
    }
    for (const until = turns + TURNS; turns < until; ) await turned.promise;
    return found;
  };
  return new Proxy(store, {
    get(of, name) {
      if (name === "follow") return follow;
      const value = Reflect.get(of, name, of);
      return typeof value === "function" ? value.bind(of) : value;
    },
  });
}
