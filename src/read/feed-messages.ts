// What feed.ts and its thread say to each other.
import type { FeedGap, FeedPosition } from "../event/feed.ts";
import type { FieldName } from "../event/fields.ts";
import type { EventFilter } from "../query/filter.ts";

/** What a reader is to see. Readers of an equal view share what is made for them. */
export interface FeedView {
  readonly filter: EventFilter;
  /** Shown as null. */
  readonly hidden: readonly FieldName[];
}

/** Events as the JSON of an array, with where each of them ends, and whose they are. */
export interface EventTexts {
  readonly text: Uint8Array<ArrayBuffer>;
  readonly ends: readonly number[];
  readonly nodeIds: readonly string[];
  readonly seqs: readonly number[];
}

/** A part of the log, as one view shows it. */
export interface FeedPart {
  /** Null: none is to be seen. */
  readonly events: EventTexts | null;
  readonly gaps: readonly FeedGap[];
  /** Where this part begins and ends. */
  readonly from: FeedPosition;
  readonly at: FeedPosition;
}

export type ToFeed =
  /** Answered with `begun`. */
  | {
      readonly is: "begin";
      readonly id: number;
      readonly viewKey: string;
      readonly view: FeedView;
      /** Null: now. */
      readonly after: FeedPosition | null;
      readonly recent: number;
    }
  /** Asks for what follows; answered with `part`. From a part that is `live` on, parts come by themselves. */
  | { readonly is: "more"; readonly id: number }
  | { readonly is: "end"; readonly id: number }
  /** Events may have come. */
  | { readonly is: "wake" }
  | { readonly is: "close" };

export type FromFeed =
  /** `recent`: from before the feed begins, oldest first. */
  | {
      readonly is: "begun";
      readonly id: number;
      readonly at: FeedPosition;
      readonly recent: EventTexts | null;
    }
  | { readonly is: "part"; readonly id: number; readonly part: FeedPart; readonly live: boolean }
  /** For all that are live: a part for each view; the rest is the same for all of them. */
  | {
      readonly is: "live";
      readonly from: FeedPosition;
      readonly at: FeedPosition;
      readonly gaps: readonly FeedGap[];
      readonly views: readonly { readonly viewKey: string; readonly events: EventTexts }[];
    }
  /** The store could not be read for this reader; null: for those that are live, just now. */
  | { readonly is: "failed"; readonly id: number | null; readonly code: string };
