/**
 * What the appliance says over HTTP, as types. This module has no code: it exists for the type checker and the reader.
 *
 * @typedef {object} Access
 * @property {string | null} user null for somebody who is not known
 * @property {("view" | "control")[]} rights
 * @property {string[]} users who can log in
 *
 * @typedef {object} PictureFormat
 * @property {number | null} width pixels
 * @property {number | null} height pixels
 * @property {number | null} fps frames a second
 * @property {string | null} pixel_format four characters such as "MJPG", or "auto" where it is asked for
 *
 * @typedef {object} AvailableSize
 * @property {number} width pixels
 * @property {number} height pixels
 * @property {number[]} rates frames a second
 *
 * @typedef {object} AvailableFormat
 * @property {string} pixel_format
 * @property {string} description
 * @property {AvailableSize[]} sizes
 *
 * @typedef {object} Format
 * @property {PictureFormat} requested
 * @property {PictureFormat | null} granted null while no camera is open
 * @property {AvailableFormat[]} available empty where the source cannot tell
 *
 * @typedef {object} State
 * @property {string} name the name of the camera
 * @property {string} version
 * @property {number} uptime seconds
 * @property {string} time the clock of the appliance, ISO 8601
 * @property {{state: "starting" | "online" | "lost" | "frozen" | "idle" | "privacy", reason: string | null, since: string, source: string,
 *   device: string | null, description: string | null}} camera
 * @property {boolean} privacy whether the camera has to stay closed
 * @property {{requested: PictureFormat, granted: PictureFormat | null}} format
 * @property {number | null} fps frames a second, measured at the camera
 * @property {number | null} frame_age seconds
 * @property {{captured: number, dropped: number, corrupt: number}} frames
 * @property {number} viewers
 * @property {number} max_viewers
 * @property {number} pictures
 * @property {number | null} disk_free bytes
 * @property {{state: "off" | "connecting" | "connected" | "refused", reason: string | null}} mqtt
 * @property {number | null} temperature degrees Celsius
 * @property {boolean | null} under_voltage
 *
 * @typedef {number | boolean | string | null} ControlValue
 *
 * @typedef {object} Control
 * @property {string} name
 * @property {string} label
 * @property {"integer" | "boolean" | "menu" | "button" | "text"} kind
 * @property {string} group
 * @property {ControlValue} value
 * @property {ControlValue} default
 * @property {number | null} minimum
 * @property {number | null} maximum
 * @property {number | null} step
 * @property {{value: number, label: string}[] | null} choices of a menu, else null
 * @property {string | null} unit
 * @property {boolean} inactive
 * @property {boolean} read_only
 *
 * @typedef {object} Controls
 * @property {Record<string, ControlValue>} values
 * @property {Control[]} controls
 *
 * @typedef {object} Picture
 * @property {number} id
 * @property {string} name file name
 * @property {string} taken_at ISO 8601
 * @property {number} bytes
 * @property {number | null} width pixels; null if the file is damaged
 * @property {number | null} height pixels
 * @property {string} url
 * @property {string} thumbnail
 *
 * @typedef {object} PicturePage
 * @property {Picture[]} pictures newest first
 * @property {number} total
 * @property {number | null} next what to ask for as `before`, null at the end
 *
 * @typedef {object} DeletedPictures
 * @property {number[]} deleted
 * @property {number} restorable seconds
 *
 * @typedef {object} PictureEvent
 * @property {"taken" | "deleted" | "restored"} action
 * @property {Picture} picture
 * @property {number} total
 *
 * @typedef {object} PicturesEvent many at once
 * @property {"deleted" | "restored"} action
 * @property {number[]} ids
 * @property {number} total
 */

export {};
