/** The animation after a picture was taken: it moves from the live picture to its place in the strip. */

const DURATION_MS = 600;
const WIDTH = 640; // pixels of the copy, which soon shrinks

/**
 * @param {HTMLCanvasElement | HTMLImageElement} picture source of the copy
 * @param {HTMLElement} from where it starts
 * @param {HTMLElement} to where it ends; the edge of the window if this is out of sight
 */
export function animateTake(picture, from, to) {
  const [width, height] =
    picture instanceof HTMLImageElement
      ? [picture.naturalWidth, picture.naturalHeight]
      : [picture.width, picture.height];
  if (matchMedia("(prefers-reduced-motion: reduce)").matches || !width) return;
  const copy = document.createElement("canvas");
  copy.width = Math.min(WIDTH, width);
  copy.height = Math.round((copy.width * height) / width);
  copy.getContext("2d")?.drawImage(picture, 0, 0, copy.width, copy.height);
  copy.className = "flight";
  copy.setAttribute("aria-hidden", "true");
  const start = from.getBoundingClientRect();
  const end = to.getBoundingClientRect();
  Object.assign(copy.style, {
    left: `${start.left}px`,
    top: `${start.top}px`,
    width: `${start.width}px`,
    height: `${start.height}px`,
  });
  const top = Math.min(end.top, innerHeight - 24);
  const transform = `translate(${end.left - start.left}px, ${top - start.top}px) scale(${end.width / start.width}, ${end.height / start.height})`;
  (document.fullscreenElement ?? document.body).append(copy);
  copy
    .animate([{ transform: "none" }, { transform, opacity: 0.9 }], {
      duration: DURATION_MS,
      easing: "cubic-bezier(0.5, 0, 0.2, 1)",
    })
    .finished.finally(() => copy.remove());
}
