/**
 * The strip of the newest pictures under the live picture.
 *
 * @typedef {import("../types.js").Picture} Picture
 * @typedef {import("./picture_list.js").PictureList} PictureList
 */

import { find, setText } from "../shared/dom.js";
import { dropItem, loadImage, thumbnailItem } from "./thumbnails.js";
import { formatClock, dayOf, formatShortDay } from "../shared/formatters.js";

const LONGEST = 24;

/** The newest pictures, and the button that opens the album. */
export class Strip {
  /**
   * @param {HTMLElement} root
   * @param {PictureList} pictures
   * @param {(picture: Picture) => void} onOpen
   */
  constructor(root, pictures, onOpen) {
    this.list = find("#gallery", HTMLElement, root);
    this.empty = find("#gallery-empty", HTMLElement, root);
    this.all = find("#album-open", HTMLButtonElement, root);
    this.count = find("#gallery-count", HTMLElement, root);
    this.pictures = pictures;
    this.onOpen = onOpen;
    pictures.listen(() => this.#render());
  }

  /**
   * @param {number} id
   * @returns {HTMLElement | null} the button of that picture, null if it is not in the strip
   */
  buttonOf(id) {
    return this.list.querySelector(`[data-picture-id="${id}"] button`);
  }

  #render() {
    const newest = this.pictures.pictures.slice(0, LONGEST);
    const present = new Map(
      [...this.list.children].map((item) => [/** @type {HTMLElement} */ (item).dataset.pictureId, item]),
    );
    const items = newest.map((picture) => present.get(String(picture.id)) ?? this.#item(picture, newest[0]));
    const kept = new Set(items);
    for (const item of present.values()) if (!kept.has(item)) dropItem(/** @type {HTMLElement} */ (item));
    items.forEach((item, index) => {
      if (this.list.children[index] !== item) this.list.insertBefore(item, this.list.children[index] ?? null);
    });
    this.empty.hidden = items.length > 0 || !this.pictures.isLoaded;
    this.list.hidden = items.length === 0;
    this.all.hidden = items.length === 0;
    setText(this.count, this.pictures.total ? String(this.pictures.total) : "");
  }

  /**
   * @param {Picture} picture
   * @param {Picture} newest pictures of its day are labelled with the time alone
   */
  #item(picture, newest) {
    const time = formatClock(picture.taken_at);
    const isOfSameDay = dayOf(picture.taken_at) === dayOf(newest.taken_at);
    const item = thumbnailItem(picture, isOfSameDay ? time : `${formatShortDay(picture.taken_at)}, ${time}`);
    find("button", HTMLButtonElement, item).addEventListener("click", () => this.onOpen(picture));
    find("img", HTMLImageElement, item).loading = "lazy";
    loadImage(item);
    return item;
  }
}
