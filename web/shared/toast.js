/**
 * Short messages at the edge of the page, announced by screen readers.
 *
 * @typedef {object} Action
 * @property {number} seconds how long it is shown
 * @property {string} label
 * @property {() => void} run
 */

import { find, fromTemplate } from "./dom.js";

const SHOWN_MS = 4000;
const ERROR_SHOWN_MS = 8000;
const MAXIMUM = 3;

/**
 * Shows a message: of a success, of an error, or with a button.
 *
 * @param {string} message
 * @param {"success" | "error" | Action} [kind]
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
  while (toasts.children.length > MAXIMUM) toasts.firstElementChild?.remove();
  setTimeout(() => item.remove(), shown);
}

/** @returns {Element} the topmost dialog or full-screen element; anything outside of it is covered */
function topmost() {
  return [...document.querySelectorAll("dialog[open]")].at(-1) ?? document.fullscreenElement ?? document.body;
}

/** Moves the messages when the dialog that contains them closes, so that they stay visible. */
export function keepToastsInSight() {
  const move = () => topmost().append(find("#toasts", HTMLElement));
  for (const dialog of document.querySelectorAll("dialog")) dialog.addEventListener("close", move);
  document.addEventListener("fullscreenchange", move);
}
