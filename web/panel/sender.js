/** At most ten changes a second reach the camera while somebody slides, and always the last one. */

const INTERVAL_MS = 100;

/**
 * Sends values one after the other, leaving out those that were overtaken.
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
   * @param {() => void} onIdle nothing is on its way any more
   */
  constructor(send, onIdle) {
    this.#send = send;
    this.#onIdle = onIdle;
  }

  /** Whether a value waits or is on its way. */
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
