/**
 * The panel of all controls that the camera really has, built from what the appliance reports about them.
 *
 * @typedef {import("./types.js").Control} Control
 * @typedef {import("./types.js").Controls} Controls
 */

import { messageOf, resetControls } from "./api.js";
import { ControlView } from "./control.js";
import { find, fromTemplate } from "./dom.js";
import { toast } from "./toast.js";

/** @type {Record<string, string>} */
const GROUP_LABELS = { user: "Picture", camera: "Exposure and lens", image: "Image processing" };

/**
 * @param {Control[]} controls
 * @returns {string} what has to stay the same so that the elements can stay
 */
function shape(controls) {
  return JSON.stringify(controls.map(({ name, kind, group, label }) => [name, kind, group, label]));
}

/** Follows the reports of the device. */
export class ControlPanel {
  /** @type {Map<string, ControlView>} */ #views = new Map();
  #shape = "";

  /** @param {HTMLElement} root holds a `[data-role=groups]`, a `[data-role=empty]` and `#reset-all` */
  constructor(root) {
    this.groups = find("[data-role=groups]", HTMLElement, root);
    this.empty = find("[data-role=empty]", HTMLElement, root);
    this.resetAll = find("#reset-all", HTMLButtonElement, root);
    this.resetAll.addEventListener("click", () => this.#resetAll());
  }

  /** @param {Controls} report */
  update({ controls }) {
    if (shape(controls) !== this.#shape) this.#build(controls);
    for (const control of controls) this.#views.get(control.name)?.update(control);
    this.resetAll.disabled = !controls.some(({ value, default: usual }) => usual !== null && value !== usual);
  }

  /** @param {Control[]} controls */
  #build(controls) {
    this.#shape = shape(controls);
    const views = controls.map((control) => new ControlView(control, (report) => this.update(report)));
    this.#views = new Map(views.map((view) => [view.control.name, view]));
    const names = [...new Set(controls.map(({ group }) => group))];
    this.groups.replaceChildren(
      ...names.map((name) =>
        this.#group(
          name,
          views.filter((view) => view.control.group === name),
        ),
      ),
    );
    this.empty.hidden = controls.length > 0;
    this.resetAll.hidden = controls.length === 0;
  }

  /**
   * @param {string} name
   * @param {ControlView[]} views
   */
  #group(name, views) {
    const group = fromTemplate("control-group");
    group.dataset.group = name;
    const label = GROUP_LABELS[name] ?? name.charAt(0).toUpperCase() + name.slice(1);
    find("legend", HTMLElement, group).textContent = label;
    group.append(...views.map((view) => view.element));
    return group;
  }

  async #resetAll() {
    this.resetAll.setAttribute("aria-busy", "true");
    try {
      this.update(await resetControls());
      toast("All controls have their default values again.");
    } catch (error) {
      toast(messageOf(error), "error");
    } finally {
      this.resetAll.removeAttribute("aria-busy");
    }
  }
}
