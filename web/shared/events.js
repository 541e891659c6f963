/**
 * Server-sent events of the appliance. The browser's EventSource comes back after most losses by itself, but not after an
 * answer that is no event stream (a proxy's error page), and it does not notice a line that went dead: both are handled here.
 */

import { Backoff } from "./backoff.js";

/** A state event comes every second. */
const SILENCE_MS = 5000;

/** Listens while the page is visible. */
export class Events {
  /** @type {EventSource | null} */ #source = null;
  #backoff = new Backoff();
  #connected = false;
  #heard = 0;
  #retry = 0;
  #handlers;
  #onConnection;
  #url;

  /**
   * @param {string} url
   * @param {Record<string, (data: any) => void>} handlers by name of the event
   * @param {(connected: boolean) => void} onConnection called on every change, and when the first attempt failed
   */
  constructor(url, handlers, onConnection) {
    this.#url = url;
    this.#handlers = handlers;
    this.#onConnection = onConnection;
    document.addEventListener("visibilitychange", () => this.#connectOrLeave());
    addEventListener("online", () => this.#connectOrLeave());
    setInterval(() => this.#watch(), 1000);
    this.#connectOrLeave();
  }

  /** Connects anew: the connection may be dead without knowing. */
  reconnect() {
    this.#connectOrLeave();
  }

  #connectOrLeave() {
    this.#close();
    if (document.visibilityState === "visible") this.#open();
  }

  #open() {
    this.#close();
    this.#heard = performance.now();
    const source = (this.#source = new EventSource(this.#url));
    source.onerror = () => this.#failed(source);
    for (const [name, handle] of Object.entries(this.#handlers)) {
      source.addEventListener(name, (event) => {
        this.#alive();
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

  #alive() {
    this.#heard = performance.now();
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
    if (readyState === EventSource.CLOSED || performance.now() - this.#heard < SILENCE_MS) return;
    this.#onConnection(false);
    this.#open();
  }
}
