// What mouse, pen and fingers do on the map: drag, pinch, hover, or draw around points.

import { within } from "./camera.js";

/**
 * Follow pointers over an element.
 * @param {HTMLElement} frame
 * @param {Object} told
 * @param {ReturnType<typeof import("./camera.js").camera>} told.camera
 * @param {() => boolean} told.isDrawing Whether a drag draws a line instead of moving the map.
 * @param {(line: Array<[number, number]>, isDone: boolean) => void} told.onLine Pixels; done when the pointer leaves off.
 * @param {(px: number|null, py: number|null) => void} told.onHover Null: over nothing.
 * @param {(px: number, py: number) => void} told.onPick A click that was no drag.
 */
export function followPointers(frame, { camera, isDrawing, onLine, onHover, onPick }) {
  const down = new Map();
  let line = null;
  let hasMoved = false;

  frame.addEventListener("pointerdown", (event) => {
    if (event.button !== 0 || event.target.closest("button")) return; // buttons on the map are pressed, not dragged
    frame.setPointerCapture(event.pointerId);
    down.set(event.pointerId, within(frame, event));
    hasMoved = false;
    line = isDrawing() || event.shiftKey ? [within(frame, event)] : null;
    onHover(null, null);
  });

  frame.addEventListener("pointermove", (event) => {
    const now = within(frame, event);
    const before = down.get(event.pointerId);
    if (!before) {
      onHover(...now);
      return;
    }
    if (Math.hypot(now[0] - before[0], now[1] - before[1]) > 2) hasMoved = true;
    else if (!hasMoved) return;
    if (line) {
      line.push(now);
      onLine(line, false);
    } else if (down.size === 1) camera.pan(now[0] - before[0], now[1] - before[1]);
    else pinch(event.pointerId, before, now);
    down.set(event.pointerId, now);
  });

  function pinch(id, before, now) {
    const other = [...down].find(([one]) => one !== id)?.[1];
    if (!other) return;
    const apart = (point) => Math.max(1, Math.hypot(point[0] - other[0], point[1] - other[1]));
    camera.zoom(apart(now) / apart(before), (now[0] + other[0]) / 2, (now[1] + other[1]) / 2);
    camera.pan((now[0] - before[0]) / 2, (now[1] - before[1]) / 2);
  }

  function up(event) {
    if (!down.delete(event.pointerId)) return;
    if (line) onLine(line, true);
    else if (!hasMoved && event.type === "pointerup") onPick(...within(frame, event));
    line = null;
  }
  frame.addEventListener("pointerup", up);
  frame.addEventListener("pointercancel", up);
  frame.addEventListener("pointerleave", () => onHover(null, null));
}
