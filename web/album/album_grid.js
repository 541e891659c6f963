/**
 * The pictures of the album on the page: a heading for every day, but items only for what is seen and what is near, so
 * that ten thousand cost no more than a screenful. Tab reaches one of them, arrow keys the others.
 *
 * @typedef {import("../types.js").Picture} Picture
 * @typedef {import("./selection.js").Selection} Selection
 * @typedef {import("./album_layout.js").Shelf} Shelf
 */

import { find } from "../shared/dom.js";
import { isWhole, Sections } from "./album_headings.js";
import { cellsIn, Shelves } from "./album_layout.js";
import { dropItem, loadImage, showChosen, thumbnailItem } from "./thumbnails.js";
import { clockInWords } from "../shared/formatters.js";

/** How far above and below what is seen there are items, in pixels; and how far below older pictures are loaded. */
const NEAR = 600;
const AHEAD = 3000;
/** Who scrolls faster looks for a place, not at pictures: they are asked for when it is found. Pixels a millisecond. */
const FAST = 3;
const SLOWED_MS = 100;

/** Follows what is scrolled to. */
export class Days {
  /** @type {Map<number, HTMLElement>} by the number of the picture */ #items = new Map();
  #sections;
  #shelves = new Shelves([], cellsIn(0, 0));
  /** @type {number | null} the picture that Tab reaches; it always has an item */ #current = null;
  #isCut = false;
  #seen = { top: 0, at: 0 };
  #slowed = 0;

  /**
   * @param {HTMLElement} scroller
   * @param {HTMLElement} root the first thing in it that scrolls
   * @param {Selection} selection
   * @param {() => void} onEnd called when the end of what is known is near
   */
  constructor(scroller, root, selection, onEnd) {
    this.scroller = scroller;
    this.root = root;
    this.#sections = new Sections(root);
    this.selection = selection;
    this.onEnd = onEnd;
    scroller.addEventListener("scroll", () => this.#scrolled());
    root.addEventListener("keydown", (event) => this.#step(event));
    root.addEventListener("focusin", ({ target }) => this.#reach(target));
    new ResizeObserver(() => root.clientWidth && this.show(this.pictures, this.#isCut)).observe(root);
  }

  /** The pictures in the order in which they are seen. */
  get pictures() {
    return this.#shelves.pictures;
  }

  /**
   * What is seen stays where it is, whatever comes or goes above it.
   *
   * @param {Picture[]} pictures newest first
   * @param {boolean} isCut whether there are older ones
   */
  show(pictures, isCut) {
    const before = this.#shelves;
    const rem = parseFloat(getComputedStyle(document.documentElement).fontSize);
    this.#shelves = new Shelves(pictures, cellsIn(this.root.clientWidth, rem));
    this.#isCut = isCut;
    const hadFocus = this.root.contains(document.activeElement);
    this.#chooseCurrent(before);
    this.#sections.show(this.#shelves, isCut);
    this.#moveItems();
    this.#keepInSight(before);
    this.render();
    if (hadFocus && !this.root.contains(document.activeElement)) this.focus(this.#current);
  }

  /** @param {number | null} id of a picture, which is scrolled to and gets the focus */
  focus(id) {
    if (id === null || this.#shelves.indexOf(id) === undefined) return;
    this.#setCurrent(id);
    this.render();
    this.#items.get(id)?.querySelector("button")?.focus();
  }

  /** @param {(id: number) => boolean | null} isChosen null while nothing is being selected */
  showChosen(isChosen) {
    for (const [id, item] of this.#items) showChosen(item, isChosen(id));
  }

  /** @param {Shelves} before */
  #chooseCurrent(before) {
    const current = this.#current ?? -1;
    if (this.#shelves.indexOf(current) !== undefined) return;
    const index = Math.min(before.indexOf(current) ?? 0, this.pictures.length - 1);
    this.#setCurrent(this.pictures[index]?.id ?? null);
  }

  #moveItems() {
    for (const [id, item] of this.#items) {
      const index = this.#shelves.indexOf(id);
      if (index === undefined) this.#drop(id, item);
      else this.#place(item, this.#shelves.shelfOf(index), index);
    }
  }

  /**
   * @param {HTMLElement} item
   * @param {Shelf} shelf
   * @param {number} index
   */
  #place(item, shelf, index) {
    const { left, top } = this.#shelves.placeOf(index - shelf.first);
    item.style.left = `${left}px`;
    item.style.top = `${top}px`;
    item.ariaPosInSet = String(index - shelf.first + 1);
    item.ariaSetSize = String(isWhole(shelf, this.#shelves, this.#isCut) ? shelf.pictures.length : -1); // -1 is not known
  }

  /** @param {Shelves} before */
  #keepInSight(before) {
    const { scrollTop } = this.scroller;
    if (scrollTop <= before.cells.head) return;
    for (let index = before.indexAt(scrollTop); index < before.pictures.length; index++) {
      const now = this.#shelves.indexOf(before.pictures[index].id);
      if (now === undefined) continue;
      const moved = this.#shelves.topOf(now) - before.topOf(index);
      if (moved) this.scroller.scrollTop = scrollTop + moved;
      return;
    }
  }

  #scrolled() {
    const { scrollTop: top } = this.scroller;
    const at = performance.now();
    const isFast = Math.abs(top - this.#seen.top) > FAST * (at - this.#seen.at);
    this.#seen = { top, at };
    this.render(isFast);
  }

  /**
   * Has items for what is near, and no others.
   *
   * @param {boolean} [isFast] whether their images have time
   */
  render(isFast = false) {
    const { scrollTop: top, clientHeight: height } = this.scroller;
    const near = this.#near(top - NEAR, top + height + NEAR);
    const wanted = new Set([...near].flatMap(([, indexes]) => indexes.map((index) => this.pictures[index].id)));
    for (const [id, item] of this.#items) if (!wanted.has(id)) this.#drop(id, item);
    for (const [shelf, indexes] of near) this.#fill(shelf, indexes);
    clearTimeout(this.#slowed);
    if (isFast) this.#slowed = setTimeout(() => this.#loadImages(), SLOWED_MS);
    else this.#loadImages();
    if (this.#isCut && top + height + AHEAD > this.#shelves.height) this.onEnd();
  }

  #loadImages() {
    for (const item of this.#items.values()) loadImage(item);
  }

  /**
   * @param {number} from
   * @param {number} to
   * @returns {Map<Shelf, number[]>} the pictures that need items, in their order
   */
  #near(from, to) {
    const near = this.#shelves.between(from, to);
    const index = this.#shelves.indexOf(this.#current ?? -1);
    if (index === undefined) return near;
    const shelf = this.#shelves.shelfOf(index);
    const indexes = near.get(shelf) ?? [];
    if (!indexes.includes(index))
      near.set(
        shelf,
        [...indexes, index].sort((a, b) => a - b),
      );
    return near;
  }

  /**
   * @param {Shelf} shelf
   * @param {number[]} indexes of those of its pictures that have items; none of the others has one any more
   */
  #fill(shelf, indexes) {
    const list = this.#sections.listOf(shelf);
    let next = list.firstElementChild;
    for (const index of indexes) {
      const picture = this.pictures[index];
      const item = this.#items.get(picture.id) ?? this.#make(picture, shelf, index);
      if (item === next) next = item.nextElementSibling;
      else list.insertBefore(item, next);
    }
  }

  /**
   * @param {Picture} picture
   * @param {Shelf} shelf
   * @param {number} index
   */
  #make(picture, shelf, index) {
    const item = thumbnailItem(picture, clockInWords(picture.taken_at));
    find("button", HTMLButtonElement, item).tabIndex = picture.id === this.#current ? 0 : -1;
    showChosen(item, this.selection.isOn ? this.selection.has(picture.id) : null);
    this.#place(item, shelf, index);
    this.#items.set(picture.id, item);
    return item;
  }

  /**
   * @param {number} id
   * @param {HTMLElement} item
   */
  #drop(id, item) {
    this.#items.delete(id);
    dropItem(item);
  }

  /** @param {KeyboardEvent} event */
  #step(event) {
    const index = this.#shelves.indexOf(this.#current ?? -1);
    const isOnItem = event.target instanceof HTMLElement && event.target.closest("li");
    if (index === undefined || !isOnItem || event.ctrlKey || event.altKey || event.metaKey) return;
    const target = this.#shelves.step(index, event.key);
    if (target === undefined) return;
    event.preventDefault();
    this.focus(this.pictures[target].id);
  }

  /** @param {EventTarget | null} target that has the focus now */
  #reach(target) {
    const item = target instanceof HTMLElement ? target.closest("li") : null;
    if (!item) return;
    this.#setCurrent(Number(item.dataset.pictureId));
  }

  /** @param {number | null} id */
  #setCurrent(id) {
    const button = (/** @type {number | null} */ one) => this.#items.get(one ?? -1)?.querySelector("button");
    button(this.#current)?.setAttribute("tabindex", "-1");
    button(id)?.setAttribute("tabindex", "0");
    this.#current = id;
  }
}
