// Events as JSON, as the API shows them: one object a line, or all in one array.
import { type Cell, COLUMN, FIELDS, type Row } from "../../event/fields.ts";
import { type Encoder, lineEncoder, type OpenEncoder } from "./encoder.ts";
import { createIsoText } from "./iso-text.ts";

/** Writes what `JSON.stringify(eventJson(event))` does, without making the object. */
function createWrite(): (row: Row) => string {
  const iso = createIsoText();
  const columns = FIELDS.map(({ name, type }) => ({
    key: `,${JSON.stringify(name)}:`,
    at: COLUMN[name],
    isTime: name === "timestamp" || name === "recorded_at",
    isText: type === "string" || type === "json",
  }));
  return (row) => {
    let text = "";
    for (const { key, at, isTime, isText } of columns) {
      const cell = row[at] as Cell;
      if (cell === null) text += `${key}null`;
      else if (isText) text += key + JSON.stringify(cell);
      else text += isTime ? `${key}"${iso(cell as number)}"` : key + String(cell);
    }
    return `{${text.slice(1)}}`;
  };
}

export const openJsonLines: OpenEncoder = (state) => {
  const write = createWrite();
  return lineEncoder((row) => `${write(row)}\n`)(state);
};

/** One event a line inside the array too. */
export const openJson: OpenEncoder = (state): Encoder => {
  const write = createWrite();
  let isFirst = state === null;
  return {
    head: () => "[",
    rows(rows) {
      let text = "";
      for (const row of rows) {
        text += `${isFirst ? "" : ","}\n${write(row)}`;
        isFirst = false;
      }
      return text;
    },
    end: () => (isFirst ? "]\n" : "\n]\n"),
    get state() {
      return isFirst ? null : true;
    },
  };
};
