// Draws points by WebGL: round, of one size on the screen, coloured by a palette.

const VERTEX = `
attribute vec2 place;
attribute float shade;
attribute float mark;
uniform vec2 zoom;
uniform vec2 shift;
uniform float size;
uniform float growth;
varying float v_shade;
varying float v_mark;
void main() {
  gl_Position = vec4(place * zoom + shift, 0.0, 1.0);
  gl_PointSize = size + growth * mark;
  v_shade = shade;
  v_mark = mark;
}`;

const FRAGMENT = `
precision mediump float;
uniform sampler2D palette;
uniform float strength;
uniform float onlyMarked;
varying float v_shade;
varying float v_mark;
void main() {
  if (onlyMarked > 0.5 && v_mark < 0.5) discard;
  vec2 off = gl_PointCoord - 0.5;
  if (dot(off, off) > 0.25) discard;
  vec3 colour = texture2D(palette, vec2((v_shade * 255.0 + 0.5) / 256.0, 0.5)).rgb;
  gl_FragColor = vec4(colour * strength, strength);
}`;

/**
 * Compile the program.
 * @param {WebGLRenderingContext} gl
 * @returns {{program: WebGLProgram, attribute: (name: string) => number, uniform: (name: string) => WebGLUniformLocation}}
 * @throws {Error} The graphics driver refuses it.
 */
export function program(gl) {
  const made = gl.createProgram();
  for (const [kind, source] of [[gl.VERTEX_SHADER, VERTEX], [gl.FRAGMENT_SHADER, FRAGMENT]]) {
    const shader = gl.createShader(kind);
    gl.shaderSource(shader, source);
    gl.compileShader(shader);
    gl.attachShader(made, shader);
  }
  gl.linkProgram(made);
  if (!gl.getProgramParameter(made, gl.LINK_STATUS)) throw new Error(gl.getProgramInfoLog(made) || "the points cannot be drawn");
  return {
    program: made,
    attribute: (name) => gl.getAttribLocation(made, name),
    uniform: (name) => gl.getUniformLocation(made, name),
  };
}
