// The layer of points: what is on the graphics card, and one picture of it.
//
// The picture is larger than what is seen. While the map moves, the browser shifts and scales the picture, which costs next
// to nothing even without a graphics card; it is drawn anew when the map rests, or no longer covers what is seen.

import { program } from "./shaders.js";

const SMALLEST_PX = 2.5;
const LARGEST_PX = 9;
const DIMMED = 0.16;
const MARKED_GROWTH_PX = 3;
const MARGIN = 0.4;
const REST_MS = 160;
const COARSEST = 2;

/** Colours of a palette: as many as a byte can name. */
export const PALETTE_SIZE = 256;

/**
 * Put points on a canvas.
 * @param {HTMLCanvasElement} canvas
 * @param {import("./points.js").Points} points
 * @returns {Object|null} Null where the browser has no WebGL.
 */
export function pointLayer(canvas, points) {
  const gl = canvas.getContext("webgl", { antialias: false, alpha: true, premultipliedAlpha: true, powerPreference: "low-power" });
  if (!gl) return null;
  let card = prepared(gl, points);
  const shades = new Uint8Array(points.count);
  const marks = new Uint8Array(points.count);
  let colours = new Uint8Array(PALETTE_SIZE * 4);
  let hasMarks = false;
  let view = null;
  let pictured = null;
  let waiting = 0;
  let resting = 0;

  canvas.addEventListener("webglcontextlost", (event) => event.preventDefault());
  canvas.addEventListener("webglcontextrestored", () => {
    card = prepared(gl, points);
    uploadAll();
    ask();
  });

  function uploadAll() {
    card.upload("shade", shades);
    card.upload("mark", marks);
    card.paint(colours);
  }

  function ask() {
    waiting ||= requestAnimationFrame(() => {
      waiting = 0;
      frame();
    });
  }

  function frame() {
    if (!view) return;
    pictured = view;
    place();
    gl.viewport(0, 0, canvas.width, canvas.height);
    gl.clearColor(0, 0, 0, 0);
    gl.clear(gl.COLOR_BUFFER_BIT);
    const size = pointSize(points.count, view.scale) * view.ratio;
    const [zoomX, zoomY] = [(2 * view.scale * view.ratio) / canvas.width, (2 * view.scale * view.ratio) / canvas.height];
    card.look({ zoomX, zoomY, shiftX: -view.x * zoomX, shiftY: -view.y * zoomY });
    if (!hasMarks) {
      card.draw({ size, strength: 0.9 });
      return;
    }
    card.draw({ size, strength: DIMMED });
    card.draw({ size, strength: 1, onlyMarked: true, growth: MARKED_GROWTH_PX * view.ratio });
  }

  /** Shift and scale the picture to where the camera looks; whether it still covers what is seen, and is not too coarse. */
  function place() {
    const larger = view.scale / pictured.scale;
    const [right, down] = [(pictured.x - view.x) * view.scale, (view.y - pictured.y) * view.scale];
    canvas.style.setProperty("transform", `translate3d(${right}px, ${down}px, 0) scale(${larger})`);
    const covers = (shift, length) => Math.abs(shift) + length / 2 <= (0.5 + MARGIN) * length * larger;
    return larger <= COARSEST && covers(right, view.width) && covers(down, view.height);
  }

  uploadAll();
  return {
    /** @param {{x: number, y: number, scale: number, width: number, height: number, ratio: number}} next */
    look(next) {
      const isMove = pictured && ["width", "height", "ratio"].every((name) => next[name] === pictured[name]);
      view = next;
      clearTimeout(resting);
      if (isMove && place()) resting = setTimeout(ask, REST_MS);
      else ask();
    },
    /** The frame has another size. */
    resize(width, height, ratio) {
      const [across, along] = [width * (1 + 2 * MARGIN), height * (1 + 2 * MARGIN)];
      [canvas.width, canvas.height] = [Math.round(across * ratio), Math.round(along * ratio)];
      for (const [name, value] of [["left", -width * MARGIN], ["top", -height * MARGIN], ["width", across], ["height", along]]) {
        canvas.style.setProperty(name, `${value}px`);
      }
    },
    /** @param {(place: number) => number} shadeOf Number of a colour. @param {Uint8Array} palette RGBA, 256 of them. */
    colour(shadeOf, palette) {
      for (let place = 0; place < points.count; place += 1) shades[place] = shadeOf(place);
      colours = palette;
      card.upload("shade", shades);
      card.paint(colours);
      ask();
    },
    /** @param {Iterable<number>|null} places Stand out from the rest; null: none does. */
    mark(places) {
      marks.fill(0);
      for (const place of places ?? []) marks[place] = 1;
      hasMarks = places !== null;
      card.upload("mark", marks);
      ask();
    },
    ask,
  };
}

/** Points grow with the zoom, and are the smaller the more there are. @returns {number} Pixels. */
export function pointSize(count, scale) {
  const crowd = count > 20_000 ? 0.7 : count > 5_000 ? 1 : 1.5;
  return Math.min(LARGEST_PX, Math.max(SMALLEST_PX, crowd * Math.sqrt(scale / 100) * 2));
}

function prepared(gl, points) {
  const { program: made, attribute, uniform } = program(gl);
  gl.useProgram(made);
  gl.disable(gl.DEPTH_TEST);
  gl.enable(gl.BLEND);
  gl.blendFunc(gl.ONE, gl.ONE_MINUS_SRC_ALPHA);
  const places = new Float32Array(points.count * 2);
  for (let place = 0; place < points.count; place += 1) {
    places[2 * place] = points.x[place];
    places[2 * place + 1] = points.y[place];
  }
  buffer("place", 2, gl.FLOAT, false);
  gl.bufferData(gl.ARRAY_BUFFER, places, gl.STATIC_DRAW);
  const buffers = { shade: buffer("shade", 1, gl.UNSIGNED_BYTE, true), mark: buffer("mark", 1, gl.UNSIGNED_BYTE, false) };
  gl.bindTexture(gl.TEXTURE_2D, gl.createTexture());
  for (const [name, value] of [[gl.TEXTURE_MIN_FILTER, gl.NEAREST], [gl.TEXTURE_MAG_FILTER, gl.NEAREST], [gl.TEXTURE_WRAP_S, gl.CLAMP_TO_EDGE], [gl.TEXTURE_WRAP_T, gl.CLAMP_TO_EDGE]]) {
    gl.texParameteri(gl.TEXTURE_2D, name, value);
  }
  const at = Object.fromEntries(["zoom", "shift", "size", "growth", "strength", "onlyMarked"].map((name) => [name, uniform(name)]));

  function buffer(name, width, kind, isScaled) {
    const made = gl.createBuffer();
    gl.bindBuffer(gl.ARRAY_BUFFER, made);
    gl.enableVertexAttribArray(attribute(name));
    gl.vertexAttribPointer(attribute(name), width, kind, isScaled, 0, 0);
    return made;
  }

  return {
    upload(name, values) {
      gl.bindBuffer(gl.ARRAY_BUFFER, buffers[name]);
      gl.bufferData(gl.ARRAY_BUFFER, values, gl.DYNAMIC_DRAW);
    },
    paint(colours) {
      gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA, PALETTE_SIZE, 1, 0, gl.RGBA, gl.UNSIGNED_BYTE, colours);
    },
    look(view) {
      gl.uniform2f(at.zoom, view.zoomX, view.zoomY);
      gl.uniform2f(at.shift, view.shiftX, view.shiftY);
    },
    draw({ size, strength, onlyMarked = false, growth = 0 }) {
      gl.uniform1f(at.size, size);
      gl.uniform1f(at.growth, growth);
      gl.uniform1f(at.strength, strength);
      gl.uniform1f(at.onlyMarked, onlyMarked ? 1 : 0);
      gl.drawArrays(gl.POINTS, 0, points.count);
    },
  };
}
