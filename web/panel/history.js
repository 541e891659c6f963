/** Charts of the last minute of a value. */

import { find, setText } from "../shared/dom.js";

const SECONDS = 60;
const HEIGHT = 20; // units of the drawing; horizontally, one unit is a second

/** A small chart: a figure with a caption, the current value, and a drawing. */
export class History {
  /** @type {(number | null)[]} */ #values = [];

  /**
   * @param {HTMLElement} figure
   * @param {string} name for screen readers
   * @param {(value: number) => string} format
   * @param {number} least smallest value that the full height stands for
   */
  constructor(figure, name, format, least) {
    this.drawing = /** @type {SVGElement} */ (figure.querySelector("svg"));
    this.line = /** @type {SVGPathElement} */ (figure.querySelector("[data-role=line]"));
    this.area = /** @type {SVGPathElement} */ (figure.querySelector("[data-role=area]"));
    this.now = find("output", HTMLElement, figure);
    this.top = find("[data-role=top]", HTMLElement, figure);
    this.name = name;
    this.format = format;
    this.least = least;
  }

  /** @param {number | null} value of this second, null for none */
  add(value) {
    this.#values = [...this.#values, value].slice(-SECONDS - 1);
    this.#draw();
  }

  #draw() {
    const known = this.#values.filter((value) => value !== null);
    const top = Math.max(this.least, ...known) * 1.1;
    const first = SECONDS + 1 - this.#values.length;
    let line = "";
    let area = "";
    let begun = -1;
    this.#values.forEach((value, index) => {
      const x = first + index;
      if (value === null) return;
      const y = (HEIGHT * (1 - value / top)).toFixed(2);
      const isNext = begun !== -1 && this.#values[index - 1] !== null;
      if (!isNext) begun = x;
      line += `${isNext ? "L" : "M"}${x} ${y}`;
      if (isNext)
        area += `M${x - 1} ${HEIGHT}V${(HEIGHT * (1 - Number(this.#values[index - 1]) / top)).toFixed(2)}L${x} ${y}V${HEIGHT}Z`;
    });
    this.line.setAttribute("d", line);
    this.area.setAttribute("d", area);
    const last = this.#values.at(-1) ?? null;
    setText(this.now, last === null ? "–" : this.format(last));
    setText(this.top, known.length ? `max ${this.format(Math.max(...known))}` : "");
    const span = known.length ? `${this.format(Math.min(...known))} to ${this.format(Math.max(...known))}` : "none";
    this.drawing.setAttribute("aria-label", `${this.name} in the last minute: ${span}`);
  }
}
