/**
 * The clock of the appliance, estimated in the browser, whose own clock may be minutes off. The offset computed from a
 * message with a server time is too small by the time in transit, so the largest of the recent offsets is the best.
 */
export class ServerClock {
  /** @type {number[]} */ #offsets = [];

  /** @param {string} time ISO 8601, from a state event that has just arrived */
  observe(time) {
    const offset = Date.parse(time) - Date.now();
    if (Number.isNaN(offset)) return;
    const last = this.#offsets.at(-1);
    if (last !== undefined && Math.abs(offset - last) > 2000) this.#offsets = []; // one of the two clocks was set
    this.#offsets = [...this.#offsets.slice(-29), offset];
  }

  /** @returns {number | null} milliseconds since the epoch, null before the first observation */
  now() {
    return this.#offsets.length ? Date.now() + Math.max(...this.#offsets) : null;
  }
}
