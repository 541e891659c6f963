/**
 * The input elements of a control, by kind. A field shows the reported value, and passes on the value the user enters.
 *
 * @typedef {import("../types.js").Control} Control
 * @typedef {import("../types.js").Control["value"]} ControlValue
 * @typedef {object} Field
 * @property {(control: Control) => void} show shows the reported value and limits
 * @property {() => boolean} held whether the user is dragging or typing; the field must not be updated then
 * @property {HTMLElement[]} inputs the first one has the label
 *
 * @typedef {object} FieldActions
 * @property {(value: ControlValue) => void} set the user entered this value
 * @property {() => void} release the user let go without a new value; the reported one is shown again
 */

import { find } from "../shared/dom.js";

/** Significant digits of a decimal number; more are noise of the camera's 32-bit floating point. */
const DIGITS = 7;

/**
 * @param {Control} control
 * @returns {number} its step; for decimal numbers without one, a power of ten that divides the range into 100 to 1000 steps
 */
function stepOf({ kind, minimum, maximum, step }) {
  if (step) return step;
  const width = Number(maximum) - Number(minimum);
  return kind === "number" && width > 0 ? Number(`1e${Math.floor(Math.log10(width / 100))}`) : 1;
}

/**
 * @param {HTMLInputElement} input
 * @param {Control} control
 */
function setLimits(input, control) {
  input.min = String(control.minimum ?? "");
  input.max = String(control.maximum ?? "");
  input.step = String(stepOf(control));
}

/**
 * @param {Control} control
 * @returns {string} its value, as an input takes it
 */
function textOf({ kind, value }) {
  if (kind === "number" && typeof value === "number") return String(Number(value.toPrecision(DIGITS)));
  return String(value ?? "");
}

/**
 * @param {Control} control
 * @returns {string} the hint for on-screen keyboards; some numeric ones have no minus sign
 */
function inputModeOf({ kind, minimum }) {
  if (minimum === null || minimum < 0) return "";
  return kind === "number" ? "decimal" : "numeric";
}

/**
 * @param {Control} control
 * @param {ControlValue} value
 * @returns {string} position of the value in its range, from "0" to "1"
 */
function fraction({ minimum, maximum }, value) {
  const low = Number(minimum);
  const width = Number(maximum) - low;
  return String(width > 0 ? Math.min(1, Math.max(0, (Number(value) - low) / width)) : 0);
}

/**
 * Handles typing: the value is passed on with Enter or when the field loses the focus; Escape discards it.
 *
 * @param {HTMLInputElement} input
 * @param {(text: string) => void} onDone
 * @param {() => void} release
 * @returns {() => boolean} whether there is text that has not been passed on yet
 */
function typing(input, onDone, release) {
  let dirty = false;
  const undo = () => {
    if (!dirty) return;
    dirty = false;
    release();
  };
  input.addEventListener("input", () => (dirty = true));
  input.addEventListener("blur", undo);
  input.addEventListener("keydown", (event) => event.key === "Escape" && undo());
  input.addEventListener("change", () => {
    dirty = false;
    onDone(input.value);
  });
  return () => dirty;
}

/**
 * @param {HTMLInputElement} range
 * @param {FieldActions["release"]} release
 * @returns {() => boolean} whether the slider is being dragged
 */
function dragging(range, release) {
  let held = false;
  range.addEventListener("pointerdown", () => (held = true));
  for (const name of ["pointerup", "pointercancel", "change", "blur"]) {
    range.addEventListener(name, () => {
      if (!held) return;
      held = false;
      release();
    });
  }
  return () => held;
}

/** @type {(root: HTMLElement, actions: FieldActions) => Field} */
function numberField(root, { set, release }) {
  const range = find("input[type=range]", HTMLInputElement, root);
  const number = find("input[type=number]", HTMLInputElement, root);
  const slider = find(".slider", HTMLElement, root);
  /** @type {Control} */ let shown;
  const fill = () => slider.style.setProperty("--fill", fraction(shown, range.value));
  const typed = typing(number, (text) => (text.trim() === "" ? release() : set(Number(text))), release);
  const dragged = dragging(range, release);
  range.addEventListener("input", () => {
    number.value = range.value;
    fill();
    set(Number(range.value));
  });
  return {
    inputs: [range, number],
    held: () => typed() || dragged(),
    show(control) {
      shown = control;
      for (const input of [range, number]) {
        setLimits(input, control);
        input.value = textOf(control);
      }
      number.inputMode = inputModeOf(control);
      slider.hidden = control.minimum === null || control.maximum === null;
      fill();
      slider.style.setProperty("--default", fraction(control, control.default));
      find(".default-mark", HTMLElement, slider).hidden = control.default === null;
      find(".unit", HTMLElement, root).textContent = control.unit ?? "";
    },
  };
}

/** @type {(root: HTMLElement, actions: FieldActions) => Field} */
function booleanField(root, { set }) {
  const input = find("input", HTMLInputElement, root);
  input.addEventListener("change", () => set(input.checked));
  return { inputs: [input], held: () => false, show: (control) => (input.checked = control.value === true) };
}

/** @type {(root: HTMLElement, actions: FieldActions) => Field} */
function menuField(root, { set }) {
  const select = find("select", HTMLSelectElement, root);
  /** @type {NonNullable<Control["choices"]>} */ let choices = [];
  select.addEventListener("change", () => set(choices[select.selectedIndex].value));
  return {
    inputs: [select],
    held: () => false,
    show(control) {
      if (JSON.stringify(control.choices) !== JSON.stringify(choices)) {
        choices = control.choices ?? [];
        select.replaceChildren(
          ...choices.map(({ value, label }) => {
            const mark = value === control.default ? " (default)" : "";
            return new Option(label + mark, String(value));
          }),
        );
      }
      select.selectedIndex = choices.findIndex(({ value }) => value === control.value);
    },
  };
}

/** @type {(root: HTMLElement, actions: FieldActions) => Field} */
function textField(root, { set, release }) {
  const input = find("input", HTMLInputElement, root);
  const held = typing(input, set, release);
  return { inputs: [input], held, show: (control) => (input.value = String(control.value ?? "")) };
}

/** @type {(root: HTMLElement, actions: FieldActions) => Field} */
function buttonField(root, { set }) {
  const button = find("button", HTMLButtonElement, root);
  button.addEventListener("click", () => set(true));
  return { inputs: [button], held: () => false, show: (control) => (button.textContent = control.label) };
}

/** @type {Record<Control["kind"], (root: HTMLElement, actions: FieldActions) => Field>} */
export const FIELDS = {
  integer: numberField,
  number: numberField,
  boolean: booleanField,
  menu: menuField,
  text: textField,
  button: buttonField,
};
