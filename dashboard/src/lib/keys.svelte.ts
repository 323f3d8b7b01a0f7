// Keyboard shortcuts, in one registry: what `?` lists is what is bound now. A shortcut is a key ("l"), a key with
// Cmd/Ctrl ("mod+k"), or two keys after one another ("g o").
import { onDestroy, untrack } from "svelte";

export interface Shortcut {
  readonly keys: string;
  readonly about: string;
  /** Where it belongs in the list. */
  readonly group: string;
  readonly run: () => void;
  /** Also while something is typed. */
  readonly always?: boolean;
}

const SEQUENCE_MS = 1000;

class Shortcuts {
  // Beside Svelte's state: while one page takes the other's place, each would read the list as it was before the other.
  #all: readonly Shortcut[] = [];
  #changes = $state(0);
  #first: { readonly key: string; readonly at: number } | null = null;

  get all(): readonly Shortcut[] {
    void this.#changes;
    return this.#all;
  }

  /** Binds for as long as the component that calls it lives. */
  use(shortcuts: readonly Shortcut[]): void {
    this.#set([...this.#all, ...shortcuts]);
    onDestroy(() => this.#set(this.#all.filter((each) => !shortcuts.includes(each))));
  }

  #set(all: readonly Shortcut[]): void {
    this.#all = all;
    untrack(() => this.#changes++);
  }

  press(event: KeyboardEvent): void {
    if (event.defaultPrevented || event.altKey || event.isComposing) return;
    const isTyping = isField(event.target);
    const key =
      (event.metaKey || event.ctrlKey ? "mod+" : "") +
      (event.key.length === 1 ? event.key.toLowerCase() : event.key);
    const first = this.#first;
    this.#first = null;
    const pair = first !== null && event.timeStamp - first.at < SEQUENCE_MS ? `${first.key} ${key}` : null;
    // The newest binding wins: a dialog over a page.
    const found =
      this.#all.findLast(({ keys }) => keys === pair) ?? this.#all.findLast(({ keys }) => keys === key);
    if (found !== undefined && (!isTyping || found.always)) {
      event.preventDefault();
      found.run();
    } else if (!isTyping && this.#all.some(({ keys }) => keys.startsWith(`${key} `))) {
      this.#first = { key, at: event.timeStamp };
    }
  }
}

function isField(target: EventTarget | null): boolean {
  return (
    target instanceof HTMLElement &&
    (target.isContentEditable || /^(?:INPUT|TEXTAREA|SELECT)$/.test(target.tagName))
  );
}

/** As it is shown: `mod` is the key of this machine. */
export function shown(keys: string): string[] {
  const isMac = /Mac|iPhone|iPad/.test(navigator.userAgent);
  const names: Record<string, string> = {
    mod: isMac ? "⌘" : "Ctrl",
    Escape: "Esc",
    ArrowUp: "↑",
    ArrowDown: "↓",
  };
  return keys.split(/[ +]/).map((key) => names[key] ?? key);
}

export const shortcuts = new Shortcuts();
