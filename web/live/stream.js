/**
 * The connection to stream.mjpg: opens it, reads its parts, and reconnects after every loss.
 *
 * @typedef {import("./multipart.js").Part} Part
 * @typedef {"closed" | "connecting" | "open" | "waiting" | "unsupported"} StreamState "unsupported":
 *   scripts cannot read a stream in this browser
 */

import { ApiError, isReachable, refusalFrom } from "../shared/api.js";
import { Backoff } from "../shared/backoff.js";
import { boundaryOf, MultipartParser } from "./multipart.js";

const SILENCE_MS = 5000;
/** After this number of attempts without a frame, although the appliance answers, streams count as unsupported. */
const MAXIMUM_ATTEMPTS = 3;
/** WebKit cancels a response of type multipart/x-mixed-replace that a script reads, but not one of this type. */
const MEDIA_TYPE = "application/octet-stream";

/**
 * @param {Response} response with an error status
 * @returns {Promise<ApiError & {retryAfterMs: number}>}
 */
async function refusal(response) {
  const retryAfterMs = Number(response.headers.get("Retry-After")) * 1000 || 0;
  return Object.assign(await refusalFrom(response), { retryAfterMs });
}

/** The connection is dead: no bytes arrived for a while. */
class SilenceError extends Error {}

/** One viewer place, held only between open() and close(). */
export class Stream {
  /** @type {AbortController | null} */ #connection = null;
  #backoff = new Backoff();
  #failures = 0;
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

  /** Connects, unless it is already connected. */
  open() {
    if (!this.#connection) this.restart();
  }

  /** Disconnects; the connection is closed when this returns. */
  close() {
    this.#connection?.abort();
    this.#connection = null;
    this.#onState("closed", null);
  }

  /** Connects, or reconnects. */
  restart() {
    this.#connection?.abort();
    this.#connection = new AbortController();
    this.#backoff.reset();
    this.#run(this.#connection);
  }

  /** @param {AbortController} connection stays until close(), across all attempts */
  async #run(connection) {
    while (!connection.signal.aborted) {
      this.#onState("connecting", null);
      const error = await this.#attempt(connection.signal);
      if (connection.signal.aborted) return;
      if (await this.#isUnsupported(error)) {
        if (connection.signal.aborted) return;
        this.#connection = null;
        this.#onState("unsupported", null);
        return;
      }
      if (connection.signal.aborted) return;
      this.#onState("waiting", error instanceof ApiError ? error.message : null);
      await this.#wait(Math.max(this.#backoff.next(), error.retryAfterMs ?? 0), connection.signal);
    }
  }

  /**
   * @param {Error} error of the last attempt
   * @returns {Promise<boolean>} whether the browser is the cause, not the network or the appliance
   */
  async #isUnsupported(error) {
    const isRefused = error instanceof ApiError || error instanceof SilenceError;
    if (isRefused || !(await isReachable())) this.#failures = 0;
    else this.#failures += 1;
    return this.#failures >= MAXIMUM_ATTEMPTS;
  }

  /**
   * @param {AbortSignal} closed
   * @returns {Promise<Error & {retryAfterMs?: number}>} why the attempt ended
   */
  async #attempt(closed) {
    const attempt = new AbortController();
    const cancel = () => attempt.abort();
    closed.addEventListener("abort", cancel);
    let lastBytesAt = performance.now();
    const watchdog = setInterval(() => performance.now() - lastBytesAt > SILENCE_MS && attempt.abort(), 500);
    try {
      await this.#read(attempt.signal, () => (lastBytesAt = performance.now()));
      return new Error("The stream ended.");
    } catch (error) {
      if (attempt.signal.aborted) return new SilenceError();
      return error instanceof Error ? error : new Error(String(error));
    } finally {
      clearInterval(watchdog);
      closed.removeEventListener("abort", cancel);
      attempt.abort();
    }
  }

  /**
   * @param {AbortSignal} signal
   * @param {() => void} onBytes
   */
  async #read(signal, onBytes) {
    const response = await fetch(this.#url, { signal, cache: "no-store", headers: { Accept: MEDIA_TYPE } });
    if (!response.ok) throw await refusal(response);
    if (!response.body) throw new Error("This browser cannot read a stream.");
    const parser = new MultipartParser(boundaryOf(response.headers.get("Content-Type")), (part) => {
      this.#backoff.reset();
      this.#failures = 0;
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
