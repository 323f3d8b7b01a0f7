// What is to be done at the end of something that lives longer than one test.
import type { TestContext } from "node:test";

export type Ends = Pick<TestContext, "after">;

/** In the place of a test's context, and what ends all that was begun with it, the last first. */
export function endings(): [t: Ends, end: () => Promise<void>] {
  const all: (() => unknown)[] = [];
  const t = { after: (end?: unknown) => void all.push(end as () => unknown) } as Ends;
  return [
    t,
    async () => {
      for (const end of all.toReversed()) await end();
    },
  ];
}
