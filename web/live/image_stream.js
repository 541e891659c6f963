/**
 * The stream in an <img>, for browsers whose scripts cannot read it. The browser displays the frames itself; their number
 * and age are not available.
 *
 * @typedef {import("./stream.js").StreamState} StreamState
 */

import { Backoff } from "../shared/backoff.js";

/** Frames a second: an <img> shows every frame in its order, and a busy browser that falls behind reacts to nothing. */
const RATE = 10;

/** One viewer place, held only between open() and close(). */
export class ImageStream {
  #backoff = new Backoff();
  #isOpen = false;
  #attempts = 0;
  #retry = 0;
  #onState;
  #url;

  /**
   * @param {HTMLImageElement} image
   * @param {string} url
   * @param {(state: StreamState, reason: string | null) => void} onState
   */
  constructor(image, url, onState) {
    this.image = image;
    this.#url = url;
    this.#onState = onState;
    image.addEventListener("load", () => this.#loaded());
    image.addEventListener("error", () => this.#failed());
    addEventListener("online", () => this.#isOpen && this.restart());
  }

  /** Connects, unless it is already connected. */
  open() {
    if (!this.#isOpen) this.restart();
  }

  /** Disconnects; the last frame disappears too. */
  close() {
    this.#disconnect();
    this.#onState("closed", null);
  }

  /** Connects again if it is connected. */
  restart() {
    this.#disconnect();
    this.#isOpen = true;
    this.#backoff.reset();
    this.#attempt();
  }

  #disconnect() {
    this.#isOpen = false;
    clearTimeout(this.#retry);
    this.image.removeAttribute("src"); // closes the connection
  }

  #attempt() {
    this.#onState("connecting", null);
    this.image.removeAttribute("src"); // a second connection beside the first one would be a second viewer
    this.image.src = `${this.#url}?fps=${RATE}&attempt=${++this.#attempts}`; // the browser does not load the same address twice
  }

  #loaded() {
    if (!this.#isOpen) return;
    this.#backoff.reset();
    this.#onState("open", null);
  }

  #failed() {
    if (!this.#isOpen) return;
    this.#onState("waiting", null);
    clearTimeout(this.#retry);
    this.#retry = setTimeout(() => this.#attempt(), this.#backoff.next());
  }
}
