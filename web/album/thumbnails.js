/**
 * Items of pictures in strip and album.
 *
 * @typedef {import("../types.js").Picture} Picture
 */

import { relative } from "../shared/api.js";
import { find, fromTemplate } from "../shared/dom.js";
import { timeInWords } from "../shared/formatters.js";

/** The appliance refuses to make too many at once; some pictures are damaged and never have one. */
const RETRY_MS = 2000;
const MOST_TRIES = 8;

/**
 * @param {Picture} picture
 * @param {string} caption
 * @returns {HTMLElement} a list item with a button, an image that is not asked for yet, and the caption
 */
export function thumbnailItem(picture, caption) {
  const item = fromTemplate("gallery-item");
  const image = find("img", HTMLImageElement, item);
  item.dataset.pictureId = String(picture.id);
  image.dataset.src = relative(picture.thumbnail);
  image.alt = `Picture ${picture.id}, ${timeInWords(picture.taken_at)}`;
  const when = find("time", HTMLTimeElement, item);
  when.dateTime = picture.taken_at;
  when.textContent = caption;
  image.addEventListener("error", () => retry(image));
  return item;
}

/** @param {HTMLElement} item whose image is wanted now */
export function loadImage(item) {
  const image = find("img", HTMLImageElement, item);
  if (!image.hasAttribute("src")) image.src = image.dataset.src ?? "";
}

/** @param {HTMLImageElement} image that did not load */
function retry(image) {
  const tries = Number(image.dataset.tries ?? 0) + 1;
  image.dataset.tries = String(tries);
  if (tries > MOST_TRIES) image.classList.add("broken");
  else setTimeout(() => image.hasAttribute("src") && (image.src = image.dataset.src ?? ""), RETRY_MS);
}

/**
 * @param {HTMLElement} item
 * @param {boolean | null} isChosen null while nothing is being selected
 */
export function showChosen(item, isChosen) {
  const button = find("button", HTMLButtonElement, item);
  if (isChosen === null) button.removeAttribute("aria-pressed");
  else button.setAttribute("aria-pressed", String(isChosen));
}

/** @param {HTMLElement} item that is taken off the page; its image is not loaded to its end */
export function dropItem(item) {
  find("img", HTMLImageElement, item).removeAttribute("src");
  item.remove();
}
