// Messages of MCP's stdio transport: one a line, ended by LF.
import { Carry } from "../../protocols/carry.ts";

const LF = 0x0a;

export interface Line {
  /** With its LF, where it has one; empty when it is too long. */
  readonly bytes: Buffer;
  readonly tooLong: boolean;
}

/** Cuts a stream into lines. Of one that is longer than `maxBytes` nothing is kept. */
export class LineReader {
  readonly #maxBytes: number;
  readonly #carry = new Carry();
  #tooLong = false;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** The lines that `chunk` completes. */
  feed(chunk: Buffer): Line[] {
    const lines: Line[] = [];
    for (let at = 0; at < chunk.length; ) {
      const lf = chunk.indexOf(LF, at);
      const end = lf === -1 ? chunk.length : lf + 1;
      this.#keep(chunk.subarray(at, end));
      if (lf !== -1) lines.push(this.#take());
      at = end;
    }
    return lines;
  }

  /** What stands after the last LF; null: nothing. */
  rest(): Line | null {
    return this.#carry.length > 0 || this.#tooLong ? this.#take() : null;
  }

  #keep(bytes: Buffer): void {
    if (!this.#tooLong && this.#carry.length + bytes.length <= this.#maxBytes) {
      this.#carry.append(bytes);
      return;
    }
    this.#tooLong = true;
    this.#carry.take();
  }

  #take(): Line {
    const line = { bytes: this.#carry.take(), tooLong: this.#tooLong };
    this.#tooLong = false;
    return line;
  }
}
