// The points of the catalogue's map, as `GET /v1/map/points` packs them.

const HEADER_BYTES = 16;
const FORMAT = 1;

/** The group of a point that belongs to none. */
export const NO_GROUP = 65_535;

/**
 * @typedef {Object} Points
 * @property {number} count N.
 * @property {Float32Array} x Within [-1, 1]; N of them, as of everything below.
 * @property {Float32Array} y Upwards.
 * @property {Uint32Array} popularity Events of interest.
 * @property {Uint32Array} exposure Times shown in the latest answers.
 * @property {Uint32Array} rows What the API calls an item by here.
 * @property {Uint16Array} groups Number of the group, or `NO_GROUP`.
 */

/**
 * Read the packed points.
 * @param {ArrayBuffer} body
 * @returns {Points}
 * @throws {Error} It is of another format than this page reads.
 */
export function unpacked(body) {
  const head = new DataView(body);
  const magic = String.fromCharCode(...new Uint8Array(body, 0, 4));
  if (magic !== "SWMP" || head.getUint16(4, true) !== FORMAT) throw new Error("the map has another format than this page reads");
  const count = head.getUint32(8, true);
  let at = HEADER_BYTES;
  const column = (Kind) => {
    const found = new Kind(body, at, count);
    at += found.byteLength;
    return found;
  };
  return {
    count,
    x: column(Float32Array), y: column(Float32Array),
    popularity: column(Uint32Array), exposure: column(Uint32Array), rows: column(Uint32Array),
    groups: column(Uint16Array),
  };
}
