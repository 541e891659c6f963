/**
 * The stored pictures as far as they are known here, newest first. Strip, album and viewer show them; it follows what
 * others take, delete and restore.
 *
 * @typedef {import("../types.js").Picture} Picture
 * @typedef {import("../types.js").PictureEvent} PictureEvent
 * @typedef {import("../types.js").PicturesEvent} PicturesEvent
 */

import { listPictures } from "../shared/api.js";

const PAGE_SIZE = 60;
const LONGEST_PAGE = 500;

/** The newest pictures, without a gap, and the way to older ones. */
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

  /** The pictures that are known, newest first. */
  get pictures() {
    return this.#pictures;
  }

  /** How many there are, known or not. */
  get total() {
    return this.#total;
  }

  /** Whether the first page has come, so that none is none. */
  get isLoaded() {
    return this.#isLoaded;
  }

  /** Whether older pictures can be loaded. */
  get hasMore() {
    return this.#next !== null;
  }

  /**
   * Loads the newest pictures again, as many as are known.
   *
   * @throws {import("../shared/api.js").ApiError}
   */
  async refresh() {
    const wanted = Math.max(PAGE_SIZE, this.#pictures.length);
    /** @type {Picture[]} */ const pictures = [];
    /** @type {number | null} */ let next = null;
    do {
      const page = await listPictures(Math.min(LONGEST_PAGE, wanted - pictures.length), next);
      pictures.push(...page.pictures);
      next = page.next;
      this.#total = page.total;
    } while (next !== null && pictures.length < wanted);
    this.#next = next;
    this.#isLoaded = true;
    this.#change(pictures);
  }

  /**
   * Loads older pictures; a second call while the first one lasts is the same call.
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
   * Loads all of them.
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
    const known = this.#ids();
    this.#change([...this.#pictures, ...older.filter(({ id }) => !known.has(id))]);
  }

  /** @param {PictureEvent} event */
  follow({ action, picture, total }) {
    if (action === "deleted") this.forget([picture.id]);
    else this.add(picture);
    this.#total = total;
    this.#change(this.#pictures);
  }

  /**
   * @param {PicturesEvent} event
   * @throws {import("../shared/api.js").ApiError}
   */
  async followMany({ action, ids, total }) {
    if (action !== "deleted") return this.refresh();
    this.forget(ids);
    this.#total = total;
    this.#change(this.#pictures);
  }

  /** @param {Picture} picture that is known to be there, whether its event has come or not */
  add(picture) {
    const oldest = this.#pictures.at(-1);
    const isBeyond = this.hasMore && oldest !== undefined && picture.id < oldest.id;
    if (isBeyond || this.#ids().has(picture.id)) return;
    this.#total += 1;
    this.#change([picture, ...this.#pictures].sort((a, b) => b.id - a.id));
  }

  /** @param {number[]} ids of pictures that are known to be deleted, whether the event has come or not */
  forget(ids) {
    const gone = new Set(ids);
    const left = this.#pictures.filter(({ id }) => !gone.has(id));
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
