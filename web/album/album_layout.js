/**
 * Where the pictures of the album are: days one below the other, in each of them rows of equal cells. So every place is
 * known without looking at the page, also of pictures that are not on it.
 *
 * @typedef {import("../types.js").Picture} Picture
 * @typedef {object} Cells sizes in pixels
 * @property {number} columns
 * @property {number} width
 * @property {number} height with the line under the picture
 * @property {number} gap
 * @property {number} head height of what is above the rows of a day
 * @typedef {object} Shelf one day
 * @property {string} day
 * @property {Picture[]} pictures
 * @property {number} first how many pictures are before it
 * @property {number} top pixels from the beginning of the first day
 * @property {number} height pixels
 */

import { dayOf } from "../shared/formatters.js";

/** Of the same unit as the sizes in style sheets: the height of the reader's letters. */
const REM = { width: 9, gap: 0.5, line: 1.5, head: 2.75, below: 1.25 };
const FEWEST_COLUMNS = 3;

/**
 * @param {number} width pixels that there are
 * @param {number} rem pixels
 * @returns {Cells}
 */
export function cellsIn(width, rem) {
  const gap = REM.gap * rem;
  const columns = Math.max(FEWEST_COLUMNS, Math.floor((width + gap) / (REM.width * rem + gap)));
  const across = (width - gap * (columns - 1)) / columns;
  return { columns, width: across, height: (across * 9) / 16 + REM.line * rem, gap, head: REM.head * rem };
}

/** The days, newest first, whatever order the numbers of the pictures have: a clock may have been wrong. */
export class Shelves {
  /** @type {Shelf[]} */ shelves = [];
  /** @type {Picture[]} in the order in which they are seen */ pictures = [];
  /** @type {Map<number, number>} by the number of the picture */ #index = new Map();

  /**
   * @param {Picture[]} pictures newest first
   * @param {Cells} cells
   */
  constructor(pictures, cells) {
    this.cells = cells;
    /** @type {Map<string, Picture[]>} */ const days = new Map();
    for (const picture of pictures) {
      const day = dayOf(picture.taken_at);
      const others = days.get(day);
      if (others) others.push(picture);
      else days.set(day, [picture]);
    }
    for (const day of [...days.keys()].sort().reverse()) this.#add(day, days.get(day) ?? []);
    this.pictures.forEach(({ id }, index) => this.#index.set(id, index));
  }

  /**
   * @param {string} day
   * @param {Picture[]} pictures
   */
  #add(day, pictures) {
    const { columns, height, gap, head } = this.cells;
    const rows = Math.ceil(pictures.length / columns);
    const below = (head * REM.below) / REM.head;
    const size = head + rows * (height + gap) - gap + below;
    this.shelves.push({ day, pictures, first: this.pictures.length, top: this.height, height: size });
    for (const picture of pictures) this.pictures.push(picture);
  }

  /** Pixels that all days take. */
  get height() {
    const last = this.shelves.at(-1);
    return last ? last.top + last.height : 0;
  }

  /**
   * @param {number} id
   * @returns {number | undefined} its place among `pictures`
   */
  indexOf(id) {
    return this.#index.get(id);
  }

  /**
   * @param {number} index
   * @returns {Shelf}
   */
  shelfOf(index) {
    const shelf = this.shelves.findLast(({ first }) => first <= index);
    if (!shelf) throw new RangeError(`There is no picture ${index} in the album.`);
    return shelf;
  }

  /**
   * @param {number} index
   * @returns {number} pixels from the beginning of the first day
   */
  topOf(index) {
    const { top, first } = this.shelfOf(index);
    return top + this.cells.head + this.placeOf(index - first).top;
  }

  /**
   * @param {number} place among the pictures of its day
   * @returns {{left: number, top: number}} pixels from the beginning of the day's first row
   */
  placeOf(place) {
    const { columns, width, height, gap } = this.cells;
    return { left: (place % columns) * (width + gap), top: Math.floor(place / columns) * (height + gap) };
  }

  /**
   * @param {number} from pixels from the beginning of the first day
   * @param {number} to
   * @returns {Map<Shelf, number[]>} the pictures of all rows that are there, by day
   */
  between(from, to) {
    const near = this.shelves.filter(({ top, height }) => top < to && top + height > from);
    return new Map(near.map((shelf) => [shelf, this.#indexes(shelf, from, to)]));
  }

  /**
   * @param {Shelf} shelf
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
   * @param {number} top pixels from the beginning of the first day
   * @returns {number} the first picture of which something is below that
   */
  indexAt(top) {
    const [indexes = []] = this.between(top, Infinity).values();
    return indexes[0] ?? this.pictures.length;
  }

  /**
   * Where an arrow key leads. Up and down keep the column, or end where the row does.
   *
   * @param {number} index
   * @param {string} key
   * @returns {number | undefined} undefined for keys that lead nowhere
   */
  step(index, key) {
    const last = this.pictures.length - 1;
    const shelf = this.shelfOf(index);
    /** @type {Record<string, () => number>} */
    const targets = {
      ArrowLeft: () => index - 1,
      ArrowRight: () => index + 1,
      ArrowUp: () => this.#up(shelf, index),
      ArrowDown: () => this.#down(shelf, index),
      Home: () => 0,
      End: () => last,
    };
    const target = targets[key]?.();
    return target === undefined ? undefined : Math.min(last, Math.max(0, target));
  }

  /**
   * @param {Shelf} shelf
   * @param {number} index
   */
  #up({ first }, index) {
    const { columns } = this.cells;
    if (index - columns >= first) return index - columns;
    if (first === 0) return index;
    const above = this.shelfOf(first - 1);
    const row = above.first + Math.floor((above.pictures.length - 1) / columns) * columns;
    return Math.min(first - 1, row + index - first);
  }

  /**
   * @param {Shelf} shelf
   * @param {number} index
   */
  #down({ first, pictures }, index) {
    const { columns } = this.cells;
    const [column, after] = [(index - first) % columns, first + pictures.length];
    if (index + columns < after) return index + columns;
    if (index - column + columns < after) return after - 1; // the last row is shorter
    const below = this.shelves.find((shelf) => shelf.first === after);
    return below ? after + Math.min(column, below.pictures.length - 1) : index;
  }
}
