/**
 * Items of pictures in strip and album. An image is loaded when it comes near, and let go when it is far away, so that
 * thousands of them cost no more than what is seen.
 *
 * @typedef {import("./types.js").Picture} Picture
 */

import { relative } from "./api.js";
import { find, fromTemplate } from "./dom.js";
import { timeInWords } from "./words.js";

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
  nearness.observe(image);
  return item;
}

/** @param {Element} item that is taken off the page */
export function forgetItem(item) {
  nearness.unobserve(find("img", HTMLImageElement, item));
  item.remove();
}
