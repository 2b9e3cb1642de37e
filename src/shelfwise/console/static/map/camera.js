// Where one looks: panned by dragging and the arrow keys, zoomed by wheel, pinch, buttons, + and -.

const MARGIN = 0.94;
const MAX_ZOOM = 400;
const STEP = 1.4;
const PAN_SHARE = 0.15;

/**
 * A camera over an element that looks at [-1, 1] × [-1, 1].
 * @param {HTMLElement} frame
 * @param {(view: {x: number, y: number, scale: number, width: number, height: number, ratio: number}) => void} onView Told
 *   whenever the view changes: the middle on the map, pixels per unit, the element's size, device pixels per pixel.
 */
export function camera(frame, onView) {
  const at = { x: 0, y: 0, zoom: 1 };
  let width = 1;
  let height = 1;

  const scale = () => (Math.min(width, height) / 2) * MARGIN * at.zoom;

  function tell() {
    at.x = Math.min(1.2, Math.max(-1.2, at.x));
    at.y = Math.min(1.2, Math.max(-1.2, at.y));
    onView({ x: at.x, y: at.y, scale: scale(), width, height, ratio: devicePixelRatio || 1 });
  }

  const self = {
    /** The element has another size. */
    resized(nextWidth, nextHeight) {
      [width, height] = [Math.max(1, nextWidth), Math.max(1, nextHeight)];
      tell();
    },
    /** From pixels within the element to the map. */
    toMap: (px, py) => [at.x + (px - width / 2) / scale(), at.y - (py - height / 2) / scale()],
    /** From the map to pixels within the element. */
    toPixels: (x, y) => [(x - at.x) * scale() + width / 2, (at.y - y) * scale() + height / 2],
    /** Pixels that one unit of the map takes. */
    scale,
    /** What is in view: `[left, bottom, right, top]`. */
    bounds() {
      const [halfWidth, halfHeight] = [width / 2 / scale(), height / 2 / scale()];
      return [at.x - halfWidth, at.y - halfHeight, at.x + halfWidth, at.y + halfHeight];
    },
    pan(pxRight, pxDown) {
      at.x -= pxRight / scale();
      at.y += pxDown / scale();
      tell();
    },
    /** Zoom about a point of the element, its middle where omitted. */
    zoom(factor, px = width / 2, py = height / 2) {
      const [x, y] = self.toMap(px, py);
      at.zoom = Math.min(MAX_ZOOM, Math.max(0.8, at.zoom * factor));
      const [nowX, nowY] = self.toMap(px, py);
      at.x += x - nowX;
      at.y += y - nowY;
      tell();
    },
    zoomIn: () => self.zoom(STEP),
    zoomOut: () => self.zoom(1 / STEP),
    /** Show the whole map, or all of some points. @param {Array<[number, number]>} [points] */
    fit(points = [[-1, -1], [1, 1]]) {
      if (!points.length) return;
      const [xs, ys] = [points.map((point) => point[0]), points.map((point) => point[1])];
      const [left, right, bottom, top] = [Math.min(...xs), Math.max(...xs), Math.min(...ys), Math.max(...ys)];
      Object.assign(at, { x: (left + right) / 2, y: (bottom + top) / 2, zoom: 1 });
      const room = Math.max((right - left) / (2 * width), (top - bottom) / (2 * height), 0.02 / Math.min(width, height));
      at.zoom = Math.min(MAX_ZOOM, 1 / (room * Math.min(width, height)));
      tell();
    },
  };

  frame.addEventListener("wheel", (event) => {
    event.preventDefault();
    const [px, py] = within(frame, event);
    self.zoom(Math.exp(-event.deltaY * (event.deltaMode === 1 ? 0.05 : 0.0015)), px, py);
  }, { passive: false });
  frame.addEventListener("keydown", (event) => {
    const done = {
      ArrowLeft: () => self.pan(width * PAN_SHARE, 0), ArrowRight: () => self.pan(-width * PAN_SHARE, 0),
      ArrowUp: () => self.pan(0, height * PAN_SHARE), ArrowDown: () => self.pan(0, -height * PAN_SHARE),
      "+": self.zoomIn, "=": self.zoomIn, "-": self.zoomOut, 0: () => self.fit(),
    }[event.key];
    if (!done || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    done();
  });
  return self;
}

/** Where an event happened, in pixels within an element. */
export function within(frame, event) {
  const box = frame.getBoundingClientRect();
  return [event.clientX - box.left, event.clientY - box.top];
}
