/**
 * The layout of the album: days below one another, each with rows of equally sized cells. Every position is computed, so
 * it is known for pictures without a list item too, and nothing is measured on the page.
 *
 * @typedef {import("../types.js").Picture} Picture
 * @typedef {object} Cells sizes in pixels
 * @property {number} columns
 * @property {number} width
 * @property {number} height including the line under the picture
 * @property {number} gap
 * @property {number} head height of the heading of a day
 * @typedef {object} AlbumDay one day
 * @property {string} date such as "2026-11-22"
 * @property {Picture[]} pictures
 * @property {number} first number of pictures on the days above
 * @property {number} top pixels from the top of the first day
 * @property {number} height pixels
 */

import { dayOf } from "../shared/formatters.js";

/** Sizes in the unit `rem` of the style sheets. */
const REM = { width: 9, gap: 0.5, line: 1.5, head: 2.75, below: 1.25 };
const FEWEST_COLUMNS = 3;

/**
 * @param {number} width available pixels
 * @param {number} rem pixels
 * @returns {Cells}
 */
export function cellsIn(width, rem) {
  const gap = REM.gap * rem;
  const columns = Math.max(FEWEST_COLUMNS, Math.floor((width + gap) / (REM.width * rem + gap)));
  const across = (width - gap * (columns - 1)) / columns;
  return { columns, width: across, height: (across * 9) / 16 + REM.line * rem, gap, head: REM.head * rem };
}

/** The days, newest first. The numbers of pictures need not be in this order: the clock may have been wrong. */
export class AlbumLayout {
  /** @type {AlbumDay[]} */ days = [];
  /** @type {Picture[]} in display order */ pictures = [];
  /** @type {Map<number, number>} by the number of the picture */ #index = new Map();

  /**
   * @param {Picture[]} pictures newest first
   * @param {Cells} cells
   */
  constructor(pictures, cells) {
    this.cells = cells;
    /** @type {Map<string, Picture[]>} */ const byDate = new Map();
    for (const picture of pictures) {
      const date = dayOf(picture.taken_at);
      const others = byDate.get(date);
      if (others) others.push(picture);
      else byDate.set(date, [picture]);
    }
    for (const date of [...byDate.keys()].sort().reverse()) this.#add(date, byDate.get(date) ?? []);
    this.pictures.forEach(({ id }, index) => this.#index.set(id, index));
  }

  /**
   * @param {string} date
   * @param {Picture[]} pictures
   */
  #add(date, pictures) {
    const { columns, height, gap, head } = this.cells;
    const rows = Math.ceil(pictures.length / columns);
    const below = (head * REM.below) / REM.head;
    const size = head + rows * (height + gap) - gap + below;
    this.days.push({ date, pictures, first: this.pictures.length, top: this.height, height: size });
    for (const picture of pictures) this.pictures.push(picture);
  }

  /** Height of all days in pixels. */
  get height() {
    const last = this.days.at(-1);
    return last ? last.top + last.height : 0;
  }

  /**
   * @param {number} id
   * @returns {number | undefined} its index in `pictures`
   */
  indexOf(id) {
    return this.#index.get(id);
  }

  /**
   * @param {number} index
   * @returns {AlbumDay}
   */
  dayAt(index) {
    const day = this.days.findLast(({ first }) => first <= index);
    if (!day) throw new RangeError(`The album has no picture at index ${index}.`);
    return day;
  }

  /**
   * @param {number} index
   * @returns {number} pixels from the top of the first day
   */
  topOf(index) {
    const { top, first } = this.dayAt(index);
    return top + this.cells.head + this.placeOf(index - first).top;
  }

  /**
   * @param {number} place index among the pictures of its day
   * @returns {{left: number, top: number}} pixels from the top left of the day's first row
   */
  placeOf(place) {
    const { columns, width, height, gap } = this.cells;
    return { left: (place % columns) * (width + gap), top: Math.floor(place / columns) * (height + gap) };
  }

  /**
   * @param {number} from pixels from the top of the first day
   * @param {number} to
   * @returns {Map<AlbumDay, number[]>} indexes of the pictures of all rows in that range, by day
   */
  between(from, to) {
    const near = this.days.filter(({ top, height }) => top < to && top + height > from);
    return new Map(near.map((day) => [day, this.#indexes(day, from, to)]));
  }

  /**
   * @param {AlbumDay} day
   * @param {number} from
   * @param {number} to
   */
  #indexes({ top, first, pictures }, from, to) {
    const { columns, height, gap, head } = this.cells;
    const rowAt = (/** @type {number} */ y) => Math.max(0, (y - top - head) / (height + gap));
    const start = Math.floor(rowAt(from)) * columns;
    const end = Math.min(pictures.length, Math.ceil(rowAt(to)) * columns);
    return Array.from({ length: Math.max(0, end - start) }, (_, place) => first + start + place);
  }

  /**
   * @param {number} top pixels from the top of the first day
   * @returns {number} index of the first picture that is at least partly below that
   */
  indexAt(top) {
    const [indexes = []] = this.between(top, Infinity).values();
    return indexes[0] ?? this.pictures.length;
  }

  /**
   * The target of an arrow key, Home or End. Up and down keep the column, or stop at the end of a shorter row.
   *
   * @param {number} index
   * @param {string} key
   * @returns {number | undefined} undefined for other keys
   */
  step(index, key) {
    const last = this.pictures.length - 1;
    const day = this.dayAt(index);
    /** @type {Record<string, () => number>} */
    const targets = {
      ArrowLeft: () => index - 1,
      ArrowRight: () => index + 1,
      ArrowUp: () => this.#up(day, index),
      ArrowDown: () => this.#down(day, index),
      Home: () => 0,
      End: () => last,
    };
    const target = targets[key]?.();
    return target === undefined ? undefined : Math.min(last, Math.max(0, target));
  }

  /**
   * @param {AlbumDay} day
   * @param {number} index
   */
  #up({ first }, index) {
    const { columns } = this.cells;
    if (index - columns >= first) return index - columns;
    if (first === 0) return index;
    const above = this.dayAt(first - 1);
    const row = above.first + Math.floor((above.pictures.length - 1) / columns) * columns;
    return Math.min(first - 1, row + index - first);
  }

  /**
   * @param {AlbumDay} day
   * @param {number} index
   */
  #down({ first, pictures }, index) {
    const { columns } = this.cells;
    const [column, after] = [(index - first) % columns, first + pictures.length];
    if (index + columns < after) return index + columns;
    if (index - column + columns < after) return after - 1; // the last row is shorter
    const below = this.days.find((day) => day.first === after);
    return below ? after + Math.min(column, below.pictures.length - 1) : index;
  }
}
