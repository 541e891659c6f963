/** Limits the changes sent while a slider moves to ten per second; the last one is always sent. */

const INTERVAL_MS = 100;

/**
 * Sends values one at a time, and skips those that a newer value has replaced.
 *
 * @template T
 */
export class Sender {
  /** @type {{value: T} | null} */ #next = null;
  #sentAt = -Infinity;
  #busy = false;
  #send;
  #onIdle;

  /**
   * @param {(value: T) => Promise<void>} send never rejects
   * @param {() => void} onIdle called when everything has been sent
   */
  constructor(send, onIdle) {
    this.#send = send;
    this.#onIdle = onIdle;
  }

  /** Whether a value is waiting or being sent. */
  get busy() {
    return this.#busy;
  }

  /** @param {T} value */
  push(value) {
    this.#next = { value };
    if (!this.#busy) this.#run();
  }

  async #run() {
    this.#busy = true;
    while (this.#next) {
      await this.#pause();
      const { value } = this.#next;
      this.#next = null;
      this.#sentAt = performance.now();
      await this.#send(value);
    }
    this.#busy = false;
    this.#onIdle();
  }

  #pause() {
    const wait = this.#sentAt + INTERVAL_MS - performance.now();
    return wait > 0 ? new Promise((resolve) => setTimeout(resolve, wait)) : Promise.resolve();
  }
}
