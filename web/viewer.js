/**
 * One picture in full, in a dialog: the ones before and after it, download, delete.
 *
 * @typedef {import("./gallery.js").Gallery} Gallery
 * @typedef {import("./types.js").Picture} Picture
 */

import { deletePicture, messageOf, relative } from "./api.js";
import { find, setText } from "./dom.js";
import { toast } from "./toast.js";
import { bytesInWords, sizeInWords, timeInWords } from "./words.js";

/** Walks through the pictures of a gallery. */
export class Viewer {
  /** @type {Picture | null} */ #picture = null;
  /** Where the picture is among the others, so that the next one takes its place when it is deleted. */
  #index = 0;

  /**
   * @param {HTMLDialogElement} dialog
   * @param {Gallery} gallery
   */
  constructor(dialog, gallery) {
    this.dialog = dialog;
    this.gallery = gallery;
    this.image = find("#viewer-image", HTMLImageElement, dialog);
    this.caption = find("#viewer-caption", HTMLElement, dialog);
    this.previous = find("#viewer-previous", HTMLButtonElement, dialog);
    this.next = find("#viewer-next", HTMLButtonElement, dialog);
    this.download = find("#viewer-download", HTMLAnchorElement, dialog);
    this.remove = find("#viewer-delete", HTMLButtonElement, dialog);
    this.actions = find("#viewer-actions", HTMLElement, dialog);
    this.confirm = find("#viewer-confirm", HTMLElement, dialog);
    this.yes = find("#viewer-delete-yes", HTMLButtonElement, dialog);
    this.no = find("#viewer-delete-no", HTMLButtonElement, dialog);
    this.#listen();
  }

  #listen() {
    this.gallery.onChange = () => this.#follow();
    this.previous.addEventListener("click", () => this.#step(-1));
    this.next.addEventListener("click", () => this.#step(1));
    find("#viewer-close", HTMLButtonElement, this.dialog).addEventListener("click", () => this.dialog.close());
    this.remove.addEventListener("click", () => this.#ask(true));
    this.no.addEventListener("click", () => this.#ask(false));
    this.yes.addEventListener("click", () => this.#delete());
    this.dialog.addEventListener("keydown", (event) => this.#key(event));
    this.dialog.addEventListener("click", (event) => event.target === this.dialog && this.dialog.close());
    this.dialog.addEventListener("close", () => this.#closed());
    this.dialog.addEventListener("cancel", (event) => {
      if (this.confirm.hidden) return;
      event.preventDefault(); // Escape answers the question first
      this.#ask(false);
    });
  }

  /** @param {Picture} picture */
  open(picture) {
    this.#show(picture);
    if (!this.dialog.open) this.dialog.showModal();
  }

  /** @param {Picture} picture */
  #show(picture) {
    this.#picture = picture;
    this.#index = this.gallery.pictures.findIndex(({ id }) => id === picture.id);
    this.dialog.dataset.pictureId = String(picture.id);
    this.image.src = relative(picture.url);
    this.image.alt = `Picture ${picture.id}`;
    const facts = [
      timeInWords(picture.taken_at),
      sizeInWords(picture.width, picture.height),
      bytesInWords(picture.bytes),
    ];
    setText(this.caption, facts.join(" · "));
    this.download.href = relative(picture.url);
    this.download.download = picture.name;
    this.#ask(false, false);
    this.#showNeighbours();
  }

  #showNeighbours() {
    this.previous.disabled = this.#index <= 0;
    this.next.disabled = this.#index + 1 >= this.gallery.pictures.length && !this.gallery.hasMore;
  }

  /** @param {1 | -1} direction 1 is older */
  async #step(direction) {
    const wanted = this.#index + direction;
    if (wanted >= this.gallery.pictures.length) await this.gallery.loadMore();
    const picture = this.gallery.pictures[wanted];
    if (picture && this.dialog.open) this.#show(picture);
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    if (event.ctrlKey || event.altKey || event.metaKey || event.shiftKey) return;
    if (event.key === "ArrowLeft") this.#step(-1);
    else if (event.key === "ArrowRight") this.#step(1);
    else if (event.key === "Delete") this.#ask(true);
    else return;
    event.preventDefault();
  }

  /**
   * @param {boolean} asking
   * @param {boolean} [moveFocus] to the safe answer, or back to where the question came from
   */
  #ask(asking, moveFocus = true) {
    this.confirm.hidden = !asking;
    this.actions.hidden = asking;
    if (moveFocus) (asking ? this.no : this.remove).focus();
  }

  async #delete() {
    const picture = this.#picture;
    if (!picture) return;
    this.yes.setAttribute("aria-busy", "true");
    try {
      await deletePicture(picture.id);
      toast(`Picture ${picture.id} is deleted.`);
      this.gallery.forget(picture);
    } catch (error) {
      toast(messageOf(error), "error");
      this.#ask(false);
    } finally {
      this.yes.removeAttribute("aria-busy");
    }
  }

  /** The gallery has other pictures now: this one may have moved, or be gone. */
  #follow() {
    const shown = this.#picture;
    if (!shown) return;
    const { pictures } = this.gallery;
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
    const item = this.gallery.list.querySelector(`[data-picture-id="${this.#picture?.id}"] button`);
    this.#picture = null;
    this.image.removeAttribute("src");
    if (item instanceof HTMLElement) item.focus(); // the picture that was opened first may be a screenful away, or gone
  }
}
