/**
 * The page: puts the parts together.
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
import { fly } from "./live/take_animation.js";
import { FormatPanel } from "./panel/format_panel.js";
import { History } from "./panel/history.js";
import { listenForKeys } from "./shared/keys.js";
import { LivePicture } from "./live/live_picture.js";
import { PictureList } from "./album/picture_list.js";
import { Presence } from "./live/page_title.js";
import { PrivacySwitch } from "./panel/privacy_switch.js";
import { Stage } from "./live/live_overlay.js";
import { StateLine } from "./panel/fact_list.js";
import { Strip } from "./album/strip.js";
import { keepToastsInSight, toast } from "./shared/toast.js";
import { Viewer } from "./album/picture_viewer.js";
import { listenForWake } from "./shared/wake.js";
import { ageInWords } from "./shared/formatters.js";
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
const presence = new Presence();
const stage = new Stage(stageElement, clock, (words) => presence.state(words));
const live = new LivePicture(canvas, find("#live-image", HTMLImageElement), "stream.mjpg", showLive);
const zoom = new Zoom(stageElement, canvas, { onChange: showZoom });
const controls = new ControlPanel(find("#controls", HTMLElement));
const format = new FormatPanel(find("#format", HTMLElement));
const stateLine = new StateLine(find("#state-line", HTMLElement));
const privacy = new PrivacySwitch(find("#privacy-switch", HTMLInputElement));
const rates = new History(find("#fps-history", HTMLElement), "Rate", (fps) => `${fps.toFixed(1)} fps`, 10);
const ages = new History(find("#age-history", HTMLElement), "Frame age", ageInWords, 0.2);
const pictures = new PictureList();
const viewer = new Viewer(find("#viewer", HTMLDialogElement), pictures, focusPicture);
const strip = new Strip(find("#pictures", HTMLElement), pictures, (picture) => viewer.open(picture));
const album = new Album(find("#album", HTMLDialogElement), pictures, (picture) => viewer.open(picture));

/** Seconds between two frames, as the camera granted it. */
let interval = 0;
/** The histories have a value for every second, half as many as are measured. */
let isSecond = false;
let isScrolledAway = false;

/** @param {import("./live/live_picture.js").LiveStatus} status */
function showLive(status) {
  stage.showLive(status);
  zoom.target = live.element;
}

/** @param {State} state */
function showState(state) {
  clock.observe(state.time);
  interval = 1 / (state.format.granted?.fps || 30);
  presence.name(state.name);
  find("#name", HTMLElement).textContent = state.name;
  stage.showCamera(state.camera);
  stateLine.show(state);
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
    stage.showCamera(null);
  }
}

/** @param {() => Promise<void>} request */
async function listPictures(request) {
  try {
    await request();
  } catch (error) {
    toast(`The pictures cannot be listed: ${messageOf(error)}`, "error");
  }
}

async function take() {
  if (takeButton.getAttribute("aria-busy") === "true") return;
  takeButton.setAttribute("aria-busy", "true");
  try {
    const picture = await takePicture();
    pictures.add(picture);
    stageElement.classList.add("flash");
    fly(live.element, stageElement, strip.buttonOf(picture.id) ?? strip.list);
    toast(`Picture ${picture.id} is taken.`);
  } catch (error) {
    toast(messageOf(error), "error");
  } finally {
    takeButton.removeAttribute("aria-busy");
  }
}

/** Nobody pays for a picture that cannot be seen. */
function showSight() {
  live.setInSight(!isScrolledAway && !album.dialog.open && !viewer.dialog.open);
}

/**
 * The picture that was opened first may be a screenful away from the one that was seen last, or gone.
 *
 * @param {number} id
 */
function focusPicture(id) {
  if (album.dialog.open) album.days.focus(id);
  else strip.buttonOf(id)?.focus();
}

function toggleLive() {
  if (live.wanted) live.stop();
  else live.start();
  showWanted();
}

function showWanted() {
  toggleButton.dataset.wanted = String(live.wanted);
  find("[data-role=label]", HTMLElement, toggleButton).textContent = live.wanted ? "Stop" : "Start";
  toggleButton.title = live.wanted ? "Stop the picture (Q)" : "Start the picture (Q)";
}

function toggleFullScreen() {
  if (!document.fullscreenEnabled) return;
  if (document.fullscreenElement) document.exitFullscreen();
  else stageElement.requestFullscreen().catch(() => toast("This browser refuses full screen.", "error"));
}

/** @param {number} scale */
function showZoom(scale) {
  zoomButton.hidden = scale === 1;
  zoomButton.textContent = `${scale.toFixed(1)} ×`;
  zoomButton.setAttribute("aria-label", `Enlarged ${scale.toFixed(1)} times; show the whole picture`);
}

function showMeasured() {
  const measured = stage.showMeasured(live, interval);
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
showWanted();
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
  showSight();
}).observe(stageElement);
const covered = new MutationObserver(showSight);
for (const { dialog } of [album, viewer]) covered.observe(dialog, { attributeFilter: ["open"] });
listenForWake(() => {
  live.reconnect();
  events.reconnect();
});
