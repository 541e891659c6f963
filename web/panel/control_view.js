/**
 * One control of the camera on the page: its field, its reset button, its hint and its error.
 *
 * @typedef {import("../types.js").Control} Control
 * @typedef {import("../types.js").Controls} Controls
 * @typedef {import("../types.js").Control["value"]} ControlValue
 */

import { messageOf, resetControls, setControls } from "../shared/api.js";
import { find, fromTemplate, setText } from "../shared/dom.js";
import { FIELDS } from "./fields.js";
import { Sender } from "./sender.js";

/**
 * @param {Control} control
 * @param {Control | null} governor the switch that makes it inactive
 * @returns {string} why the control cannot be set now, empty if it can
 */
function unusableReason(control, governor) {
  if (control.read_only) return "Read-only: set by the camera";
  if (!control.inactive) return "";
  if (!governor) return "Not used while an automatic mode is on";
  return `Not used while ${governor.label} is ${formatValue(governor, governor.value)}`;
}

/**
 * @param {Control} control
 * @param {ControlValue} value
 */
function formatValue(control, value) {
  if (typeof value === "boolean") return value ? "on" : "off";
  const choice = control.choices?.find((each) => each.value === value);
  return choice?.label ?? [value, control.unit].filter((part) => part !== null).join(" ");
}

/** A control and its element, whose `data-control` is the name. */
export class ControlView {
  /** @type {Control | null} */ #governor = null;
  #reports = 0;

  /**
   * @param {Control} control
   * @param {(controls: Controls) => void} onReport called with the values that the device reports
   */
  constructor(control, onReport) {
    this.control = control;
    this.onReport = onReport;
    this.element = fromTemplate(`control-${control.kind === "integer" ? "number" : control.kind}`);
    this.element.dataset.control = control.name;
    this.resetButton = /** @type {HTMLButtonElement | null} */ (this.element.querySelector("[data-action=reset]"));
    this.errorText = find(".control-error", HTMLElement, this.element);
    this.hintText = find(".control-hint", HTMLElement, this.element);
    this.field = FIELDS[control.kind](this.element, {
      set: (value) => this.#set(value),
      release: () => this.#settle(),
    });
    /** @type {Sender<ControlValue>} */
    this.sender = new Sender(
      (value) => this.#send(() => setControls({ [this.control.name]: value })),
      () => this.#settle(),
    );
    this.resetButton?.addEventListener("click", () => this.#reset());
    this.#name();
    this.#settle();
  }

  /**
   * @param {Control} control as the device reports it now; shown once the user has let go of the field
   * @param {Control | null} governor the switch that makes it inactive
   */
  update(control, governor) {
    this.control = control;
    this.#governor = governor;
    this.#reports += 1;
    this.#settle();
  }

  /** Sets labels, ids and the descriptions for screen readers. */
  #name() {
    const { name, label } = this.control;
    const id = `control-${name}`;
    const [first, ...others] = this.field.inputs;
    first.id = id;
    for (const other of others) other.setAttribute("aria-label", `${label}, exact value`);
    const labelElement = this.element.querySelector("label");
    if (labelElement) {
      labelElement.htmlFor = id;
      find(".control-label", HTMLElement, this.element).textContent = label;
    }
    this.hintText.id = `${id}-hint`;
    this.errorText.id = `${id}-error`;
    for (const input of this.field.inputs) input.setAttribute("aria-describedby", `${id}-hint ${id}-error`);
    this.resetButton?.setAttribute("aria-label", `Reset ${label} to its default`);
  }

  /** @param {ControlValue} value */
  #set(value) {
    this.#showError("");
    this.sender.push(value);
  }

  async #reset() {
    this.#showError("");
    await this.#send(() => resetControls([this.control.name]));
    this.#settle();
    if (document.activeElement === document.body || document.activeElement === this.resetButton) {
      this.field.inputs[0].focus(); // the button has just been hidden
    }
  }

  /**
   * An answer that arrives after a newer event is ignored: it may be outdated, and its values come as an event too.
   *
   * @param {() => Promise<Controls>} request
   */
  async #send(request) {
    const before = this.#reports;
    try {
      const report = await request();
      if (this.#reports === before) this.onReport(report);
    } catch (error) {
      this.#showError(messageOf(error));
    }
  }

  /** Shows the reported value, unless the user is changing it or a change is being sent. */
  #settle() {
    this.#describe();
    if (this.field.held() || this.sender.busy) return;
    this.field.show(this.control);
  }

  #describe() {
    const { control } = this;
    const reason = unusableReason(control, this.#governor);
    for (const input of this.field.inputs) {
      /** @type {HTMLInputElement} */ (input).disabled = reason !== "";
      if (reason) input.setAttribute("aria-description", reason);
      else input.removeAttribute("aria-description");
    }
    this.element.title = reason;
    this.element.dataset.usable = String(reason === "");
    setText(this.hintText, reason);
    this.hintText.hidden = reason === "";
    const changed = control.default !== null && control.value !== control.default && reason === "";
    if (this.resetButton) {
      this.resetButton.disabled = !changed;
      this.resetButton.title = `Default: ${formatValue(control, control.default)}`;
    }
  }

  /** @param {string} message empty for none */
  #showError(message) {
    setText(this.errorText, message);
    this.errorText.hidden = message === "";
    for (const input of this.field.inputs) {
      if (message) input.setAttribute("aria-invalid", "true");
      else input.removeAttribute("aria-invalid");
    }
  }
}
