/** Measures a rate: events per second over the last two seconds. */
export class RateMeter {
  /** @type {number[]} */ #times = [];

  /** @param {number} [now] milliseconds */
  count(now = performance.now()) {
    this.#times.push(now);
    if (this.#times.length > 512) this.#times = this.#times.slice(-256);
  }

  /** Discards all measurements, for a new connection. */
  reset() {
    this.#times = [];
  }

  /**
   * @param {number} [now] milliseconds
   * @returns {number | null} null while there are too few events
   */
  rate(now = performance.now()) {
    this.#times = this.#times.filter((time) => now - time < 2000);
    const [first, last] = [this.#times[0], this.#times.at(-1)];
    if (this.#times.length < 2 || last === undefined) return null;
    const average = (last - first) / (this.#times.length - 1);
    const isLate = now - last > 3 * average; // then the time since the last event counts too, so that the rate falls to 0
    return (1000 * (this.#times.length - 1)) / ((isLate ? now : last) - first);
  }
}
