declare global {
  namespace App {
    /** What an entry of the browser's history keeps besides its address. */
    interface PageState {
      readonly scroll?: number;
    }
  }
}

export {};
