/**
 * The clock of the appliance as seen from the browser, whose own may be minutes off. Every message with a server time
 * gives an offset that is too small by the time the message travelled; the largest of the last ones is the nearest.
 */
export class ServerClock {
  /** @type {number[]} */ #offsets = [];

  /** @param {string} time ISO 8601, as in a state event that has just arrived */
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
