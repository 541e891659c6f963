/**
 * Deletion without a question, with undo.
 *
 * @typedef {import("../types.js").Picture} Picture
 * @typedef {import("./picture_list.js").PictureList} PictureList
 */

import { deletePictures, messageOf, restorePictures } from "../shared/api.js";
import { toast } from "../shared/toast.js";

/** Pictures in one request: the appliance accepts bodies of up to 64 kB. */
const BATCH = 2000;

/**
 * @template T
 * @param {number[]} ids
 * @param {(batch: number[]) => Promise<T>} request
 * @returns {Promise<T[]>}
 */
async function inBatches(ids, request) {
  const answers = [];
  for (let from = 0; from < ids.length; from += BATCH) answers.push(await request(ids.slice(from, from + BATCH)));
  return answers;
}

/**
 * Deletes pictures, and offers to restore them for as long as the appliance keeps them.
 *
 * @param {PictureList} list
 * @param {Picture[]} pictures
 */
export async function deleteWithUndo(list, pictures) {
  const ids = pictures.map(({ id }) => id);
  try {
    const answers = await inBatches(ids, deletePictures);
    const deleted = answers.flatMap((answer) => answer.deleted);
    const seconds = Math.min(...answers.map((answer) => answer.restorable));
    list.forget(ids);
    const message =
      deleted.length === 1 ? `Picture ${deleted[0]} was deleted.` : `${deleted.length} pictures were deleted.`;
    if (seconds > 0) toast(message, { seconds, label: "Undo", run: () => undo(list, deleted) });
    else toast(message);
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
    const restored = (await inBatches(ids, restorePictures)).flatMap((answer) => answer.restored);
    await list.refresh();
    const missing = ids.length - restored.length;
    if (missing) toast(`${missing} of ${ids.length} pictures could not be restored.`, "error");
    else toast(ids.length === 1 ? `Picture ${ids[0]} was restored.` : `${ids.length} pictures were restored.`);
  } catch (error) {
    toast(messageOf(error), "error");
  }
}
