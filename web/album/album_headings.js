/**
 * The days of the album: a heading for every one, and the list under it, which has the height of all its rows whether there
 * are items in them or not.
 *
 * @typedef {import("./album_layout.js").Shelf} Shelf
 * @typedef {import("./album_layout.js").Shelves} Shelves
 */

import { find, fromTemplate, setText } from "../shared/dom.js";
import { dayInWords } from "../shared/formatters.js";

/**
 * @param {Shelf} shelf
 * @param {Shelves} shelves
 * @param {boolean} isCut whether there are older pictures than those on the shelves
 * @returns {boolean} whether no picture of that day is missing
 */
export function isWhole(shelf, shelves, isCut) {
  return !isCut || shelf !== shelves.shelves.at(-1);
}

/** Follows the shelves. */
export class Sections {
  /** @type {Map<string, HTMLElement>} by day */ #sections = new Map();

  /** @param {HTMLElement} root */
  constructor(root) {
    this.root = root;
  }

  /**
   * @param {Shelves} shelves
   * @param {boolean} isCut whether there are older pictures
   */
  show(shelves, isCut) {
    const { width, height, head } = shelves.cells;
    for (const [name, size] of Object.entries({ width, height, head })) {
      this.root.style.setProperty(`--cell-${name}`, `${size}px`);
    }
    this.root.style.height = `${shelves.height}px`;
    this.#keepOnly(new Set(shelves.shelves.map(({ day }) => day)));
    let next = this.root.firstElementChild;
    for (const shelf of shelves.shelves) {
      const section = this.#sections.get(shelf.day) ?? this.#make(shelf);
      section.style.height = `${shelf.height}px`;
      const count = isWhole(shelf, shelves, isCut) ? `${shelf.pictures.length}` : "";
      setText(find("[data-role=count]", HTMLElement, section), count);
      if (section === next) next = section.nextElementSibling;
      else this.root.insertBefore(section, next);
    }
  }

  /**
   * @param {Shelf} shelf that is shown
   * @returns {HTMLElement} its list
   */
  listOf({ day }) {
    return find("ul", HTMLElement, this.#sections.get(day));
  }

  /** @param {Set<string>} days */
  #keepOnly(days) {
    for (const [day, section] of this.#sections) {
      if (days.has(day)) continue;
      section.remove();
      this.#sections.delete(day);
    }
  }

  /** @param {Shelf} shelf */
  #make({ day, pictures: [picture] }) {
    const section = fromTemplate("album-day");
    const words = dayInWords(picture.taken_at);
    section.dataset.day = day;
    find("[data-role=day]", HTMLElement, section).textContent = words;
    find("ul", HTMLElement, section).setAttribute("aria-label", words);
    this.#sections.set(day, section);
    return section;
  }
}
