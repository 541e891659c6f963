/** How often something happens: events a second over the last two seconds. */
export class RateMeter {
  /** @type {number[]} */ #times = [];

  /** @param {number} [now] milliseconds */
  count(now = performance.now()) {
    this.#times.push(now);
    if (this.#times.length > 512) this.#times = this.#times.slice(-256);
  }

  /** Forgets everything, for a new connection. */
  reset() {
    this.#times = [];
  }

  /**
   * @param {number} [now] milliseconds
   * @returns {number | null} null while there is too little to tell
   */
  rate(now = performance.now()) {
    this.#times = this.#times.filter((time) => now - time < 2000);
    const [first, last] = [this.#times[0], this.#times.at(-1)];
    if (this.#times.length < 2 || last === undefined) return null;
    const usual = (last - first) / (this.#times.length - 1);
    const isLate = now - last > 3 * usual; // then the time since counts as well: nothing comes is no rate
    return (1000 * (this.#times.length - 1)) / ((isLate ? now : last) - first);
  }
}
