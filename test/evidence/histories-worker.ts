// The thread of honest-histories.test.ts: it lives so many.
import { answer } from "../support/thread.ts";
import { rememberSignatures } from "./known-signatures.ts";
import { type Lived, manyHistories } from "./many-histories.ts";

rememberSignatures();
answer<number, Lived>((runs) => manyHistories({ runs }));
