/** Waiting times between attempts: each twice the last one, with some chance in it so that many pages do not return at once. */
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
    const wait = Math.min(this.longest, this.first * 2 ** this.#attempts++);
    return wait * (0.9 + 0.1 * Math.random());
  }

  /** An attempt succeeded: the next wait is short again. */
  reset() {
    this.#attempts = 0;
  }
}
