/**
 * All pictures, by day, in a dialog; older ones are loaded as they come near. Any of them can be selected, to be
 * downloaded in one archive or deleted.
 *
 * @typedef {import("./types.js").Picture} Picture
 * @typedef {import("./pictures.js").PictureList} PictureList
 */

import { archiveAddress, messageOf } from "./api.js";
import { find, fromTemplate, setText } from "./dom.js";
import { keepReachable, walkWithArrows } from "./roving.js";
import { Selection, spansOf } from "./selection.js";
import { forgetItem, thumbnailItem } from "./thumbnails.js";
import { toast } from "./toast.js";
import { deleteWithUndo } from "./undo.js";
import { clockInWords, dayInWords, dayOf } from "./words.js";

/** How far below what is seen older pictures are loaded, in pixels. */
const AHEAD = 1500;
/** So many more items are made each time. */
const STEP = 120;

/** The dialog; its items are made when it is opened first, and follow the list from then on. */
export class Album {
  /** @type {Map<number, HTMLElement>} by the number of the picture */ #items = new Map();
  /** @type {Map<string, HTMLElement>} by day */ #sections = new Map();
  #selection = new Selection();
  /** How many pictures have items; thousands that nobody scrolled to need none. */
  #shown = STEP;
  #isLoading = false;
  /** @type {IntersectionObserver} */ #end;

  /**
   * @param {HTMLDialogElement} dialog
   * @param {PictureList} pictures
   * @param {(picture: Picture) => void} onOpen
   */
  constructor(dialog, pictures, onOpen) {
    this.dialog = dialog;
    this.pictures = pictures;
    this.onOpen = onOpen;
    this.days = find("#album-days", HTMLElement, dialog);
    this.count = find("#album-count", HTMLElement, dialog);
    this.more = find("#album-more", HTMLButtonElement, dialog);
    this.empty = find("#album-empty", HTMLElement, dialog);
    this.selectButton = find("#album-select", HTMLButtonElement, dialog);
    this.chosen = find("#album-chosen", HTMLElement, dialog);
    this.all = find("#album-all", HTMLButtonElement, dialog);
    this.download = find("#album-download", HTMLAnchorElement, dialog);
    this.remove = find("#album-delete", HTMLButtonElement, dialog);
    this.#end = new IntersectionObserver((entries) => entries.at(-1)?.isIntersecting && this.#load(), {
      root: dialog,
      rootMargin: `${AHEAD}px`,
    });
    this.#listen();
  }

  open() {
    this.dialog.showModal();
    this.#render();
  }

  #listen() {
    this.pictures.listen(() => this.dialog.open && this.#render());
    this.#selection.listen(() => this.#showSelection());
    find("#album-close", HTMLButtonElement, this.dialog).addEventListener("click", () => this.dialog.close());
    this.dialog.addEventListener("close", () => this.#selection.end());
    this.dialog.addEventListener("cancel", (event) => {
      if (!this.#selection.isOn) return;
      event.preventDefault(); // Escape ends the selection first
      this.#selection.end();
    });
    this.selectButton.addEventListener("click", () => this.#selection.toggleMode());
    this.all.addEventListener("click", () => this.#selectAll());
    this.remove.addEventListener("click", () => this.#delete());
    this.more.addEventListener("click", () => this.#load());
    this.days.addEventListener("click", (event) => this.#clicked(event));
    walkWithArrows(this.days);
    this.#watchEnd();
  }

  /** Has the observer tell anew whether the end is near, also where it was so before. */
  #watchEnd() {
    this.#end.unobserve(this.more);
    this.#end.observe(this.more);
  }

  async #load() {
    const { pictures } = this;
    if (this.#isLoading || this.more.hidden || !this.dialog.open) return;
    this.#isLoading = true;
    try {
      if (this.#shown >= pictures.pictures.length) await pictures.loadMore(STEP);
      this.#shown = Math.min(this.#shown + STEP, Math.max(STEP, pictures.pictures.length));
      this.#render();
      this.#watchEnd();
    } catch (error) {
      toast(messageOf(error), "error");
    } finally {
      this.#isLoading = false;
    }
  }

  #render() {
    const { pictures, total, hasMore } = this.pictures;
    const shown = pictures.slice(0, this.#shown);
    const present = new Set(shown.map(({ id }) => id));
    for (const [id, item] of this.#items) if (!present.has(id)) this.#drop(id, item);
    let older = /** @type {HTMLElement | null} */ (null);
    for (const picture of shown.toReversed()) older = this.#items.get(picture.id) ?? this.#insert(picture, older);
    const isCut = hasMore || shown.length < pictures.length;
    for (const [day, section] of this.#sections) {
      const items = find("ul", HTMLElement, section).childElementCount;
      if (items === 0) this.#dropDay(day, section);
      const isWhole = !isCut || section !== this.days.lastElementChild;
      setText(find("[data-role=count]", HTMLElement, section), isWhole ? String(items) : "");
    }
    this.#selection.keepOnly(new Set(pictures.map(({ id }) => id)));
    this.more.hidden = !isCut;
    this.empty.hidden = pictures.length > 0;
    setText(this.count, String(total));
    keepReachable(this.days);
  }

  /**
   * @param {string} day
   * @param {HTMLElement} section without items
   */
  #dropDay(day, section) {
    section.remove();
    this.#sections.delete(day);
  }

  /**
   * @param {number} id
   * @param {HTMLElement} item
   */
  #drop(id, item) {
    if (item.contains(document.activeElement)) {
      const neighbour = item.nextElementSibling ?? item.previousElementSibling;
      const next = neighbour?.querySelector("button") ?? this.selectButton;
      next.focus();
    }
    this.#items.delete(id);
    forgetItem(item);
  }

  /**
   * @param {Picture} picture
   * @param {HTMLElement | null} older item of the picture that comes after it
   */
  #insert(picture, older) {
    const item = thumbnailItem(picture, clockInWords(picture.taken_at));
    const button = find("button", HTMLButtonElement, item);
    button.tabIndex = -1;
    if (this.#selection.isOn) button.setAttribute("aria-pressed", String(this.#selection.has(picture.id)));
    const day = dayOf(picture.taken_at);
    const list = find("ul", HTMLElement, this.#day(day, picture));
    list.insertBefore(item, older?.parentElement === list ? older : null);
    this.#items.set(picture.id, item);
    return item;
  }

  /**
   * @param {string} day
   * @param {Picture} picture one of that day
   */
  #day(day, picture) {
    const known = this.#sections.get(day);
    if (known) return known;
    const section = fromTemplate("album-day");
    section.dataset.day = day;
    find("[data-role=day]", HTMLElement, section).textContent = dayInWords(picture.taken_at);
    find("ul", HTMLElement, section).setAttribute("aria-label", dayInWords(picture.taken_at));
    const days = /** @type {HTMLElement[]} */ ([...this.days.children]);
    this.days.insertBefore(section, days.find((other) => (other.dataset.day ?? "") < day) ?? null);
    this.#sections.set(day, section);
    return section;
  }

  /** @param {MouseEvent} event */
  #clicked(event) {
    if (!(event.target instanceof Element)) return;
    const section = /** @type {HTMLElement | null} */ (event.target.closest(".day"));
    if (section && event.target.closest("[data-action=day]")) this.#selectDay(section.dataset.day ?? "");
    const id = Number(event.target.closest("button")?.closest("li")?.dataset.pictureId);
    const picture = this.pictures.pictures.find((one) => one.id === id);
    if (!picture) return;
    if (this.#selection.isOn) this.#selection.toggle(id, event.shiftKey, this.pictures.pictures);
    else this.onOpen(picture);
  }

  /** @param {string} day */
  async #selectDay(day) {
    const { pictures } = this;
    const isCut = () => pictures.hasMore && dayOf(pictures.pictures.at(-1)?.taken_at ?? "") >= day;
    try {
      while (isCut()) await pictures.loadMore(500);
    } catch (error) {
      toast(messageOf(error), "error");
    }
    const ofThatDay = pictures.pictures.filter((picture) => dayOf(picture.taken_at) === day);
    this.#selection.toggleMany(ofThatDay.map(({ id }) => id));
  }

  async #selectAll() {
    this.all.setAttribute("aria-busy", "true");
    try {
      await this.pictures.loadAll();
      this.#selection.toggleMany(this.pictures.pictures.map(({ id }) => id));
    } catch (error) {
      toast(messageOf(error), "error");
    } finally {
      this.all.removeAttribute("aria-busy");
    }
  }

  async #delete() {
    const chosen = this.pictures.pictures.filter(({ id }) => this.#selection.has(id));
    this.remove.setAttribute("aria-busy", "true");
    await deleteWithUndo(this.pictures, chosen);
    this.remove.removeAttribute("aria-busy");
    this.#selection.end();
    this.selectButton.focus();
  }

  #showSelection() {
    const { isOn, size } = this.#selection;
    this.dialog.dataset.selecting = String(isOn);
    this.selectButton.textContent = isOn ? "Done" : "Select";
    setText(this.chosen, size ? `${size} selected` : "None selected");
    for (const [id, item] of this.#items) {
      const button = find("button", HTMLButtonElement, item);
      if (isOn) button.setAttribute("aria-pressed", String(this.#selection.has(id)));
      else button.removeAttribute("aria-pressed");
    }
    this.remove.disabled = size === 0;
    if (size) this.download.href = archiveAddress(spansOf(this.pictures.pictures, (id) => this.#selection.has(id)));
    else this.download.removeAttribute("href");
  }
}
