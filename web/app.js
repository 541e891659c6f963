/**
 * The page: puts the parts together.
 *
 * @typedef {import("./types.js").State} State
 */

import { showAccess } from "./access.js";
import { messageOf, takePicture } from "./api.js";
import { ServerClock } from "./clock.js";
import { ControlPanel } from "./controls.js";
import { find } from "./dom.js";
import { Events } from "./events.js";
import { FormatPanel } from "./format.js";
import { Gallery } from "./gallery.js";
import { listenForKeys } from "./keys.js";
import { LivePicture } from "./live.js";
import { PrivacySwitch } from "./privacy.js";
import { Stage } from "./stage.js";
import { StateLine } from "./state.js";
import { toast } from "./toast.js";
import { Viewer } from "./viewer.js";

const stageElement = find("#stage", HTMLElement);
const takeButton = find("#take-picture", HTMLButtonElement);
const toggleButton = find("#toggle-live", HTMLButtonElement);
const fullScreenButton = find("#full-screen", HTMLButtonElement);
const connectionLost = find("#connection-lost", HTMLElement);

const clock = new ServerClock();
const stage = new Stage(stageElement, clock);
const live = new LivePicture(find("#live", HTMLCanvasElement), "stream.mjpg", (status) => stage.showLive(status));
const controls = new ControlPanel(find("#controls", HTMLElement));
const format = new FormatPanel(find("#format", HTMLElement));
const stateLine = new StateLine(find("#state-line", HTMLElement));
const privacy = new PrivacySwitch(find("#privacy-switch", HTMLInputElement));
const gallery = new Gallery(find("#pictures", HTMLElement), (picture) => viewer.open(picture));
const viewer = new Viewer(find("#viewer", HTMLDialogElement), gallery);

/** @param {State} state */
function showState(state) {
  clock.observe(state.time);
  document.title = state.name;
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
  if (connected) {
    find("#panel", HTMLElement).hidden = false;
    gallery.refresh();
  } else {
    stage.showCamera(null);
  }
}

async function take() {
  if (takeButton.getAttribute("aria-busy") === "true") return;
  takeButton.setAttribute("aria-busy", "true");
  try {
    const picture = await takePicture();
    gallery.add(picture);
    stageElement.classList.add("flash");
    toast(`Picture ${picture.id} is taken.`);
  } catch (error) {
    toast(messageOf(error), "error");
  } finally {
    takeButton.removeAttribute("aria-busy");
  }
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

takeButton.addEventListener("click", take);
toggleButton.addEventListener("click", toggleLive);
fullScreenButton.addEventListener("click", toggleFullScreen);
fullScreenButton.hidden = !document.fullscreenEnabled;
stageElement.addEventListener("animationend", () => stageElement.classList.remove("flash"));
listenForKeys({ r: take, q: toggleLive, f: toggleFullScreen });
setInterval(() => stage.showMeasured(live), 500);

document.documentElement.classList.remove("no-script");
showAccess(find("#access", HTMLElement));
live.start();
showWanted();
new Events(
  "api/events",
  {
    state: showState,
    controls: (report) => controls.update(report),
    picture: (event) => gallery.follow(event),
  },
  showConnection,
);
