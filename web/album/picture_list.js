/**
 * The stored pictures that are loaded, newest first. Strip, album and picture viewer show this list; it is updated when
 * any client takes, deletes or restores pictures.
 *
 * @typedef {import("../types.js").Picture} Picture
 * @typedef {import("../types.js").ServerEvents} ServerEvents
 */

import { listPictures } from "../shared/api.js";

const PAGE_SIZE = 60;
const LONGEST_PAGE = 500;

/** The newest pictures, without a gap; older ones are loaded on request. */
export class PictureList {
  /** @type {Picture[]} */ #pictures = [];
  /** @type {number | null} */ #next = null;
  #total = 0;
  /** @type {(() => void)[]} */ #listeners = [];
  /** @type {Promise<void> | null} */ #loading = null;
  #isLoaded = false;

  /** @param {() => void} listener called after every change */
  listen(listener) {
    this.#listeners.push(listener);
  }

  /** The loaded pictures, newest first. */
  get pictures() {
    return this.#pictures;
  }

  /** Number of all stored pictures, loaded or not. */
  get total() {
    return this.#total;
  }

  /** Whether the first page is loaded; before that, an empty list says nothing. */
  get isLoaded() {
    return this.#isLoaded;
  }

  /** Whether older pictures can be loaded. */
  get hasMore() {
    return this.#next !== null;
  }

  /**
   * Loads the newest pictures again, as many as were loaded before.
   *
   * @throws {import("../shared/api.js").ApiError}
   */
  async refresh() {
    const count = Math.max(PAGE_SIZE, this.#pictures.length);
    /** @type {Picture[]} */ const pictures = [];
    /** @type {number | null} */ let next = null;
    do {
      const page = await listPictures(Math.min(LONGEST_PAGE, count - pictures.length), next);
      pictures.push(...page.pictures);
      next = page.next;
      this.#total = page.total;
    } while (next !== null && pictures.length < count);
    this.#next = next;
    this.#isLoaded = true;
    this.#change(pictures);
  }

  /**
   * Loads older pictures; a call during another one returns the promise of that.
   *
   * @param {number} [limit]
   * @returns {Promise<void>}
   * @throws {import("../shared/api.js").ApiError}
   */
  loadMore(limit = PAGE_SIZE) {
    this.#loading ??= this.#load(limit).finally(() => (this.#loading = null));
    return this.#loading;
  }

  /**
   * Loads all older pictures.
   *
   * @throws {import("../shared/api.js").ApiError}
   */
  async loadAll() {
    /** @type {Picture[]} */ const older = [];
    await this.#loading;
    let next = this.#next;
    while (next !== null) {
      const page = await listPictures(LONGEST_PAGE, next);
      older.push(...page.pictures);
      next = page.next;
    }
    this.#next = null;
    this.#append(older);
  }

  /** @param {number} limit */
  async #load(limit) {
    if (this.#next === null) return;
    const page = await listPictures(limit, this.#next);
    this.#next = page.next;
    this.#total = page.total;
    this.#append(page.pictures);
  }

  /** @param {Picture[]} older */
  #append(older) {
    const loaded = this.#ids();
    this.#change([...this.#pictures, ...older.filter(({ id }) => !loaded.has(id))]);
  }

  /** @param {ServerEvents["picture"]} event */
  follow({ action, picture, total }) {
    if (action === "deleted") this.forget([picture.id]);
    else this.add(picture);
    this.#total = total;
    this.#change(this.#pictures);
  }

  /**
   * @param {ServerEvents["pictures"]} event
   * @throws {import("../shared/api.js").ApiError}
   */
  async followMany({ action, ids, total }) {
    if (action !== "deleted") return this.refresh();
    this.forget(ids);
    this.#total = total;
    this.#change(this.#pictures);
  }

  /** @param {Picture} picture a stored picture; its event may or may not have arrived */
  add(picture) {
    const oldest = this.#pictures.at(-1);
    const isNotLoaded = this.hasMore && oldest !== undefined && picture.id < oldest.id;
    if (isNotLoaded || this.#ids().has(picture.id)) return;
    this.#total += 1;
    this.#change([picture, ...this.#pictures].sort((a, b) => b.id - a.id));
  }

  /** @param {number[]} ids deleted pictures; their event may or may not have arrived */
  forget(ids) {
    const deleted = new Set(ids);
    const left = this.#pictures.filter(({ id }) => !deleted.has(id));
    if (left.length === this.#pictures.length) return;
    this.#total -= this.#pictures.length - left.length;
    this.#change(left);
  }

  #ids() {
    return new Set(this.#pictures.map(({ id }) => id));
  }

  /** @param {Picture[]} pictures */
  #change(pictures) {
    this.#pictures = pictures;
    for (const listener of this.#listeners) listener();
  }
}
