/** Short messages at the edge of the page, read aloud by screen readers. */

const SHOWN_MS = 4000;
const ERROR_SHOWN_MS = 8000;

/**
 * @param {string} message
 * @param {"success" | "error"} [kind]
 */
export function toast(message, kind = "success") {
  const toasts = /** @type {HTMLElement} */ (document.getElementById("toasts"));
  const item = document.createElement("p");
  item.className = "toast";
  item.dataset.toast = kind;
  item.textContent = message;
  toasts.append(item);
  while (toasts.children.length > 3) toasts.firstElementChild?.remove();
  setTimeout(() => item.remove(), kind === "error" ? ERROR_SHOWN_MS : SHOWN_MS);
}
