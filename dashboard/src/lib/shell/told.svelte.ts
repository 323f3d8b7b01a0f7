// What was told last to people who do not see the page: every live region of the page says it (Told.svelte).
import { Announcer, type Word } from "./announcer.ts";

class Told {
  #message = $state.raw({ text: "" });
  readonly #announcer = new Announcer((text) => {
    this.#message = { text };
  });

  /** Another one each time, also where the text is the same. */
  get message(): { readonly text: string } {
    return this.#message;
  }

  say(subject: string, word: Word): void {
    this.#announcer.say(subject, word);
  }
}

export const told = new Told();
