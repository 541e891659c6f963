/**
 * The privacy switch: the camera is closed while it is on.
 *
 * @typedef {import("./types.js").State} State
 */

import { messageOf, setPrivacy } from "./api.js";
import { find } from "./dom.js";
import { toast } from "./toast.js";

/** Shows what the appliance reports; what the user wants counts only after its answer. */
export class PrivacySwitch {
  #busy = false;

  /** @param {HTMLInputElement} input */
  constructor(input) {
    this.input = input;
    input.addEventListener("change", () => this.#set(input.checked));
  }

  /** @param {State} state */
  show({ privacy }) {
    document.body.dataset.privacy = String(privacy);
    find("#privacy-on", HTMLElement).hidden = !privacy;
    if (!this.#busy) this.input.checked = privacy;
  }

  /** @param {boolean} on */
  async #set(on) {
    this.#busy = true;
    try {
      const { privacy } = await setPrivacy(on);
      this.input.checked = privacy;
    } catch (error) {
      this.input.checked = !on;
      toast(messageOf(error), "error");
    } finally {
      this.#busy = false;
    }
  }
}
