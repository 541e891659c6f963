/**
 * The live picture: stream parts become bitmaps on a canvas. One frame is decoded at a time; of those that arrive meanwhile
 * only the newest is kept. The connection is held only while the picture is requested and in sight. Where no script can
 * read a stream, an <img> takes the place of the canvas.
 *
 * @typedef {import("./multipart.js").Part} Part
 * @typedef {import("./stream.js").StreamState} StreamState
 * @typedef {object} LiveStatus
 * @property {"stopped" | "hidden" | "connecting" | "waiting" | "live" | "placeholder"} state "hidden" is out of sight
 * @property {string | null} reason why the appliance refused the stream
 */

import { ImageStream } from "./image_stream.js";
import { RateMeter } from "./rate_meter.js";
import { Stream } from "./stream.js";

/** Shows the stream on a canvas; `canvas.dataset` has the state and the number of frames shown. */
export class LivePicture {
  /** @type {Part | null} */ #newest = null;
  #decoding = false;
  #wanted = false;
  #inSight = true;
  #frames = 0;
  #rate = new RateMeter();
  /** @type {LiveStatus} */ #status = { state: "stopped", reason: null };
  /** @type {number | null} */ #capturedAt = null;

  /**
   * @param {HTMLCanvasElement} canvas
   * @param {HTMLImageElement} image the stand-in, hidden
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
    document.addEventListener("visibilitychange", () => this.#connectOrLeave());
  }

  /** Whether the viewer wants the picture, even while the page is hidden. */
  get wanted() {
    return this.#wanted;
  }

  /** Frames shown a second, null while there is too little to tell. */
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

  /** Wants the picture. */
  start() {
    this.#wanted = true;
    this.#connectOrLeave();
  }

  /** Gives up the viewer place; the last picture stays. */
  stop() {
    this.#wanted = false;
    this.#connectOrLeave();
  }

  /** @param {boolean} inSight whether it is neither scrolled away nor covered */
  setInSight(inSight) {
    if (inSight === this.#inSight) return;
    this.#inSight = inSight;
    this.#connectOrLeave();
  }

  /** Connects again: the connection may be dead without any sign of it. */
  reconnect() {
    if (this.#isSeen) this.stream.restart();
  }

  /**
   * An <img> gives no sign of a line that went dead; the events of the appliance do.
   *
   * @param {boolean} isConnected whether they arrive
   */
  followConnection(isConnected) {
    if (this.element === this.canvas || !this.#isSeen) return;
    if (isConnected) this.stream.restart();
    else this.#streamChanged("waiting", null);
  }

  get #isSeen() {
    return this.#wanted && this.#inSight && document.visibilityState === "visible";
  }

  #connectOrLeave() {
    if (this.#isSeen) this.stream.open();
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
    else if (state === "closed") this.#setStatus(this.#wanted ? "hidden" : "stopped");
    else this.#setStatus(state === "waiting" ? "waiting" : "connecting", reason);
  }

  #showAsImage() {
    this.canvas.hidden = true;
    this.image.hidden = false;
    this.#capturedAt = null;
    this.stream = new ImageStream(this.image, this.url, (state, reason) => this.#streamChanged(state, reason));
    this.#connectOrLeave();
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
        // One frame that cannot be decoded is no reason to stop: the next one is a few milliseconds away.
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
    if (!this.#isSeen) {
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
 * Whether the JPEG says that it has to be turned: the appliance writes that into its first bytes, as EXIF.
 *
 * @param {Part} part
 * @returns {boolean}
 */
function isTurned({ pieces: [head] }) {
  return head !== undefined && head[3] === 0xe1 && head.length > 31 && head[31] !== 1;
}

/**
 * The bitmap with its pixels turned. Chromium hands over a turned size with pixels as they were when a bitmap goes to a
 * `bitmaprenderer` canvas; drawing it turns them.
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
