/**
 * Short messages at the edge of the page, read aloud by screen readers.
 *
 * @typedef {object} Offer
 * @property {number} seconds how long it stands
 * @property {string} label
 * @property {() => void} run
 */

import { find, fromTemplate } from "./dom.js";

const SHOWN_MS = 4000;
const ERROR_SHOWN_MS = 8000;
const MOST = 3;

/**
 * Shows a message, as an error, or with something to do about it.
 *
 * @param {string} message
 * @param {"success" | "error" | Offer} [kind]
 */
export function toast(message, kind = "success") {
  const toasts = find("#toasts", HTMLElement);
  const host = topmost();
  if (toasts.parentElement !== host) host.append(toasts);
  const item = fromTemplate("toast");
  item.dataset.toast = kind === "error" ? "error" : "success";
  find("span", HTMLElement, item).textContent = message;
  const [act, close] = /** @type {NodeListOf<HTMLButtonElement>} */ (item.querySelectorAll("button"));
  let shown = kind === "error" ? ERROR_SHOWN_MS : SHOWN_MS;
  if (typeof kind === "object") {
    shown = kind.seconds * 1000;
    act.textContent = kind.label;
    act.addEventListener("click", () => {
      item.remove();
      kind.run();
    });
  } else {
    act.remove();
  }
  close.addEventListener("click", () => item.remove());
  toasts.append(item);
  while (toasts.children.length > MOST) toasts.firstElementChild?.remove();
  setTimeout(() => item.remove(), shown);
}

/** @returns {Element} what is above all else: everything else can neither be seen nor clicked */
function topmost() {
  return [...document.querySelectorAll("dialog[open]")].at(-1) ?? document.fullscreenElement ?? document.body;
}

/** Keeps messages in sight when the dialog that they were in closes. */
export function keepToastsInSight() {
  const move = () => topmost().append(find("#toasts", HTMLElement));
  for (const dialog of document.querySelectorAll("dialog")) dialog.addEventListener("close", move);
  document.addEventListener("fullscreenchange", move);
}
