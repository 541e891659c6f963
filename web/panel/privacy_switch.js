/**
 * The privacy switch: while it is on, the camera is closed.
 *
 * @typedef {import("../types.js").State} State
 */

import { messageOf, setPrivacy } from "../shared/api.js";
import { find } from "../shared/dom.js";
import { toast } from "../shared/toast.js";

/** Shows the state that the appliance reports; after a click, the switch moves when the answer arrives. */
export class PrivacySwitch {
  #reported = false;
  #busy = false;

  /** @param {HTMLInputElement} input */
  constructor(input) {
    this.input = input;
    input.addEventListener("change", () => this.#request(input.checked));
  }

  /** @param {Pick<State, "privacy">} state */
  show({ privacy }) {
    this.#reported = privacy;
    this.input.checked = privacy;
    document.body.dataset.privacy = String(privacy);
    find("#privacy-on", HTMLElement).hidden = !privacy;
  }

  /** @param {boolean} on */
  async #request(on) {
    this.input.checked = this.#reported;
    if (this.#busy) return;
    this.#setBusy(true);
    try {
      this.show(await setPrivacy(on));
    } catch (error) {
      toast(`Privacy is still ${this.#reported ? "on" : "off"}: ${messageOf(error)}`, "error");
    } finally {
      this.#setBusy(false);
    }
  }

  /** @param {boolean} busy */
  #setBusy(busy) {
    this.#busy = busy;
    this.input.setAttribute("aria-busy", String(busy));
  }
}
