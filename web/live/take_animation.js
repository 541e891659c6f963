/** A picture that was taken flies from the live picture to its place. */

const DURATION_MS = 600;
const WIDTH = 640; // pixels of the copy: it gets small at once

/**
 * @param {HTMLCanvasElement | HTMLImageElement} picture what is seen
 * @param {HTMLElement} from where it is seen
 * @param {HTMLElement} to where it goes; as far as the edge of the window if that is out of sight
 */
export function fly(picture, from, to) {
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
  const landed = `translate(${end.left - start.left}px, ${top - start.top}px) scale(${end.width / start.width}, ${end.height / start.height})`;
  (document.fullscreenElement ?? document.body).append(copy);
  copy
    .animate([{ transform: "none" }, { transform: landed, opacity: 0.9 }], {
      duration: DURATION_MS,
      easing: "cubic-bezier(0.5, 0, 0.2, 1)",
    })
    .finished.finally(() => copy.remove());
}
