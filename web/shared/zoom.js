/**
 * Zooms a picture by pinch, wheel, double tap and keys; dragging moves it. Dragging a picture that is not zoomed is
 * reported as a swipe.
 *
 * @typedef {"previous" | "next" | "down"} Swipe
 * @typedef {object} Point
 * @property {number} x pixels from the middle of the area
 * @property {number} y
 */

const LARGEST = 8;
const DOUBLE_TAP = 2.5; // factor
const DOUBLE_TAP_MS = 350;
const SLOP = 8; // pixels; a shorter movement is a tap, not a drag
const SWIPE = 0.15; // part of the width
const STEP = 80; // pixels that an arrow key moves

/**
 * @param {number} value
 * @param {number} limit
 */
function within(value, limit) {
  return Math.min(limit, Math.max(-limit, value));
}

/** Moves and scales `target` inside of `area` by its CSS transform. */
export class Zoom {
  #scale = 1;
  #x = 0;
  #y = 0;
  /** @type {Map<number, Point>} */ #pointers = new Map();
  /** @type {Point | null} where a drag with one pointer began */ #origin = null;
  /** @type {(Point & {at: number}) | null} */ #tap = null;

  /**
   * @param {HTMLElement} area
   * @param {HTMLElement} target its middle is the middle of the area
   * @param {{onChange?: (scale: number) => void, onSwipe?: (swipe: Swipe) => void}} [callbacks]
   */
  constructor(area, target, { onChange = () => {}, onSwipe } = {}) {
    this.area = area;
    this.target = target;
    this.onChange = onChange;
    this.onSwipe = onSwipe;
    area.addEventListener("wheel", (event) => this.#wheel(event), { passive: false });
    // Gestures with two fingers are handled here; one finger scrolls the page.
    area.addEventListener("touchstart", (event) => event.touches.length > 1 && event.preventDefault(), {
      passive: false,
    });
    area.addEventListener("pointerdown", (event) => this.#down(event));
    area.addEventListener("pointermove", (event) => this.#move(event));
    for (const name of ["pointerup", "pointercancel"]) {
      area.addEventListener(name, (event) => this.#up(/** @type {PointerEvent} */ (event)));
    }
    new ResizeObserver(() => this.#apply()).observe(area);
  }

  /** The magnification; 1 shows the whole picture. */
  get scale() {
    return this.#scale;
  }

  /** Shows the whole picture. */
  reset() {
    this.#scale = 1;
    this.#apply();
  }

  /**
   * @param {number} factor
   * @param {Point} [at] the point that stays in place
   */
  by(factor, at = { x: 0, y: 0 }) {
    const scale = Math.min(LARGEST, Math.max(1, this.#scale * factor));
    this.#x = at.x - ((at.x - this.#x) * scale) / this.#scale;
    this.#y = at.y - ((at.y - this.#y) * scale) / this.#scale;
    this.#scale = scale;
    this.#apply();
  }

  /**
   * Moves the visible section of a zoomed picture.
   *
   * @param {number} right -1, 0 or 1
   * @param {number} down
   * @returns {boolean} whether it is zoomed
   */
  pan(right, down) {
    if (this.#scale === 1) return false;
    this.#x -= right * STEP;
    this.#y -= down * STEP;
    this.#apply();
    return true;
  }

  #apply() {
    if (this.#scale < 1.01) this.#scale = 1;
    const { area, target } = this;
    this.#x = within(this.#x, Math.max(0, (target.offsetWidth * this.#scale - area.clientWidth) / 2));
    this.#y = within(this.#y, Math.max(0, (target.offsetHeight * this.#scale - area.clientHeight) / 2));
    const isZoomed = this.#scale > 1;
    target.style.transform = isZoomed ? `translate(${this.#x}px, ${this.#y}px) scale(${this.#scale})` : "";
    area.classList.toggle("zoomed", isZoomed);
    this.onChange(this.#scale);
  }

  /**
   * @param {MouseEvent} event
   * @returns {Point}
   */
  #point({ clientX, clientY }) {
    const box = this.area.getBoundingClientRect();
    return { x: clientX - box.left - box.width / 2, y: clientY - box.top - box.height / 2 };
  }

  /**
   * The wheel zooms. A picture that is not zoomed is left to scrolling, except for zooming in at the top of the page.
   *
   * @param {WheelEvent} event
   */
  #wheel(event) {
    const isPinch = event.ctrlKey; // how browsers report a pinch on a touchpad
    const isLarger = event.deltaY < 0;
    if (!isPinch && this.#scale === 1 && (!isLarger || scrollY > 0)) return;
    event.preventDefault();
    const lines = event.deltaMode === WheelEvent.DOM_DELTA_LINE ? 33 : 1;
    this.by(Math.exp(-event.deltaY * lines * (isPinch ? 0.01 : 0.0025)), this.#point(event));
  }

  /** @param {PointerEvent} event */
  #down(event) {
    if (event.button !== 0 || (event.target instanceof Element && event.target.closest("button, a"))) return;
    this.#pointers.set(event.pointerId, this.#point(event));
    this.#origin = this.#pointers.size === 1 ? this.#point(event) : null;
  }

  /** @param {PointerEvent} event */
  #move(event) {
    const before = this.#pointers.get(event.pointerId);
    if (!before) return;
    const now = this.#point(event);
    this.#pointers.set(event.pointerId, now);
    if (this.#pointers.size === 2) this.#pinch(event.pointerId, before, now);
    else if (this.#scale > 1) this.#drag(event, before, now);
    else this.#follow(event, now);
  }

  /**
   * @param {number} id of the finger that moved
   * @param {Point} before
   * @param {Point} now
   */
  #pinch(id, before, now) {
    const other = [...this.#pointers].find(([each]) => each !== id)?.[1];
    if (!other) return;
    const distance = (/** @type {Point} */ point) => Math.hypot(point.x - other.x, point.y - other.y) || 1;
    this.#x += (now.x - before.x) / 2;
    this.#y += (now.y - before.y) / 2;
    this.by(distance(now) / distance(before), { x: (now.x + other.x) / 2, y: (now.y + other.y) / 2 });
  }

  /**
   * @param {PointerEvent} event
   * @param {Point} before
   * @param {Point} now
   */
  #drag(event, before, now) {
    this.area.setPointerCapture(event.pointerId);
    this.#x += now.x - before.x;
    this.#y += now.y - before.y;
    this.#apply();
  }

  /**
   * The picture follows the finger until it is released, which may be a swipe.
   *
   * @param {PointerEvent} event
   * @param {Point} now
   */
  #follow(event, now) {
    if (!this.onSwipe || !this.#origin) return;
    const right = now.x - this.#origin.x;
    const down = Math.max(0, now.y - this.#origin.y);
    if (Math.hypot(right, down) < SLOP) return;
    this.area.setPointerCapture(event.pointerId);
    const isSideways = Math.abs(right) > down;
    this.target.style.transform = `translate(${isSideways ? right : 0}px, ${isSideways ? 0 : down}px)`;
  }

  /** @param {PointerEvent} event */
  #up(event) {
    if (!this.#pointers.delete(event.pointerId)) return;
    const origin = this.#origin;
    this.#origin = null;
    if (!origin || this.#pointers.size > 0) return;
    const now = this.#point(event);
    const moved = { x: now.x - origin.x, y: now.y - origin.y };
    if (event.type === "pointerup" && Math.hypot(moved.x, moved.y) < SLOP) this.#tapped(now);
    else if (this.#scale === 1) this.#swiped(moved, event.type === "pointerup");
  }

  /**
   * @param {Point} moved
   * @param {boolean} isComplete false if the browser cancelled the gesture
   */
  #swiped(moved, isComplete) {
    this.target.style.transform = "";
    if (!isComplete || !this.onSwipe) return;
    const enough = Math.max(40, this.area.clientWidth * SWIPE);
    const isSideways = Math.abs(moved.x) > Math.abs(moved.y);
    if (isSideways && Math.abs(moved.x) > enough) this.onSwipe(moved.x > 0 ? "previous" : "next");
    else if (!isSideways && moved.y > enough) this.onSwipe("down");
  }

  /** @param {Point} point */
  #tapped(point) {
    const before = this.#tap;
    this.#tap = { ...point, at: performance.now() };
    if (!before || this.#tap.at - before.at > DOUBLE_TAP_MS) return;
    if (Math.hypot(point.x - before.x, point.y - before.y) > 4 * SLOP) return;
    this.#tap = null;
    if (this.#scale > 1) this.reset();
    else this.by(DOUBLE_TAP, point);
  }
}
