/**
 * Which pictures are selected.
 *
 * @typedef {import("../types.js").Picture} Picture
 */

/** The selected pictures, and whether selection mode is on. */
export class Selection {
  /** @type {Set<number>} */ #selected = new Set();
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
    return this.#selected.size;
  }

  /** @param {number} id */
  has(id) {
    return this.#selected.has(id);
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
    this.#selected.clear();
    this.#onChange();
  }

  /**
   * @param {number} id
   * @param {boolean} asRange whether to select everything between the last toggled picture and this one
   * @param {Picture[]} pictures all pictures in display order
   */
  toggle(id, asRange, pictures) {
    const ids = pictures.map((picture) => picture.id);
    const [from, to] = [ids.indexOf(this.#last ?? -1), ids.indexOf(id)].sort((a, b) => a - b);
    if (asRange && from !== -1) for (const each of ids.slice(from, to + 1)) this.#selected.add(each);
    else if (!this.#selected.delete(id)) this.#selected.add(id);
    this.#last = id;
    this.#onChange();
  }

  /** @param {number[]} ids selected if any of them is not yet, else deselected */
  toggleMany(ids) {
    const areAllSelected = ids.every((id) => this.#selected.has(id));
    for (const id of ids) {
      if (areAllSelected) this.#selected.delete(id);
      else this.#selected.add(id);
    }
    this.#onChange();
  }

  /** @param {Set<number>} ids that still exist */
  keepOnly(ids) {
    const deleted = [...this.#selected].filter((id) => !ids.has(id));
    for (const id of deleted) this.#selected.delete(id);
    if (deleted.length || this.#isOn) this.#onChange();
  }
}

/**
 * @param {Picture[]} pictures newest first
 * @param {(id: number) => boolean} isSelected
 * @returns {string} such as "7,9,12-40": consecutive pictures of the list form a span, even if numbers between them are unused
 */
export function spansOf(pictures, isSelected) {
  /** @type {number[][]} */ const spans = [];
  let isOpen = false;
  for (const { id } of pictures.toReversed()) {
    if (isSelected(id) && isOpen) spans[spans.length - 1][1] = id;
    else if (isSelected(id)) spans.push([id, id]);
    isOpen = isSelected(id);
  }
  return spans.map(([first, last]) => (first === last ? String(first) : `${first}-${last}`)).join(",");
}
