// Short messages about what was done, told to screen readers too.
export interface Toast {
  readonly id: number;
  readonly text: string;
  readonly isBad: boolean;
  /** A link to what it is about. */
  readonly link: { readonly href: string; readonly text: string } | null;
}

const SHOWN_MS = 8000;

class Toasts {
  #all = $state.raw<readonly Toast[]>([]);
  #last = 0;

  get all(): readonly Toast[] {
    return this.#all;
  }

  show(text: string, { isBad = false, link = null }: Partial<Pick<Toast, "isBad" | "link">> = {}): void {
    const id = ++this.#last;
    this.#all = [...this.#all.slice(-3), { id, text, isBad, link }];
    setTimeout(() => this.dismiss(id), SHOWN_MS);
  }

  dismiss(id: number): void {
    this.#all = this.#all.filter((toast) => toast.id !== id);
  }
}

export const toasts = new Toasts();
