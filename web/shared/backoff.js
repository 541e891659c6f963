/** Exponential backoff: each delay is twice the one before, with some jitter so that many pages do not reconnect at once. */
export class Backoff {
  #attempts = 0;

  /**
   * @param {number} first milliseconds
   * @param {number} longest milliseconds
   */
  constructor(first = 500, longest = 5000) {
    this.first = first;
    this.longest = longest;
  }

  /** @returns {number} milliseconds to wait before the next attempt */
  next() {
    const delay = Math.min(this.longest, this.first * 2 ** this.#attempts++);
    return delay * (0.9 + 0.1 * Math.random());
  }

  /** An attempt succeeded: the next delay is short again. */
  reset() {
    this.#attempts = 0;
  }
}
