/**
 * The live picture: parts of the stream are decoded to bitmaps and drawn on a canvas. One frame is decoded at a time; of
 * the frames that arrive meanwhile only the newest is kept. The connection is open only while the picture is requested and
 * visible. If scripts cannot read a stream in this browser, an <img> replaces the canvas.
 *
 * @typedef {import("./multipart.js").Part} Part
 * @typedef {import("./stream.js").StreamState} StreamState
 * @typedef {object} LiveStatus
 * @property {"stopped" | "hidden" | "connecting" | "waiting" | "live" | "placeholder"} state "hidden": scrolled away, covered, or in a hidden tab
 * @property {string | null} reason why the appliance refused the stream
 */

import { ImageStream } from "./image_stream.js";
import { RateMeter } from "./rate_meter.js";
import { Stream } from "./stream.js";

/** Shows the stream on a canvas; `canvas.dataset` holds the state and the number of displayed frames. */
export class LivePicture {
  /** @type {Part | null} */ #newest = null;
  #decoding = false;
  #requested = false;
  #isInSight = true;
  #frames = 0;
  #rate = new RateMeter();
  /** @type {LiveStatus} */ #status = { state: "stopped", reason: null };
  /** @type {number | null} */ #capturedAt = null;

  /**
   * @param {HTMLCanvasElement} canvas
   * @param {HTMLImageElement} image hidden replacement of the canvas
   * @param {string} url
   * @param {(status: LiveStatus) => void} onStatus
   */
  constructor(canvas, image, url, onStatus) {
    this.canvas = canvas;
    this.image = image;
    this.url = url;
    this.onStatus = onStatus;
    this.context = /** @type {ImageBitmapRenderingContext} */ (canvas.getContext("bitmaprenderer"));
    /** @type {Stream | ImageStream} */
    this.stream = new Stream(
      url,
      (part) => this.#receive(part),
      (state, reason) => this.#streamChanged(state, reason),
    );
    document.addEventListener("visibilitychange", () => this.#connectOrDisconnect());
  }

  /** Whether the user requests the live picture, even while it is not visible. */
  get requested() {
    return this.#requested;
  }

  /** Displayed frames per second, null while there are too few to measure. */
  get fps() {
    return this.#rate.rate();
  }

  /** When the frame on the canvas was captured: milliseconds since the epoch on the appliance's clock. */
  get capturedAt() {
    return this.#capturedAt;
  }

  /** The element that shows the picture. */
  get element() {
    return this.canvas.hidden ? this.image : this.canvas;
  }

  /** Requests the picture, and connects if it is visible. */
  start() {
    this.#requested = true;
    this.#connectOrDisconnect();
  }

  /** Disconnects, which frees the place of a viewer; the last frame stays. */
  stop() {
    this.#requested = false;
    this.#connectOrDisconnect();
  }

  /** @param {boolean} inSight whether the picture is neither scrolled away nor covered */
  setInSight(inSight) {
    if (inSight === this.#isInSight) return;
    this.#isInSight = inSight;
    this.#connectOrDisconnect();
  }

  /** Reconnects; called when the connection may be dead without having been closed. */
  reconnect() {
    if (this.#isVisible) this.stream.restart();
  }

  /**
   * Reconnects an <img>, which does not report a dead connection, when events from the appliance arrive again.
   *
   * @param {boolean} isConnected whether events arrive
   */
  followConnection(isConnected) {
    if (this.element === this.canvas || !this.#isVisible) return;
    if (isConnected) this.stream.restart();
    else this.#streamChanged("waiting", null);
  }

  get #isVisible() {
    return this.#requested && this.#isInSight && document.visibilityState === "visible";
  }

  #connectOrDisconnect() {
    if (this.#isVisible) this.stream.open();
    else this.stream.close();
  }

  /**
   * @param {StreamState} state
   * @param {string | null} reason
   */
  #streamChanged(state, reason) {
    this.#newest = null;
    this.#rate.reset();
    if (state === "unsupported") this.#showAsImage();
    else if (state === "open" && this.element === this.image) this.#setStatus("live");
    else if (state === "closed") this.#setStatus(this.#requested ? "hidden" : "stopped");
    else this.#setStatus(state === "waiting" ? "waiting" : "connecting", reason);
  }

  #showAsImage() {
    this.canvas.hidden = true;
    this.image.hidden = false;
    this.#capturedAt = null;
    this.stream = new ImageStream(this.image, this.url, (state, reason) => this.#streamChanged(state, reason));
    this.#connectOrDisconnect();
  }

  /**
   * @param {LiveStatus["state"]} state
   * @param {string | null} [reason]
   */
  #setStatus(state, reason = null) {
    if (this.#status.state === state && this.#status.reason === reason) return;
    this.#status = { state, reason };
    this.canvas.dataset.state = state;
    this.onStatus(this.#status);
  }

  /** @param {Part} part */
  #receive(part) {
    this.#newest = part;
    if (!this.#decoding) this.#decodeNewest();
  }

  async #decodeNewest() {
    this.#decoding = true;
    while (this.#newest) {
      const part = this.#newest;
      this.#newest = null;
      try {
        const bitmap = await createImageBitmap(new Blob(part.pieces, { type: "image/jpeg" }));
        this.#show(isTurned(part) ? await upright(bitmap) : bitmap, part.headers);
      } catch {
        // A frame that cannot be decoded is skipped: the next one follows in a few milliseconds.
        this.canvas.dataset.undecodable = String(Number(this.canvas.dataset.undecodable ?? 0) + 1);
      }
    }
    this.#decoding = false;
  }

  /**
   * @param {ImageBitmap} bitmap
   * @param {Map<string, string>} headers
   */
  #show(bitmap, headers) {
    if (!this.#isVisible) {
      bitmap.close();
      return;
    }
    const { canvas } = this;
    if (canvas.width !== bitmap.width || canvas.height !== bitmap.height) {
      canvas.width = bitmap.width;
      canvas.height = bitmap.height;
    }
    this.context.transferFromImageBitmap(bitmap); // takes the bitmap's memory, and so closes it
    this.#capturedAt = Number(headers.get("x-timestamp")) * 1000 || null;
    this.#rate.count();
    canvas.dataset.frames = String(++this.#frames);
    this.#setStatus(headers.get("x-live") === "0" ? "placeholder" : "live");
  }
}

/**
 * Whether the JPEG has an EXIF orientation other than upright. The appliance writes it into the first bytes.
 *
 * @param {Part} part
 * @returns {boolean}
 */
function isTurned({ pieces: [head] }) {
  return head !== undefined && head[3] === 0xe1 && head.length > 31 && head[31] !== 1;
}

/**
 * Applies the orientation to the pixels. Chromium passes a bitmap to a `bitmaprenderer` canvas with the rotated size but
 * the original pixels; drawing it rotates them.
 *
 * @param {ImageBitmap} bitmap
 * @returns {Promise<ImageBitmap>}
 */
function upright(bitmap) {
  const canvas = document.createElement("canvas");
  canvas.width = bitmap.width;
  canvas.height = bitmap.height;
  canvas.getContext("2d")?.drawImage(bitmap, 0, 0);
  bitmap.close();
  return createImageBitmap(canvas);
}
