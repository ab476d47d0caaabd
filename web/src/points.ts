// All songs as dots, in one draw call of WebGL 2: a hundred thousand are nothing for a graphics card. Where there is none,
// or a slow one, as many are drawn while the map moves as keep it moving evenly, and all of them as soon as it stands.

import type { Camera, Seen } from "./camera";
import type { Rgb } from "./colors";

const VERTEX = `#version 300 es
in vec2 place;
in vec4 color; // its alpha says whether the song is shown, or only hinted at
uniform vec2 scale, offset;
uniform float size;
uniform bool shown;
out vec3 tint;
void main() {
  gl_Position = (color.a > 0.5) == shown ? vec4(place * scale + offset, 0, 1) : vec4(2, 2, 2, 1);
  gl_PointSize = size;
  tint = color.rgb;
}`;

const FRAGMENT = `#version 300 es
precision highp float;
in vec3 tint;
uniform float size, rim, strength;
uniform vec3 paper;
out vec4 pixel;
void main() {
  float away = length(gl_PointCoord - 0.5) * size, edge = size * 0.5;
  float inside = clamp(edge - away, 0.0, 1.0) * strength;
  float dot = clamp(edge - rim - away + 0.5, 0.0, 1.0);
  pixel = vec4(mix(paper, tint, rim > 0.0 ? dot : 1.0) * inside, inside);
}`;

const FEW = 10_000; // so many are always drawn
const EVEN = 20, STILL = 120; // milliseconds: between two frames that follow each other evenly, and after the last one

/** How many dots a frame can have, found out from how soon one frame follows the other. */
class Pace {
  private most = Infinity;
  private before = -Infinity;

  next(count: number, now: number): number {
    const apart = now - this.before;
    this.before = now;
    if (apart < STILL) this.most = Math.max(Math.min(this.most, count) * (apart > EVEN ? 0.85 : 1.04), FEW);
    return Math.min(Math.round(this.most), count);
  }
}

export class Points {
  private readonly pace = new Pace();
  private seen: Seen | null = null;
  private rest: ReturnType<typeof setTimeout> | undefined;
  private readonly gl: WebGL2RenderingContext;
  private readonly uniforms = new Map<string, WebGLUniformLocation | null>();
  private readonly places: WebGLBuffer | null;
  private readonly colors: WebGLBuffer | null;
  private order = new Uint32Array();
  private bytes = new Uint8Array();

  constructor(private readonly canvas: HTMLCanvasElement) {
    const gl = canvas.getContext("webgl2", { antialias: false, alpha: true, premultipliedAlpha: true });
    if (!gl) throw new Error("This browser has no WebGL 2, which the map needs; search and playing work without it.");
    this.gl = gl;
    const program = gl.createProgram();
    for (const [kind, source] of [[gl.VERTEX_SHADER, VERTEX], [gl.FRAGMENT_SHADER, FRAGMENT]] as const) {
      const shader = gl.createShader(kind);
      if (!shader) throw new Error("The map could not be drawn: the graphics driver made no shader.");
      gl.shaderSource(shader, source);
      gl.compileShader(shader);
      gl.attachShader(program, shader);
    }
    gl.linkProgram(program);
    if (!gl.getProgramParameter(program, gl.LINK_STATUS)) throw new Error(`The map could not be drawn: ${gl.getProgramInfoLog(program) ?? ""}`);
    gl.useProgram(program);
    for (const uniform of ["scale", "offset", "size", "shown", "rim", "strength", "paper"]) this.uniforms.set(uniform, gl.getUniformLocation(program, uniform));
    this.places = this.attribute(program, "place", 2, gl.FLOAT);
    this.colors = this.attribute(program, "color", 4, gl.UNSIGNED_BYTE);
    gl.enable(gl.BLEND);
    gl.blendFunc(gl.ONE, gl.ONE_MINUS_SRC_ALPHA);
  }

  private attribute(program: WebGLProgram, name: string, size: number, type: number): WebGLBuffer | null {
    const { gl } = this, at = gl.getAttribLocation(program, name), buffer = gl.createBuffer();
    gl.bindBuffer(gl.ARRAY_BUFFER, buffer);
    gl.enableVertexAttribArray(at);
    gl.vertexAttribPointer(at, size, type, type === gl.UNSIGNED_BYTE, 0, 0);
    return buffer;
  }

  /** Where the songs are. They are drawn in a mixed order: no album lies on all others only because it came last. */
  place(x: Float32Array, y: Float32Array): void {
    const count = x.length;
    if (this.order.length !== count) {
      this.order = Uint32Array.from({ length: count }, (_, i) => i);
      for (let i = count - 1, random = 1; i > 0; i--) {
        random = (Math.imul(random, 1103515245) + 12345) >>> 0;
        const j = random % (i + 1);
        [this.order[i], this.order[j]] = [this.order[j]!, this.order[i]!];
      }
      this.bytes = new Uint8Array(4 * count);
    }
    const pairs = new Float32Array(2 * count);
    this.order.forEach((row, i) => {
      pairs[2 * i] = x[row]!;
      pairs[2 * i + 1] = y[row]!;
    });
    this.gl.bindBuffer(this.gl.ARRAY_BUFFER, this.places);
    this.gl.bufferData(this.gl.ARRAY_BUFFER, pairs, this.gl.STATIC_DRAW);
  }

  paint(colorOf: (row: number) => Rgb, shown: (row: number) => boolean): void {
    this.order.forEach((row, i) => {
      this.bytes.set(colorOf(row), 4 * i);
      this.bytes[4 * i + 3] = shown(row) ? 255 : 0;
    });
    this.gl.bindBuffer(this.gl.ARRAY_BUFFER, this.colors);
    this.gl.bufferData(this.gl.ARRAY_BUFFER, this.bytes, this.gl.DYNAMIC_DRAW);
  }

  /** `hinted` is the radius of the songs that are not shown; null if all are. */
  draw(camera: Camera, radius: number, paper: Rgb, hinted: number | null): void {
    const { gl } = this, ratio = Math.min(devicePixelRatio, 2), all = this.order.length;
    // They lie in a mixed order, so that the first of them are a fair picture of all.
    const count = camera.seen === this.seen ? all : this.pace.next(all, performance.now());
    this.seen = camera.seen;
    clearTimeout(this.rest);
    if (count < all) this.rest = setTimeout(() => requestAnimationFrame(() => this.draw(camera, radius, paper, hinted)), STILL);
    const width = Math.round(camera.width * ratio), height = Math.round(camera.height * ratio);
    if (this.canvas.width !== width || this.canvas.height !== height) [this.canvas.width, this.canvas.height] = [width, height];
    gl.viewport(0, 0, width, height);
    gl.clearColor(0, 0, 0, 0);
    gl.clear(gl.COLOR_BUFFER_BIT);
    const { x, y, scale } = camera.seen, at = (name: string): WebGLUniformLocation | null => this.uniforms.get(name) ?? null;
    const [sx, sy] = [(2 * scale) / camera.width, (2 * scale) / camera.height];
    gl.uniform2f(at("scale"), sx, sy);
    gl.uniform2f(at("offset"), -x * sx + camera.left / camera.width, -y * sy);
    gl.uniform3f(at("paper"), paper[0] / 255, paper[1] / 255, paper[2] / 255);
    const pass = (shown: boolean, r: number, strength: number): void => {
      gl.uniform1i(at("shown"), shown ? 1 : 0);
      gl.uniform1f(at("size"), Math.max(2 * r * ratio, 1.5));
      gl.uniform1f(at("rim"), r > 2.5 ? Math.min(r / 5, 1) * ratio : 0);
      gl.uniform1f(at("strength"), strength);
      gl.drawArrays(gl.POINTS, 0, count);
    };
    if (hinted !== null) pass(false, hinted, 0.13);
    pass(true, radius, radius > 2.5 ? 1 : 0.85);
  }
}
