/**
 * The panel of the camera's controls, built from the report of the appliance.
 *
 * @typedef {import("../types.js").Control} Control
 * @typedef {import("../types.js").Controls} Controls
 */

import { messageOf, resetControls } from "../shared/api.js";
import { ControlView } from "./control_view.js";
import { find, fromTemplate } from "../shared/dom.js";
import { toast } from "../shared/toast.js";

/** @type {Record<string, string>} */
const GROUP_LABELS = { user: "Picture", camera: "Exposure and lens", image: "Image processing" };

/**
 * @param {Control[]} controls
 * @returns {string} a key; the elements are rebuilt when it changes
 */
function shape(controls) {
  return JSON.stringify(controls.map(({ name, kind, group, label }) => [name, kind, group, label]));
}

/** Up to this number of controls, the search field is hidden. */
const SEARCHABLE = 8;

/** Shows the controls as the device reports them. */
export class ControlPanel {
  /** @type {Map<string, ControlView>} */ #views = new Map();
  #shape = "";

  /** @param {HTMLElement} root holds a `[data-role=groups]`, a `[data-role=empty]` and `#reset-all` */
  constructor(root) {
    this.groups = find("[data-role=groups]", HTMLElement, root);
    this.empty = find("[data-role=empty]", HTMLElement, root);
    this.resetAll = find("#reset-all", HTMLButtonElement, root);
    this.search = find("#control-search", HTMLInputElement, root);
    this.nothing = find("[data-role=nothing]", HTMLElement, root);
    this.resetAll.addEventListener("click", () => this.#resetAll());
    this.search.addEventListener("input", () => this.#filter());
  }

  /** @param {Controls} report */
  update({ controls }) {
    if (shape(controls) !== this.#shape) this.#build(controls);
    const byName = new Map(controls.map((control) => [control.name, control]));
    for (const control of controls) {
      const governor = control.inactive ? byName.get(control.governed_by ?? "") : undefined;
      this.#views.get(control.name)?.update(control, governor ?? null);
    }
    this.resetAll.disabled = !controls.some(({ value, default: initial }) => initial !== null && value !== initial);
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
    this.search.hidden = controls.length <= SEARCHABLE;
    if (this.search.hidden) this.search.value = "";
    this.#filter();
  }

  /** Shows the controls whose label or name contains every search word. */
  #filter() {
    const words = this.search.value.toLowerCase().split(/\s+/).filter(Boolean);
    let found = 0;
    for (const { control, element } of this.#views.values()) {
      const text = `${control.label} ${control.name}`.toLowerCase();
      element.hidden = !words.every((word) => text.includes(word));
      found += Number(!element.hidden);
    }
    for (const group of /** @type {Iterable<HTMLElement>} */ (this.groups.children)) {
      group.hidden = !group.querySelector("[data-control]:not([hidden])");
    }
    this.nothing.hidden = found > 0 || this.#views.size === 0;
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
      toast("All controls were reset to their defaults.");
    } catch (error) {
      toast(messageOf(error), "error");
    } finally {
      this.resetAll.removeAttribute("aria-busy");
    }
  }
}
