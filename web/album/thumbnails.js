/**
 * List items of pictures, in the strip and in the album.
 *
 * @typedef {import("../types.js").Picture} Picture
 */

import { relative } from "../shared/api.js";
import { find, fromTemplate } from "../shared/dom.js";
import { formatTime } from "../shared/formatters.js";

/** The appliance limits how many thumbnails it makes at once; a damaged picture never gets one. */
const RETRY_MS = 2000;
const MAXIMUM_TRIES = 8;

/**
 * @param {Picture} picture
 * @param {string} caption
 * @returns {HTMLElement} a list item with a button, an image that is not requested yet, and the caption
 */
export function thumbnailItem(picture, caption) {
  const item = fromTemplate("gallery-item");
  const image = find("img", HTMLImageElement, item);
  item.dataset.pictureId = String(picture.id);
  image.dataset.src = relative(picture.thumbnail);
  image.alt = `Picture ${picture.id}, ${formatTime(picture.taken_at)}`;
  const when = find("time", HTMLTimeElement, item);
  when.dateTime = picture.taken_at;
  when.textContent = caption;
  image.addEventListener("error", () => retry(image));
  return item;
}

/** @param {HTMLElement} item whose image is now requested */
export function loadImage(item) {
  const image = find("img", HTMLImageElement, item);
  if (!image.hasAttribute("src")) image.src = image.dataset.src ?? "";
}

/** @param {HTMLImageElement} image that failed to load */
function retry(image) {
  const tries = Number(image.dataset.tries ?? 0) + 1;
  image.dataset.tries = String(tries);
  if (tries > MAXIMUM_TRIES) image.classList.add("broken");
  else setTimeout(() => image.hasAttribute("src") && (image.src = image.dataset.src ?? ""), RETRY_MS);
}

/**
 * @param {HTMLElement} item
 * @param {boolean | null} isSelected null outside selection mode
 */
export function showSelected(item, isSelected) {
  const button = find("button", HTMLButtonElement, item);
  if (isSelected === null) button.removeAttribute("aria-pressed");
  else button.setAttribute("aria-pressed", String(isSelected));
}

/** @param {HTMLElement} item removed from the page; loading its image is cancelled */
export function dropItem(item) {
  find("img", HTMLImageElement, item).removeAttribute("src");
  item.remove();
}
