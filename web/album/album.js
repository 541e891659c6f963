/**
 * The album: a dialog with all pictures by day. Older pictures are loaded as the user scrolls. Selected pictures can be
 * downloaded as one archive or deleted.
 *
 * @typedef {import("../types.js").Picture} Picture
 * @typedef {import("./picture_list.js").PictureList} PictureList
 */

import { archiveAddress, messageOf } from "../shared/api.js";
import { AlbumGrid } from "./album_grid.js";
import { find, setText } from "../shared/dom.js";
import { Selection, spansOf } from "./selection.js";
import { toast } from "../shared/toast.js";
import { deleteWithUndo } from "./undo.js";
import { dayOf } from "../shared/formatters.js";

/** Number of older pictures in one request. */
const STEP = 500;

/** The dialog; updated from the list while it is open. */
export class Album {
  #selection = new Selection();
  #isLoading = false;
  /** Whether scrolling loads older pictures; false after a failure, so that it is not repeated endlessly. */
  #isEager = true;

  /**
   * @param {HTMLDialogElement} dialog
   * @param {PictureList} pictures
   * @param {(picture: Picture) => void} onOpen
   */
  constructor(dialog, pictures, onOpen) {
    this.dialog = dialog;
    this.pictures = pictures;
    this.onOpen = onOpen;
    this.count = find("#album-count", HTMLElement, dialog);
    this.more = find("#album-more", HTMLButtonElement, dialog);
    this.empty = find("#album-empty", HTMLElement, dialog);
    this.selectButton = find("#album-select", HTMLButtonElement, dialog);
    this.selectionCount = find("#album-chosen", HTMLElement, dialog);
    this.all = find("#album-all", HTMLButtonElement, dialog);
    this.download = find("#album-download", HTMLAnchorElement, dialog);
    this.remove = find("#album-delete", HTMLButtonElement, dialog);
    const root = find("#album-days", HTMLElement, dialog);
    this.grid = new AlbumGrid(dialog, root, this.#selection, () => this.#isEager && this.#load());
    root.addEventListener("click", (event) => this.#clicked(event));
    this.#listen();
  }

  open() {
    this.#isEager = true;
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
  }

  async #load() {
    if (this.#isLoading || !this.pictures.hasMore || !this.dialog.open) return;
    this.#isLoading = true;
    try {
      await this.pictures.loadMore(STEP);
      this.#isEager = true;
    } catch (error) {
      this.#isEager = false;
      toast(messageOf(error), "error");
    } finally {
      this.#isLoading = false;
    }
    this.grid.render(); // the end of the loaded pictures may still be near
  }

  #render() {
    const { pictures, total, hasMore } = this.pictures;
    this.grid.show(pictures, hasMore);
    this.#selection.keepOnly(new Set(pictures.map(({ id }) => id)));
    this.more.hidden = !hasMore;
    this.empty.hidden = pictures.length > 0;
    setText(this.count, String(total));
    if (document.activeElement === document.body) this.selectButton.focus(); // the focused element was removed
  }

  /** @param {MouseEvent} event */
  #clicked(event) {
    if (!(event.target instanceof Element)) return;
    const section = /** @type {HTMLElement | null} */ (event.target.closest(".day"));
    if (section && event.target.closest("[data-action=day]")) this.#selectDay(section.dataset.day ?? "");
    const id = Number(event.target.closest("button")?.closest("li")?.dataset.pictureId);
    const picture = this.pictures.pictures.find((each) => each.id === id);
    if (!picture) return;
    if (this.#selection.isOn) this.#selection.toggle(id, event.shiftKey, this.grid.pictures);
    else this.onOpen(picture);
  }

  /** @param {string} day */
  async #selectDay(day) {
    const { pictures } = this;
    const isIncomplete = () => pictures.hasMore && dayOf(pictures.pictures.at(-1)?.taken_at ?? "") >= day;
    try {
      while (isIncomplete()) await pictures.loadMore(STEP);
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
    const selected = this.pictures.pictures.filter(({ id }) => this.#selection.has(id));
    this.remove.setAttribute("aria-busy", "true");
    await deleteWithUndo(this.pictures, selected);
    this.remove.removeAttribute("aria-busy");
    this.#selection.end();
    this.selectButton.focus();
  }

  #showSelection() {
    const { isOn, size } = this.#selection;
    this.dialog.dataset.selecting = String(isOn);
    this.selectButton.textContent = isOn ? "Done" : "Select";
    setText(this.selectionCount, size ? `${size} selected` : "None selected");
    this.grid.showSelected((id) => (isOn ? this.#selection.has(id) : null));
    this.remove.disabled = size === 0;
    if (size) this.download.href = archiveAddress(spansOf(this.pictures.pictures, (id) => this.#selection.has(id)));
    else this.download.removeAttribute("href");
  }
}
