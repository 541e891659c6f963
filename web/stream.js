/**
 * The connection to stream.mjpg: opens it, reads parts, and comes back by itself after every loss.
 *
 * @typedef {import("./multipart.js").Part} Part
 * @typedef {"closed" | "connecting" | "open" | "waiting"} StreamState
 */

import { ApiError, refusalFrom } from "./api.js";
import { Backoff } from "./backoff.js";
import { boundaryOf, MultipartParser } from "./multipart.js";

const SILENCE_MS = 5000;

/**
 * @param {Response} response that is not a stream
 * @returns {Promise<ApiError & {retryAfterMs: number}>}
 */
async function refusal(response) {
  const retryAfterMs = Number(response.headers.get("Retry-After")) * 1000 || 0;
  return Object.assign(await refusalFrom(response), { retryAfterMs });
}

/** One viewer place, held only between open() and close(). */
export class Stream {
  /** @type {AbortController | null} */ #connection = null;
  #backoff = new Backoff();
  #onPart;
  #onState;
  #url;

  /**
   * @param {string} url
   * @param {(part: Part) => void} onPart
   * @param {(state: StreamState, reason: string | null) => void} onState
   */
  constructor(url, onPart, onState) {
    this.#url = url;
    this.#onPart = onPart;
    this.#onState = onState;
    addEventListener("online", () => this.#connection && this.restart());
  }

  /** Connects, unless it already does. */
  open() {
    if (!this.#connection) this.restart();
  }

  /** Leaves: the connection is gone when this returns. */
  close() {
    this.#connection?.abort();
    this.#connection = null;
    this.#onState("closed", null);
  }

  /** Connects, anew if it is connected. */
  restart() {
    this.#connection?.abort();
    this.#connection = new AbortController();
    this.#backoff.reset();
    this.#run(this.#connection);
  }

  /** @param {AbortController} connection lives until close(), over all attempts */
  async #run(connection) {
    while (!connection.signal.aborted) {
      this.#onState("connecting", null);
      const error = await this.#attempt(connection.signal);
      if (connection.signal.aborted) return;
      this.#onState("waiting", error instanceof ApiError ? error.message : null);
      await this.#wait(Math.max(this.#backoff.next(), error.retryAfterMs ?? 0), connection.signal);
    }
  }

  /**
   * @param {AbortSignal} closed
   * @returns {Promise<Error & {retryAfterMs?: number}>} why it ended; it always ends
   */
  async #attempt(closed) {
    const attempt = new AbortController();
    const leave = () => attempt.abort();
    closed.addEventListener("abort", leave);
    let heard = performance.now();
    const watchdog = setInterval(() => performance.now() - heard > SILENCE_MS && attempt.abort(), 500);
    try {
      await this.#read(attempt.signal, () => (heard = performance.now()));
      return new Error("The stream ended.");
    } catch (error) {
      return error instanceof Error ? error : new Error(String(error));
    } finally {
      clearInterval(watchdog);
      closed.removeEventListener("abort", leave);
      attempt.abort();
    }
  }

  /**
   * @param {AbortSignal} signal
   * @param {() => void} onBytes
   */
  async #read(signal, onBytes) {
    const response = await fetch(this.#url, { signal, cache: "no-store" });
    if (!response.ok || !response.body) throw await refusal(response);
    const parser = new MultipartParser(boundaryOf(response.headers.get("Content-Type")), (part) => {
      this.#backoff.reset();
      this.#onPart(part);
    });
    this.#onState("open", null);
    const reader = response.body.getReader();
    for (;;) {
      const { done, value } = await reader.read();
      if (done || signal.aborted) return;
      onBytes();
      parser.push(value);
    }
  }

  /**
   * @param {number} milliseconds
   * @param {AbortSignal} signal
   */
  #wait(milliseconds, signal) {
    return new Promise((resolve) => {
      setTimeout(resolve, milliseconds);
      signal.addEventListener("abort", resolve, { once: true });
    });
  }
}
