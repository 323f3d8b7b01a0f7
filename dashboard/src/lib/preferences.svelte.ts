// What this browser prefers: theme, density, time zone, columns. Kept in its storage where it has one; static/theme.js
// reads theme and density before the first paint.
const KEY = "daybook.preferences";

interface Kept {
  theme: "system" | "light" | "dark";
  density: "comfortable" | "compact";
  zone: "local" | "utc";
  /** Names of the columns of the explorer, in order; null: the usual ones. */
  columns: readonly string[] | null;
  histogram: boolean;
  facets: boolean;
}

const USUAL: Kept = {
  theme: "system",
  density: "comfortable",
  zone: "local",
  columns: null,
  histogram: true,
  facets: true,
};

function read(): Kept {
  try {
    return { ...USUAL, ...(JSON.parse(localStorage.getItem(KEY) ?? "{}") as Partial<Kept>) };
  } catch {
    return USUAL;
  }
}

class Preferences {
  #kept = $state.raw(read());

  get theme() {
    return this.#kept.theme;
  }
  get density() {
    return this.#kept.density;
  }
  get zone() {
    return this.#kept.zone;
  }
  get columns() {
    return this.#kept.columns;
  }
  get histogram() {
    return this.#kept.histogram;
  }
  get facets() {
    return this.#kept.facets;
  }

  set(change: Partial<Kept>): void {
    this.#kept = { ...this.#kept, ...change };
    try {
      localStorage.setItem(KEY, JSON.stringify(this.#kept));
    } catch {
      // Private windows may have no storage: then it holds until the page is left.
    }
    this.apply();
  }

  /** Onto the page. */
  apply(): void {
    const { theme, density } = this.#kept;
    const isDark =
      theme === "dark" || (theme === "system" && matchMedia("(prefers-color-scheme: dark)").matches);
    document.documentElement.classList.toggle("dark", isDark);
    document.documentElement.dataset.density = density;
  }
}

export const preferences = new Preferences();
