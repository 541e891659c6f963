/**
 * The stream in an <img>, for browsers in which no script can read it: the browser shows each frame by itself, and tells
 * neither how many there are nor how old they are.
 *
 * @typedef {import("./stream.js").StreamState} StreamState
 */

import { Backoff } from "../shared/backoff.js";

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

  /** Connects, unless it already does. */
  open() {
    if (!this.#isOpen) this.restart();
  }

  /** Leaves; the last picture is gone too. */
  close() {
    this.#leave();
    this.#onState("closed", null);
  }

  /** Connects again if it is connected. */
  restart() {
    this.#leave();
    this.#isOpen = true;
    this.#backoff.reset();
    this.#attempt();
  }

  #leave() {
    this.#isOpen = false;
    clearTimeout(this.#retry);
    this.image.removeAttribute("src"); // closes the connection
  }

  #attempt() {
    this.#onState("connecting", null);
    this.image.src = `${this.#url}?attempt=${++this.#attempts}`; // another address: the same one is not loaded again
  }

  #loaded() {
    if (!this.#isOpen) return;
    this.#backoff.reset();
    this.#onState("open", null);
  }

  #failed() {
    if (!this.#isOpen) return;
    this.#onState("waiting", null);
    this.#retry = setTimeout(() => this.#attempt(), this.#backoff.next());
  }
}
