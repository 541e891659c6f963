/**
 * The camera's name and state in the title and the icon of the browser's tab.
 *
 * @typedef {import("./live_overlay.js").LiveText} LiveText
 */

import { find } from "../shared/dom.js";

/** @type {Record<LiveText["mood"], string>} */
const ICONS = { live: "live", waiting: "waiting", stopped: "waiting", lost: "lost", private: "private" };

/** Title and icon of the page. */
export class PageTitle {
  #name = "Camera";
  /** @type {Pick<LiveText, "mood" | "label">} */ #text = { mood: "waiting", label: "Connecting" };

  constructor() {
    this.icon = find("link[rel=icon]", HTMLLinkElement);
  }

  /** @param {string} name of the camera */
  setName(name) {
    this.#name = name;
    this.#show();
  }

  /** @param {Pick<LiveText, "mood" | "label">} text */
  setState(text) {
    this.#text = text;
    this.#show();
  }

  #show() {
    const { mood, label } = this.#text;
    const title = mood === "live" ? this.#name : `${label} – ${this.#name}`;
    if (document.title !== title) document.title = title;
    const icon = `web/icons/${ICONS[mood]}.svg`;
    if (this.icon.getAttribute("href") !== icon) this.icon.setAttribute("href", icon);
  }
}
