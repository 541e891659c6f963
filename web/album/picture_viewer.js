/**
 * A dialog with one picture in full size. Keys, buttons and swipes show the previous and next one; it can be zoomed,
 * downloaded and deleted.
 *
 * @typedef {import("./picture_list.js").PictureList} PictureList
 * @typedef {import("../types.js").Picture} Picture
 * @typedef {import("../shared/zoom.js").Swipe} Swipe
 */

import { messageOf, relative } from "../shared/api.js";
import { find, setText } from "../shared/dom.js";
import { toast } from "../shared/toast.js";
import { deleteWithUndo } from "./undo.js";
import { formatBytes, formatSize, formatTime } from "../shared/formatters.js";
import { Zoom } from "../shared/zoom.js";

/** Shows the pictures of a list one at a time. */
export class PictureViewer {
  /** @type {Picture | null} */ #picture = null;
  /** Index of the picture in the list: when it is deleted, the next one at this index is shown. */
  #index = 0;

  /**
   * @param {HTMLDialogElement} dialog
   * @param {PictureList} pictures
   * @param {(id: number) => void} onClose called with the picture that was shown last
   */
  constructor(dialog, pictures, onClose) {
    this.dialog = dialog;
    this.pictures = pictures;
    this.onClose = onClose;
    this.image = find("#viewer-image", HTMLImageElement, dialog);
    this.caption = find("#viewer-caption", HTMLElement, dialog);
    this.previous = find("#viewer-previous", HTMLButtonElement, dialog);
    this.next = find("#viewer-next", HTMLButtonElement, dialog);
    this.download = find("#viewer-download", HTMLAnchorElement, dialog);
    this.remove = find("#viewer-delete", HTMLButtonElement, dialog);
    this.zoom = new Zoom(find(".viewer-picture", HTMLElement, dialog), this.image, {
      onSwipe: (swipe) => this.#swiped(swipe),
    });
    this.#listen();
  }

  #listen() {
    this.pictures.listen(() => this.#follow());
    this.previous.addEventListener("click", () => this.#step(-1));
    this.next.addEventListener("click", () => this.#step(1));
    find("#viewer-close", HTMLButtonElement, this.dialog).addEventListener("click", () => this.dialog.close());
    this.remove.addEventListener("click", () => this.#delete());
    this.dialog.addEventListener("keydown", (event) => this.#key(event));
    this.dialog.addEventListener("close", () => this.#closed());
    this.image.addEventListener("error", () => this.#picture && setText(this.caption, "This picture cannot be shown."));
  }

  /** @param {Picture} picture */
  open(picture) {
    this.#show(picture);
    if (!this.dialog.open) this.dialog.showModal();
  }

  /** @param {Picture} picture */
  #show(picture) {
    this.#picture = picture;
    this.#index = this.pictures.pictures.findIndex(({ id }) => id === picture.id);
    this.dialog.dataset.pictureId = String(picture.id);
    this.zoom.reset();
    this.image.src = relative(picture.url);
    this.image.alt = `Picture ${picture.id}`;
    const facts = [
      `Picture ${picture.id}`,
      formatTime(picture.taken_at),
      picture.width && picture.height ? formatSize(picture.width, picture.height) : "damaged",
      formatBytes(picture.bytes),
    ];
    setText(this.caption, facts.join(" · "));
    this.download.href = relative(picture.url);
    this.download.download = picture.name;
    this.#showNeighbours();
  }

  /** Enables the buttons for the previous and next picture, and preloads both. */
  #showNeighbours() {
    const { pictures, hasMore } = this.pictures;
    this.previous.disabled = this.#index <= 0;
    this.next.disabled = this.#index + 1 >= pictures.length && !hasMore;
    for (const neighbour of [pictures[this.#index + 1], pictures[this.#index - 1]]) {
      if (neighbour) new Image().src = relative(neighbour.url);
    }
  }

  /** @param {Swipe} swipe */
  #swiped(swipe) {
    if (swipe === "down") this.dialog.close();
    else this.#step(swipe === "next" ? 1 : -1);
  }

  /** @param {1 | -1} direction 1 is older */
  async #step(direction) {
    const index = this.#index + direction;
    try {
      if (index >= this.pictures.pictures.length) await this.pictures.loadMore();
    } catch (error) {
      toast(messageOf(error), "error");
    }
    const picture = this.pictures.pictures[index];
    if (picture && this.dialog.open) this.#show(picture);
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    /** @type {Record<string, () => void>} */
    const actions = {
      ArrowLeft: () => this.zoom.pan(-1, 0) || this.#step(-1),
      ArrowRight: () => this.zoom.pan(1, 0) || this.#step(1),
      ArrowUp: () => this.zoom.pan(0, -1),
      ArrowDown: () => this.zoom.pan(0, 1),
      Delete: () => this.#delete(),
      "+": () => this.zoom.by(1.5),
      "-": () => this.zoom.by(1 / 1.5),
      0: () => this.zoom.reset(),
    };
    const action = actions[event.key];
    if (!action) return;
    event.preventDefault();
    action();
  }

  async #delete() {
    if (!this.#picture || this.remove.getAttribute("aria-busy") === "true") return;
    this.remove.setAttribute("aria-busy", "true");
    await deleteWithUndo(this.pictures, [this.#picture]);
    this.remove.removeAttribute("aria-busy");
  }

  /** The list changed: the picture may have another index, or be deleted. */
  #follow() {
    const shown = this.#picture;
    if (!shown) return;
    const { pictures } = this.pictures;
    const index = pictures.findIndex(({ id }) => id === shown.id);
    if (index !== -1) {
      this.#index = index;
      this.#showNeighbours();
      return;
    }
    const neighbour = pictures[Math.min(Math.max(0, this.#index), pictures.length - 1)];
    if (neighbour) this.#show(neighbour);
    else this.dialog.close();
    if (neighbour && !this.dialog.contains(document.activeElement)) this.dialog.focus();
  }

  #closed() {
    const id = this.#picture?.id;
    this.#picture = null;
    this.image.removeAttribute("src");
    if (id !== undefined) this.onClose(id);
  }
}
