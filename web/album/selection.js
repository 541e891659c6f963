/**
 * Which pictures are selected.
 *
 * @typedef {import("../types.js").Picture} Picture
 */

/** Numbers of pictures, and whether anything is being selected at all. */
export class Selection {
  /** @type {Set<number>} */ #chosen = new Set();
  /** @type {number | null} */ #last = null;
  #isOn = false;
  #onChange = () => {};

  /** @param {() => void} listener called after every change */
  listen(listener) {
    this.#onChange = listener;
  }

  get isOn() {
    return this.#isOn;
  }

  get size() {
    return this.#chosen.size;
  }

  /** @param {number} id */
  has(id) {
    return this.#chosen.has(id);
  }

  toggleMode() {
    if (this.#isOn) this.end();
    else this.#begin();
  }

  #begin() {
    this.#isOn = true;
    this.#onChange();
  }

  end() {
    this.#isOn = false;
    this.#last = null;
    this.#chosen.clear();
    this.#onChange();
  }

  /**
   * @param {number} id
   * @param {boolean} asRange from the one before
   * @param {Picture[]} pictures all in their order
   */
  toggle(id, asRange, pictures) {
    const ids = pictures.map((picture) => picture.id);
    const [from, to] = [ids.indexOf(this.#last ?? -1), ids.indexOf(id)].sort((a, b) => a - b);
    if (asRange && from !== -1) for (const one of ids.slice(from, to + 1)) this.#chosen.add(one);
    else if (!this.#chosen.delete(id)) this.#chosen.add(id);
    this.#last = id;
    this.#onChange();
  }

  /** @param {number[]} ids all of them if any is missing, else none */
  toggleMany(ids) {
    const isComplete = ids.every((id) => this.#chosen.has(id));
    for (const id of ids) {
      if (isComplete) this.#chosen.delete(id);
      else this.#chosen.add(id);
    }
    this.#onChange();
  }

  /** @param {Set<number>} ids that still exist */
  keepOnly(ids) {
    const gone = [...this.#chosen].filter((id) => !ids.has(id));
    for (const id of gone) this.#chosen.delete(id);
    if (gone.length || this.#isOn) this.#onChange();
  }
}

/**
 * @param {Picture[]} pictures newest first
 * @param {(id: number) => boolean} isChosen
 * @returns {string} such as "7,9,12-40": a span for those that follow one another, however many numbers are missing
 */
export function spansOf(pictures, isChosen) {
  /** @type {number[][]} */ const spans = [];
  let isOpen = false;
  for (const { id } of pictures.toReversed()) {
    if (isChosen(id) && isOpen) spans[spans.length - 1][1] = id;
    else if (isChosen(id)) spans.push([id, id]);
    isOpen = isChosen(id);
  }
  return spans.map(([first, last]) => (first === last ? String(first) : `${first}-${last}`)).join(",");
}
