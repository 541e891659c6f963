/** Noticing that the machine slept: connections may then be dead without knowing. */

const TICK_MS = 1000;
const GAP_MS = 5000; // a busy machine is late by less; a false alarm costs one reconnection

/** @param {() => void} onWake */
export function listenForWake(onWake) {
  let last = Date.now();
  setInterval(() => {
    const now = Date.now();
    if (now - last > GAP_MS && document.visibilityState === "visible") onWake();
    last = now;
  }, TICK_MS);
}
