// What is told to people who do not see the page change: at most one message in five seconds, made of the newest word
// on each subject. Words are asked for when they are told, so that counts are of that moment.

/** With room for a page that shows one late and the next at once. */
const APART_MS = 5500;

/** What there is to tell by then; null: nothing any more. */
export type Word = () => string | null;

export class Announcer {
  readonly #tell: (message: string) => void;
  readonly #words = new Map<string, Word>();
  #isResting = false;

  /** `tell` is given each message, and an empty one when it is an old one and nothing newer there. */
  constructor(tell: (message: string) => void) {
    this.#tell = tell;
  }

  /** At once, or with the next message; there in the place of what waits on the same subject. */
  say(subject: string, word: Word): void {
    this.#words.delete(subject);
    this.#words.set(subject, word);
    if (!this.#isResting) this.#speak();
  }

  #speak(): void {
    const message = [...this.#words.values()].flatMap((word) => word() ?? []).join(". ");
    this.#words.clear();
    this.#tell(message);
    this.#isResting = message !== "";
    if (this.#isResting)
      setTimeout(() => {
        this.#isResting = false;
        this.#speak();
      }, APART_MS);
  }
}
