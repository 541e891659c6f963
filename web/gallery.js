/**
 * The strip of pictures, newest first. It follows the pictures that others take and delete, too.
 *
 * @typedef {import("./types.js").Picture} Picture
 * @typedef {import("./types.js").PictureEvent} PictureEvent
 */

import { listPictures, messageOf, relative } from "./api.js";
import { find, fromTemplate, setText } from "./dom.js";
import { toast } from "./toast.js";
import { timeInWords } from "./words.js";

const PAGE_SIZE = 24;
const LONGEST_PAGE = 100;

/** The pictures on the page; `onChange` is called whenever there are others. */
export class Gallery {
  /** @type {Picture[]} newest first */ #pictures = [];
  /** @type {number | null} */ #next = null;
  #total = 0;

  /**
   * @param {HTMLElement} root
   * @param {(picture: Picture) => void} onOpen
   */
  constructor(root, onOpen) {
    this.list = find("#gallery", HTMLElement, root);
    this.empty = find("#gallery-empty", HTMLElement, root);
    this.more = find("#gallery-more", HTMLButtonElement, root);
    this.count = find("#gallery-count", HTMLElement, root);
    this.onOpen = onOpen;
    this.onChange = () => {};
    this.more.addEventListener("click", () => this.loadMore());
  }

  /** The pictures that are on the page, newest first. */
  get pictures() {
    return this.#pictures;
  }

  /** Whether older pictures can be loaded. */
  get hasMore() {
    return this.#next !== null;
  }

  /** Loads the newest pictures again, as many as there were on the page. */
  async refresh() {
    try {
      const page = await listPictures(Math.min(LONGEST_PAGE, Math.max(PAGE_SIZE, this.#pictures.length)));
      this.#pictures = page.pictures;
      this.#next = page.next;
      this.#total = page.total;
      this.#render();
    } catch (error) {
      toast(`The pictures cannot be listed: ${messageOf(error)}`, "error");
    }
  }

  /** Loads a page of older pictures. */
  async loadMore() {
    if (this.#next === null) return;
    this.more.disabled = true;
    try {
      const page = await listPictures(PAGE_SIZE, this.#next);
      const known = new Set(this.#pictures.map(({ id }) => id));
      this.#pictures = [...this.#pictures, ...page.pictures.filter(({ id }) => !known.has(id))];
      this.#next = page.next;
      this.#total = page.total;
      this.#render();
    } catch (error) {
      toast(messageOf(error), "error");
    } finally {
      this.more.disabled = false;
    }
  }

  /** @param {PictureEvent} event */
  follow({ action, picture, total }) {
    const others = this.#pictures.filter(({ id }) => id !== picture.id);
    this.#pictures = action === "taken" ? [picture, ...others].sort((a, b) => b.id - a.id) : others;
    this.#total = total;
    this.#render();
  }

  /** @param {Picture} picture that is known to be taken, whether its event has come or not */
  add(picture) {
    if (this.#knows(picture)) return;
    this.follow({ action: "taken", picture, total: this.#total + 1 });
  }

  /** @param {Picture} picture that is known to be deleted, whether its event has come or not */
  forget(picture) {
    if (!this.#knows(picture)) return;
    this.follow({ action: "deleted", picture, total: this.#total - 1 });
  }

  /** @param {Picture} picture */
  #knows(picture) {
    return this.#pictures.some(({ id }) => id === picture.id);
  }

  #render() {
    const present = new Map(
      [...this.list.children].map((item) => [/** @type {HTMLElement} */ (item).dataset.pictureId, item]),
    );
    const items = this.#pictures.map((picture) => present.get(String(picture.id)) ?? this.#item(picture));
    const wanted = new Set(items);
    for (const item of present.values()) if (!wanted.has(item)) item.remove();
    items.forEach((item, index) => {
      if (this.list.children[index] !== item) this.list.insertBefore(item, this.list.children[index] ?? null);
    });
    this.empty.hidden = items.length > 0;
    this.list.hidden = items.length === 0;
    this.more.hidden = this.#next === null;
    setText(this.count, this.#total ? String(this.#total) : "");
    this.onChange();
  }

  /** @param {Picture} picture */
  #item(picture) {
    const item = fromTemplate("gallery-item");
    const image = find("img", HTMLImageElement, item);
    item.dataset.pictureId = String(picture.id);
    image.src = relative(picture.thumbnail);
    image.alt = `Picture ${picture.id}, ${timeInWords(picture.taken_at)}`;
    const when = find("time", HTMLTimeElement, item);
    when.dateTime = picture.taken_at;
    when.textContent = new Date(picture.taken_at).toLocaleTimeString();
    find("button", HTMLButtonElement, item).addEventListener("click", () => this.onOpen(picture));
    return item;
  }
}
