/**
 * An incremental parser of multipart/x-mixed-replace. The bytes of a body are neither copied nor searched: its end follows
 * from Content-Length, and its pieces are passed on as they arrived, for `new Blob(pieces)`.
 *
 * @typedef {object} Part
 * @property {Map<string, string>} headers names in lower case
 * @property {Uint8Array<ArrayBuffer>[]} pieces the body, in order
 * @property {number} size bytes in the body
 */

const LINE_FEED = 10;
const MAXIMUM_LINE = 8192;

/** Accepts the chunks of a response, wherever they are cut, and calls back with each complete part. */
export class MultipartParser {
  /** @type {(part: Part) => void} */ #onPart;
  #delimiter;
  /** @type {"delimiter" | "headers" | "body" | "end"} */ #state = "delimiter";
  #line = "";
  #decoder = new TextDecoder("latin1");
  /** @type {Part} */ #part = { headers: new Map(), pieces: [], size: 0 };
  #missing = 0;

  /**
   * @param {string} boundary as in the Content-Type of the response, without the leading dashes
   * @param {(part: Part) => void} onPart
   */
  constructor(boundary, onPart) {
    this.#delimiter = `--${boundary}`;
    this.#onPart = onPart;
  }

  /**
   * @param {Uint8Array<ArrayBuffer>} chunk kept, not copied: the caller must not write into it afterwards
   * @throws {Error} when the data is not a stream of parts with a Content-Length
   */
  push(chunk) {
    let position = 0;
    while (position < chunk.length && this.#state !== "end") {
      position = this.#state === "body" ? this.#takeBody(chunk, position) : this.#takeLine(chunk, position);
    }
  }

  /**
   * @param {Uint8Array<ArrayBuffer>} chunk
   * @param {number} start
   * @returns {number} where to continue
   */
  #takeBody(chunk, start) {
    const piece = chunk.subarray(start, start + this.#missing);
    this.#part.pieces.push(piece);
    this.#missing -= piece.length;
    if (this.#missing === 0) this.#finishPart();
    return start + piece.length;
  }

  /**
   * @param {Uint8Array<ArrayBuffer>} chunk
   * @param {number} start
   * @returns {number} where to continue
   */
  #takeLine(chunk, start) {
    const feed = chunk.indexOf(LINE_FEED, start);
    const end = feed === -1 ? chunk.length : feed;
    if (this.#line.length + end - start > MAXIMUM_LINE)
      throw new Error("This is not a multipart stream: a line has no end.");
    this.#line += this.#decoder.decode(chunk.subarray(start, end));
    if (feed === -1) return chunk.length;
    const line = this.#line.replace(/\r$/, "");
    this.#line = "";
    this.#readLine(line);
    return feed + 1;
  }

  /** @param {string} line */
  #readLine(line) {
    if (this.#state === "delimiter") {
      if (line === this.#delimiter) this.#state = "headers";
      else if (line === `${this.#delimiter}--`) this.#state = "end";
    } else if (line === "") {
      this.#beginBody();
    } else {
      const colon = line.indexOf(":");
      this.#part.headers.set(line.slice(0, colon).trim().toLowerCase(), line.slice(colon + 1).trim());
    }
  }

  #beginBody() {
    const length = this.#part.headers.get("content-length") ?? "";
    if (!/^\d+$/.test(length)) throw new Error("A part of the stream has no Content-Length.");
    this.#part.size = this.#missing = Number(length);
    this.#state = "body";
    if (this.#missing === 0) this.#finishPart();
  }

  #finishPart() {
    const part = this.#part;
    this.#part = { headers: new Map(), pieces: [], size: 0 };
    this.#state = "delimiter";
    this.#onPart(part);
  }
}

/**
 * @param {string | null} contentType media type of a stream, with the parameter `boundary`
 * @returns {string} its boundary, without the leading dashes
 * @throws {Error} when there is none
 */
export function boundaryOf(contentType) {
  const match = /^(?:multipart|application)\/[\w-]+\s*;.*\bboundary="?([^";]+)"?/i.exec(contentType ?? "");
  if (!match) throw new Error("The answer is not a stream of pictures.");
  return match[1].trim().replace(/^--/, "");
}
