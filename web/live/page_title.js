/**
 * The camera's name and state where a tab or an icon is all that is seen.
 *
 * @typedef {import("./live_overlay.js").Words} Words
 */

import { find } from "../shared/dom.js";

/** @type {Record<Words["mood"], string>} */
const ICONS = { live: "live", waiting: "waiting", stopped: "waiting", lost: "lost", private: "private" };

/** Title and icon of the page. */
export class Presence {
  #name = "Camera";
  /** @type {Pick<Words, "mood" | "label">} */ #words = { mood: "waiting", label: "Connecting" };

  constructor() {
    this.icon = find("link[rel=icon]", HTMLLinkElement);
  }

  /** @param {string} name of the camera */
  name(name) {
    this.#name = name;
    this.#show();
  }

  /** @param {Pick<Words, "mood" | "label">} words */
  state(words) {
    this.#words = words;
    this.#show();
  }

  #show() {
    const { mood, label } = this.#words;
    const title = mood === "live" ? this.#name : `${label} – ${this.#name}`;
    if (document.title !== title) document.title = title;
    const icon = `web/icons/${ICONS[mood]}.svg`;
    if (this.icon.getAttribute("href") !== icon) this.icon.setAttribute("href", icon);
  }
}
