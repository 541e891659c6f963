/**
 * The page: connects its parts.
 *
 * @typedef {import("./types.js").Picture} Picture
 * @typedef {import("./types.js").State} State
 */

import { showAccess } from "./panel/access.js";
import { Album } from "./album/album.js";
import { messageOf, takePicture } from "./shared/api.js";
import { ServerClock } from "./live/server_clock.js";
import { ControlPanel } from "./panel/control_panel.js";
import { find } from "./shared/dom.js";
import { Events } from "./shared/events.js";
import { animateTake } from "./live/take_animation.js";
import { FormatPanel } from "./panel/format_panel.js";
import { History } from "./panel/history.js";
import { listenForKeys } from "./shared/keys.js";
import { LivePicture } from "./live/live_picture.js";
import { PictureList } from "./album/picture_list.js";
import { PageTitle } from "./live/page_title.js";
import { PrivacySwitch } from "./panel/privacy_switch.js";
import { LiveOverlay } from "./live/live_overlay.js";
import { FactList } from "./panel/fact_list.js";
import { Strip } from "./album/strip.js";
import { keepToastsInSight, toast } from "./shared/toast.js";
import { PictureViewer } from "./album/picture_viewer.js";
import { listenForWake } from "./shared/wake.js";
import { formatAge } from "./shared/formatters.js";
import { Zoom } from "./shared/zoom.js";

const MEASURE_MS = 500;

const stageElement = find("#stage", HTMLElement);
const canvas = find("#live", HTMLCanvasElement);
const takeButton = find("#take-picture", HTMLButtonElement);
const toggleButton = find("#toggle-live", HTMLButtonElement);
const fullScreenButton = find("#full-screen", HTMLButtonElement);
const zoomButton = find("#zoom-reset", HTMLButtonElement);
const connectionLost = find("#connection-lost", HTMLElement);
const keysDialog = find("#keys", HTMLDialogElement);

const clock = new ServerClock();
const pageTitle = new PageTitle();
const overlay = new LiveOverlay(stageElement, clock, (text) => pageTitle.setState(text));
const live = new LivePicture(canvas, find("#live-image", HTMLImageElement), "stream.mjpg", showLive);
const zoom = new Zoom(stageElement, canvas, { onChange: showZoom });
const controls = new ControlPanel(find("#controls", HTMLElement));
const format = new FormatPanel(find("#format", HTMLElement));
const facts = new FactList(find("#state-line", HTMLElement));
const privacy = new PrivacySwitch(find("#privacy-switch", HTMLInputElement));
const rates = new History(find("#fps-history", HTMLElement), "Rate", (fps) => `${fps.toFixed(1)} fps`, 10);
const ages = new History(find("#age-history", HTMLElement), "Frame age", formatAge, 0.2);
const pictures = new PictureList();
const viewer = new PictureViewer(find("#viewer", HTMLDialogElement), pictures, focusPicture);
const strip = new Strip(find("#pictures", HTMLElement), pictures, (picture) => viewer.open(picture));
const album = new Album(find("#album", HTMLDialogElement), pictures, (picture) => viewer.open(picture));

/** Seconds between two frames at the granted rate. */
let interval = 0;
/** Every second measurement is added to the histories, which have one value per second. */
let isSecond = false;
let isScrolledAway = false;

/** @param {import("./live/live_picture.js").LiveStatus} status */
function showLive(status) {
  overlay.showLive(status);
  zoom.target = live.element;
}

/** @param {State} state */
function showState(state) {
  clock.observe(state.time);
  interval = 1 / (state.format.granted?.fps || 30);
  pageTitle.setName(state.name);
  find("#name", HTMLElement).textContent = state.name;
  overlay.showCamera(state.camera);
  facts.show(state);
  privacy.show(state);
  format.notice(state);
}

/** @param {boolean} connected */
function showConnection(connected) {
  document.body.dataset.connected = String(connected);
  connectionLost.hidden = connected;
  live.followConnection(connected);
  if (connected) {
    find("#panel", HTMLElement).hidden = false;
    listPictures(() => pictures.refresh());
  } else {
    overlay.showCamera(null);
  }
}

/** @param {() => Promise<void>} request */
async function listPictures(request) {
  try {
    await request();
  } catch (error) {
    toast(`The pictures could not be listed: ${messageOf(error)}`, "error");
  }
}

async function take() {
  if (takeButton.getAttribute("aria-busy") === "true") return;
  takeButton.setAttribute("aria-busy", "true");
  try {
    const picture = await takePicture();
    pictures.add(picture);
    stageElement.classList.add("flash");
    animateTake(live.element, stageElement, strip.buttonOf(picture.id) ?? strip.list);
    toast(`Picture ${picture.id} was taken.`);
  } catch (error) {
    toast(messageOf(error), "error");
  } finally {
    takeButton.removeAttribute("aria-busy");
  }
}

/** Disconnects the live picture while it cannot be seen. */
function updateSight() {
  live.setInSight(!isScrolledAway && !album.dialog.open && !viewer.dialog.open);
}

/**
 * Focuses the picture that was shown last: the picture opened first may be far away, or deleted.
 *
 * @param {number} id
 */
function focusPicture(id) {
  if (album.dialog.open) album.grid.focus(id);
  else strip.buttonOf(id)?.focus();
}

function toggleLive() {
  if (live.requested) live.stop();
  else live.start();
  showRequested();
}

function showRequested() {
  toggleButton.dataset.requested = String(live.requested);
  find("[data-role=label]", HTMLElement, toggleButton).textContent = live.requested ? "Stop" : "Start";
  toggleButton.title = live.requested ? "Stop the live picture (Q)" : "Start the live picture (Q)";
}

function toggleFullScreen() {
  if (!document.fullscreenEnabled) return;
  if (document.fullscreenElement) document.exitFullscreen();
  else stageElement.requestFullscreen().catch(() => toast("The browser refused full screen.", "error"));
}

/** @param {number} scale */
function showZoom(scale) {
  zoomButton.hidden = scale === 1;
  zoomButton.textContent = `${scale.toFixed(1)} ×`;
  zoomButton.setAttribute("aria-label", `Enlarged ${scale.toFixed(1)} times; show the whole picture`);
}

function showMeasured() {
  const measured = overlay.showMeasured(live, interval);
  isSecond = !isSecond;
  if (!isSecond) return;
  rates.add(measured?.fps ?? null);
  ages.add(measured?.age ?? null);
}

takeButton.addEventListener("click", take);
toggleButton.addEventListener("click", toggleLive);
fullScreenButton.addEventListener("click", toggleFullScreen);
fullScreenButton.hidden = !document.fullscreenEnabled;
find("#full-screen-take", HTMLButtonElement).addEventListener("click", take);
find("#full-screen-leave", HTMLButtonElement).addEventListener("click", toggleFullScreen);
zoomButton.addEventListener("click", () => zoom.reset());
find("#show-keys", HTMLButtonElement).addEventListener("click", () => keysDialog.showModal());
strip.all.addEventListener("click", () => album.open());
stageElement.addEventListener("animationend", () => stageElement.classList.remove("flash"));
keepToastsInSight();
listenForKeys({
  r: () => void take(),
  q: toggleLive,
  f: toggleFullScreen,
  g: () => album.open(),
  "?": () => keysDialog.showModal(),
  "/": () => find("#control-search", HTMLInputElement).focus(),
  "+": () => zoom.by(1.5),
  "-": () => zoom.by(1 / 1.5),
  0: () => zoom.reset(),
  ArrowLeft: () => zoom.pan(-1, 0),
  ArrowRight: () => zoom.pan(1, 0),
  ArrowUp: () => zoom.pan(0, -1),
  ArrowDown: () => zoom.pan(0, 1),
});
setInterval(showMeasured, MEASURE_MS);

document.documentElement.classList.remove("no-script");
showAccess(find("#access", HTMLElement));
live.start();
showRequested();
const events = new Events(
  "api/events",
  {
    state: showState,
    controls: (report) => controls.update(report),
    picture: (event) => pictures.follow(event),
    pictures: (event) => listPictures(() => pictures.followMany(event)),
  },
  showConnection,
);
new IntersectionObserver((entries) => {
  isScrolledAway = entries.at(-1)?.isIntersecting === false;
  updateSight();
}).observe(stageElement);
const covered = new MutationObserver(updateSight);
for (const { dialog } of [album, viewer]) covered.observe(dialog, { attributeFilter: ["open"] });
listenForWake(() => {
  live.reconnect();
  events.reconnect();
});
