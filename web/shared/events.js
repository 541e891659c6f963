/**
 * Server-sent events of the appliance. The browser's EventSource reconnects after most losses, but not after an answer
 * that is not an event stream (such as a proxy's error page), and it does not detect a dead connection. Both are handled here.
 *
 * @typedef {import("../types.js").ServerEvents} ServerEvents
 * @typedef {{[Name in keyof ServerEvents]?: (data: ServerEvents[Name]) => void}} Handlers by name of the event
 */

import { Backoff } from "./backoff.js";

/** A state event arrives every second, so this long a silence means a dead connection. */
const SILENCE_MS = 5000;

/** Connected while the page is visible. */
export class Events {
  /** @type {EventSource | null} */ #source = null;
  #backoff = new Backoff();
  #connected = false;
  #lastEventAt = 0;
  #retry = 0;
  #handlers;
  #onConnection;
  #url;

  /**
   * @param {string} url
   * @param {Handlers} handlers
   * @param {(connected: boolean) => void} onConnection called on every change, and if the first attempt fails
   */
  constructor(url, handlers, onConnection) {
    this.#url = url;
    this.#handlers = handlers;
    this.#onConnection = onConnection;
    document.addEventListener("visibilitychange", () => this.#connectOrDisconnect());
    addEventListener("online", () => this.#connectOrDisconnect());
    setInterval(() => this.#watch(), 1000);
    this.#connectOrDisconnect();
  }

  /** Reconnects; called when the connection may be dead without having been closed. */
  reconnect() {
    this.#connectOrDisconnect();
  }

  #connectOrDisconnect() {
    this.#close();
    if (document.visibilityState === "visible") this.#open();
  }

  #open() {
    this.#close();
    this.#lastEventAt = performance.now();
    const source = (this.#source = new EventSource(this.#url));
    source.onerror = () => this.#failed(source);
    for (const [name, handle] of Object.entries(this.#handlers)) {
      source.addEventListener(name, (event) => {
        this.#received();
        handle(JSON.parse(event.data));
      });
    }
  }

  #close() {
    clearTimeout(this.#retry);
    this.#connected = false;
    this.#source?.close();
    this.#source = null;
  }

  #received() {
    this.#lastEventAt = performance.now();
    this.#backoff.reset();
    if (this.#connected) return;
    this.#connected = true;
    this.#onConnection(true);
  }

  /** @param {EventSource} source */
  #failed(source) {
    if (source !== this.#source) return;
    this.#connected = false;
    this.#onConnection(false);
    if (source.readyState === EventSource.CLOSED) this.#retry = setTimeout(() => this.#open(), this.#backoff.next());
  }

  #watch() {
    const { readyState = EventSource.CLOSED } = this.#source ?? {};
    if (readyState === EventSource.CLOSED || performance.now() - this.#lastEventAt < SILENCE_MS) return;
    this.#onConnection(false);
    this.#open();
  }
}
