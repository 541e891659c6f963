/**
 * Items of pictures in strip and album. An image is loaded when it comes near, and let go when it is far away, so that
 * thousands of them cost no more than what is seen.
 *
 * @typedef {import("./types.js").Picture} Picture
 */

import { relative } from "./api.js";
import { find, fromTemplate } from "./dom.js";
import { timeInWords } from "./words.js";

/** The appliance refuses to make too many at once; some pictures are damaged and never have one. */
const RETRY_MS = 2000;
const MOST_TRIES = 8;

/** How far around what is seen images are there already. */
const AHEAD = "600px";

const nearness = new IntersectionObserver(
  (entries) => {
    for (const { target, isIntersecting } of entries) {
      const image = /** @type {HTMLImageElement} */ (target);
      if (!isIntersecting) image.removeAttribute("src");
      else if (!image.hasAttribute("src")) image.src = image.dataset.src ?? "";
    }
  },
  // scrollMargin is for what scrolls inside of a dialog; the type checker does not know it yet.
  /** @type {IntersectionObserverInit} */ ({ rootMargin: AHEAD, scrollMargin: AHEAD }),
);

/**
 * @param {Picture} picture
 * @param {string} caption
 * @returns {HTMLElement} a list item with a button, the image in it, and the caption
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
  nearness.observe(image);
  return item;
}

/** @param {HTMLImageElement} image that did not load */
function retry(image) {
  const tries = Number(image.dataset.tries ?? 0) + 1;
  image.dataset.tries = String(tries);
  if (tries > MOST_TRIES) image.classList.add("broken");
  else setTimeout(() => image.hasAttribute("src") && (image.src = image.dataset.src ?? ""), RETRY_MS);
}

/** @param {Element} item that is taken off the page */
export function forgetItem(item) {
  nearness.unobserve(find("img", HTMLImageElement, item));
  item.remove();
}
