// Long loops of promises run in threads of their own: node:test follows every promise of its own thread, and that costs
// them a quarter more.
import { once } from "node:events";
import { parentPort, Worker } from "node:worker_threads";

/** In a thread: it answers what it is asked, one question at a time. */
export function answer<Question, Answer>(work: (question: Question) => Promise<Answer>): void {
  parentPort?.on("message", async (question: Question) => parentPort?.postMessage(await work(question)));
}

/** Asks a module that answers. Rejects with what is thrown there; it holds up no process that is done. */
export function thread<Question, Answer>(module: string): (question: Question) => Promise<Answer> {
  const worker = new Worker(new URL(module));
  worker.unref();
  return async (question) => {
    worker.ref();
    worker.postMessage(question);
    try {
      const [told] = await once(worker, "message");
      return told as Answer;
    } finally {
      worker.unref();
    }
  };
}
