/** Detects that the computer was suspended: connections may then be dead without having been closed. */

const TICK_MS = 1000;
const GAP_MS = 5000; // timers of a busy computer are late by less; a false positive costs one reconnection

/** @param {() => void} onWake */
export function listenForWake(onWake) {
  let last = Date.now();
  setInterval(() => {
    const now = Date.now();
    if (now - last > GAP_MS && document.visibilityState === "visible") onWake();
    last = now;
  }, TICK_MS);
}
