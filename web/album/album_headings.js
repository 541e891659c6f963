/**
 * The days of the album: a heading for each, above a list as tall as all its rows, including rows without items.
 *
 * @typedef {import("./album_layout.js").AlbumDay} AlbumDay
 * @typedef {import("./album_layout.js").AlbumLayout} AlbumLayout
 */

import { find, fromTemplate, setText } from "../shared/dom.js";
import { formatDay } from "../shared/formatters.js";

/**
 * @param {AlbumDay} day
 * @param {AlbumLayout} layout
 * @param {boolean} hasOlder whether the appliance has older pictures
 * @returns {boolean} whether all pictures of that day are loaded
 */
export function isComplete(day, layout, hasOlder) {
  return !hasOlder || day !== layout.days.at(-1);
}

/** Adds and removes the sections of the days. */
export class AlbumHeadings {
  /** @type {Map<string, HTMLElement>} by date */ #sections = new Map();

  /** @param {HTMLElement} root */
  constructor(root) {
    this.root = root;
  }

  /**
   * @param {AlbumLayout} layout
   * @param {boolean} hasOlder whether the appliance has older pictures
   */
  show(layout, hasOlder) {
    const { width, height, head } = layout.cells;
    for (const [name, size] of Object.entries({ width, height, head })) {
      this.root.style.setProperty(`--cell-${name}`, `${size}px`);
    }
    this.root.style.height = `${layout.height}px`;
    this.#keepOnly(new Set(layout.days.map(({ date }) => date)));
    let next = this.root.firstElementChild;
    for (const day of layout.days) {
      const section = this.#sections.get(day.date) ?? this.#make(day);
      section.style.height = `${day.height}px`;
      const count = isComplete(day, layout, hasOlder) ? `${day.pictures.length}` : "";
      setText(find("[data-role=count]", HTMLElement, section), count);
      if (section === next) next = section.nextElementSibling;
      else this.root.insertBefore(section, next);
    }
  }

  /**
   * @param {AlbumDay} day a day that is shown
   * @returns {HTMLElement} its list
   */
  listOf({ date }) {
    return find("ul", HTMLElement, this.#sections.get(date));
  }

  /** @param {Set<string>} dates */
  #keepOnly(dates) {
    for (const [date, section] of this.#sections) {
      if (dates.has(date)) continue;
      section.remove();
      this.#sections.delete(date);
    }
  }

  /** @param {AlbumDay} day */
  #make({ date, pictures: [picture] }) {
    const section = fromTemplate("album-day");
    const heading = formatDay(picture.taken_at);
    section.dataset.day = date;
    find("[data-role=day]", HTMLElement, section).textContent = heading;
    find("ul", HTMLElement, section).setAttribute("aria-label", heading);
    this.#sections.set(date, section);
    return section;
  }
}
