/**
 * Deleting at once, and taking it back.
 *
 * @typedef {import("../types.js").Picture} Picture
 * @typedef {import("./picture_list.js").PictureList} PictureList
 */

import { deletePictures, messageOf, restorePictures } from "../shared/api.js";
import { toast } from "../shared/toast.js";

/** Numbers in one request: the appliance reads no more than 64 kB. */
const AT_ONCE = 2000;

/**
 * @template T
 * @param {number[]} ids
 * @param {(some: number[]) => Promise<T>} request
 * @returns {Promise<T[]>}
 */
async function inParts(ids, request) {
  const answers = [];
  for (let from = 0; from < ids.length; from += AT_ONCE) answers.push(await request(ids.slice(from, from + AT_ONCE)));
  return answers;
}

/**
 * Deletes pictures, and offers to bring them back for as long as the appliance keeps them.
 *
 * @param {PictureList} list
 * @param {Picture[]} pictures
 */
export async function deleteWithUndo(list, pictures) {
  const ids = pictures.map(({ id }) => id);
  try {
    const answers = await inParts(ids, deletePictures);
    const deleted = answers.flatMap((answer) => answer.deleted);
    const seconds = Math.min(...answers.map((answer) => answer.restorable));
    list.forget(ids);
    const words =
      deleted.length === 1 ? `Picture ${deleted[0]} is deleted.` : `${deleted.length} pictures are deleted.`;
    if (seconds > 0) toast(words, { seconds, label: "Undo", run: () => undo(list, deleted) });
    else toast(words);
  } catch (error) {
    toast(messageOf(error), "error");
  }
}

/**
 * @param {PictureList} list
 * @param {number[]} ids
 */
async function undo(list, ids) {
  try {
    const restored = (await inParts(ids, restorePictures)).flatMap((answer) => answer.restored);
    await list.refresh();
    const missing = ids.length - restored.length;
    if (missing) toast(`${missing} of ${ids.length} pictures are gone for good.`, "error");
    else toast(ids.length === 1 ? `Picture ${ids[0]} is back.` : `${ids.length} pictures are back.`);
  } catch (error) {
    toast(messageOf(error), "error");
  }
}
