/**
 * The grid of the album: every day has its heading, but only pictures in or near the visible area have list items, so
 * ten thousand pictures cost no more than a screenful. Tab focuses one picture, arrow keys move to the others.
 *
 * @typedef {import("../types.js").Picture} Picture
 * @typedef {import("./selection.js").Selection} Selection
 * @typedef {import("./album_layout.js").AlbumDay} AlbumDay
 */

import { find } from "../shared/dom.js";
import { isComplete, AlbumHeadings } from "./album_headings.js";
import { cellsIn, AlbumLayout } from "./album_layout.js";
import { dropItem, loadImage, showSelected, thumbnailItem } from "./thumbnails.js";
import { formatClock } from "../shared/formatters.js";

/** Pixels above and below the visible area in which pictures have items. */
const NEAR = 600;
/** Pixels below the visible area at which older pictures are loaded. */
const AHEAD = 3000;
/** Pixels per millisecond: while the user scrolls faster, no thumbnails are requested. */
const FAST = 3;
const SLOWED_MS = 100;

/** Adds and removes list items as the user scrolls. */
export class AlbumGrid {
  /** @type {Map<number, HTMLElement>} by the number of the picture */ #items = new Map();
  #headings;
  #layout = new AlbumLayout([], cellsIn(0, 0));
  /** @type {number | null} the picture that Tab focuses; it always has an item */ #current = null;
  #hasOlder = false;
  #seen = { top: 0, at: 0 };
  #slowed = 0;

  /**
   * @param {HTMLElement} scroller
   * @param {HTMLElement} root the first scrolled element in it
   * @param {Selection} selection
   * @param {() => void} onEnd called when the end of the loaded pictures is near
   */
  constructor(scroller, root, selection, onEnd) {
    this.scroller = scroller;
    this.root = root;
    this.#headings = new AlbumHeadings(root);
    this.selection = selection;
    this.onEnd = onEnd;
    scroller.addEventListener("scroll", () => this.#scrolled());
    root.addEventListener("keydown", (event) => this.#step(event));
    root.addEventListener("focusin", ({ target }) => this.#focused(target));
    new ResizeObserver(() => root.clientWidth && this.show(this.pictures, this.#hasOlder)).observe(root);
  }

  /** The pictures in display order. */
  get pictures() {
    return this.#layout.pictures;
  }

  /**
   * Shows these pictures. The scroll position is adjusted so that visible pictures stay in place.
   *
   * @param {Picture[]} pictures newest first
   * @param {boolean} hasOlder whether the appliance has older pictures
   */
  show(pictures, hasOlder) {
    const before = this.#layout;
    const rem = parseFloat(getComputedStyle(document.documentElement).fontSize);
    this.#layout = new AlbumLayout(pictures, cellsIn(this.root.clientWidth, rem));
    this.#hasOlder = hasOlder;
    const hadFocus = this.root.contains(document.activeElement);
    this.#chooseCurrent(before);
    this.#headings.show(this.#layout, hasOlder);
    this.#moveItems();
    this.#keepInSight(before);
    this.render();
    if (hadFocus && !this.root.contains(document.activeElement)) this.focus(this.#current);
  }

  /** @param {number | null} id picture to scroll to and focus */
  focus(id) {
    if (id === null || this.#layout.indexOf(id) === undefined) return;
    this.#setCurrent(id);
    this.render();
    this.#items.get(id)?.querySelector("button")?.focus();
  }

  /** @param {(id: number) => boolean | null} isSelected null outside selection mode */
  showSelected(isSelected) {
    for (const [id, item] of this.#items) showSelected(item, isSelected(id));
  }

  /** @param {AlbumLayout} before */
  #chooseCurrent(before) {
    const current = this.#current ?? -1;
    if (this.#layout.indexOf(current) !== undefined) return;
    const index = Math.min(before.indexOf(current) ?? 0, this.pictures.length - 1);
    this.#setCurrent(this.pictures[index]?.id ?? null);
  }

  #moveItems() {
    for (const [id, item] of this.#items) {
      const index = this.#layout.indexOf(id);
      if (index === undefined) this.#drop(id, item);
      else this.#place(item, this.#layout.dayAt(index), index);
    }
  }

  /**
   * @param {HTMLElement} item
   * @param {AlbumDay} day
   * @param {number} index
   */
  #place(item, day, index) {
    const { left, top } = this.#layout.placeOf(index - day.first);
    item.style.left = `${left}px`;
    item.style.top = `${top}px`;
    item.ariaPosInSet = String(index - day.first + 1);
    item.ariaSetSize = String(isComplete(day, this.#layout, this.#hasOlder) ? day.pictures.length : -1); // -1: unknown
  }

  /** @param {AlbumLayout} before */
  #keepInSight(before) {
    const { scrollTop } = this.scroller;
    if (scrollTop <= before.cells.head) return;
    for (let index = before.indexAt(scrollTop); index < before.pictures.length; index++) {
      const now = this.#layout.indexOf(before.pictures[index].id);
      if (now === undefined) continue;
      const moved = this.#layout.topOf(now) - before.topOf(index);
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
   * Creates the items of nearby pictures, and removes all others.
   *
   * @param {boolean} [isFast] whether the user is scrolling fast, so that images are not loaded yet
   */
  render(isFast = false) {
    const { scrollTop: top, clientHeight: height } = this.scroller;
    const near = this.#near(top - NEAR, top + height + NEAR);
    const nearby = new Set([...near].flatMap(([, indexes]) => indexes.map((index) => this.pictures[index].id)));
    for (const [id, item] of this.#items) if (!nearby.has(id)) this.#drop(id, item);
    for (const [day, indexes] of near) this.#fill(day, indexes);
    clearTimeout(this.#slowed);
    if (isFast) this.#slowed = setTimeout(() => this.#loadImages(), SLOWED_MS);
    else this.#loadImages();
    if (this.#hasOlder && top + height + AHEAD > this.#layout.height) this.onEnd();
  }

  #loadImages() {
    for (const item of this.#items.values()) loadImage(item);
  }

  /**
   * @param {number} from
   * @param {number} to
   * @returns {Map<AlbumDay, number[]>} indexes of the pictures that need items, in display order
   */
  #near(from, to) {
    const near = this.#layout.between(from, to);
    const index = this.#layout.indexOf(this.#current ?? -1);
    if (index === undefined) return near;
    const day = this.#layout.dayAt(index);
    const indexes = near.get(day) ?? [];
    if (!indexes.includes(index))
      near.set(
        day,
        [...indexes, index].sort((a, b) => a - b),
      );
    return near;
  }

  /**
   * @param {AlbumDay} day
   * @param {number[]} indexes pictures of that day that get items; the items of the others were already removed
   */
  #fill(day, indexes) {
    const list = this.#headings.listOf(day);
    let next = list.firstElementChild;
    for (const index of indexes) {
      const picture = this.pictures[index];
      const item = this.#items.get(picture.id) ?? this.#make(picture, day, index);
      if (item === next) next = item.nextElementSibling;
      else list.insertBefore(item, next);
    }
  }

  /**
   * @param {Picture} picture
   * @param {AlbumDay} day
   * @param {number} index
   */
  #make(picture, day, index) {
    const item = thumbnailItem(picture, formatClock(picture.taken_at));
    find("button", HTMLButtonElement, item).tabIndex = picture.id === this.#current ? 0 : -1;
    showSelected(item, this.selection.isOn ? this.selection.has(picture.id) : null);
    this.#place(item, day, index);
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
    const index = this.#layout.indexOf(this.#current ?? -1);
    const isOnItem = event.target instanceof HTMLElement && event.target.closest("li");
    if (index === undefined || !isOnItem || event.ctrlKey || event.altKey || event.metaKey) return;
    const target = this.#layout.step(index, event.key);
    if (target === undefined) return;
    event.preventDefault();
    this.focus(this.pictures[target].id);
  }

  /** @param {EventTarget | null} target the focused element */
  #focused(target) {
    const item = target instanceof HTMLElement ? target.closest("li") : null;
    if (!item) return;
    this.#setCurrent(Number(item.dataset.pictureId));
  }

  /** @param {number | null} id */
  #setCurrent(id) {
    const button = (/** @type {number | null} */ picture) => this.#items.get(picture ?? -1)?.querySelector("button");
    button(this.#current)?.setAttribute("tabindex", "-1");
    button(id)?.setAttribute("tabindex", "0");
    this.#current = id;
  }
}
