// What mouse, fingers, pen and keys do with the map: they move it, point at songs, and draw on it.

import type { Camera } from "./camera";
import { part } from "./dom";

export type Tool = "line" | "lasso";
export type Place = [number, number];

export interface Pointing {
  /** The song at a place of the screen, or -1. */
  under(px: number, py: number): number;
  point(row: number): void;
  played(row: number): void;
  /** What has been drawn so far, in the map's coordinates; null: nothing any more. */
  drawing(stroke: Place[] | null, tool: Tool): void;
  drawn(stroke: Place[], tool: Tool): void;
  /** The tool in the hand, or null: chosen, put away, or used. */
  held(tool: Tool | null): void;
  key(event: KeyboardEvent): boolean;
}

const STILL = 4; // pixels within which a press is a click
const FINE = 3; // pixels between two corners of what is drawn
const MOST = 900; // corners of what is drawn: of a longer one every second is left out

export class Pointer {
  private readonly ink = part<HTMLCanvasElement>("ink");
  private readonly down = new Map<number, PointerEvent>();
  private travelled = 0;
  private tool: Tool | null = null;
  private using: Tool | null = null; // what the pressed pointer draws with
  private stroke: Place[] = [];
  private last: Place = [0, 0];

  constructor(private readonly camera: Camera, private readonly events: Pointing) {
    const { ink } = this;
    ink.addEventListener("pointerdown", (event) => this.press(event));
    ink.addEventListener("pointermove", (event) => this.move(event));
    ink.addEventListener("pointerup", (event) => this.release(event));
    ink.addEventListener("pointercancel", (event) => this.release(event));
    ink.addEventListener("pointerleave", () => events.point(-1));
    // Or the browser takes a quick stroke for a fling, and the next tap only stops that.
    ink.addEventListener("touchstart", (event) => event.preventDefault(), { passive: false });
    ink.addEventListener("wheel", (event) => {
      event.preventDefault();
      const [x, y] = this.at(event), lines = event.deltaMode === 1 ? 20 : 1;
      camera.zoomAt(2 ** (-event.deltaY * lines * (event.ctrlKey ? 0.012 : 0.0028)), x, y);
    }, { passive: false });
    ink.addEventListener("keydown", (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      if (events.key(event)) event.preventDefault();
    });
    ink.addEventListener("blur", () => events.point(-1));
    for (const [id, act] of [["in", () => camera.zoomAt(1.8)], ["out", () => camera.zoomAt(1 / 1.8)], ["all", () => camera.flyHome()]] as const) part(`zoom-${id}`).addEventListener("click", act);
  }

  get holding(): Tool | null {
    return this.tool;
  }

  /** Takes a tool into the hand; null puts away what is there, and what was begun with it. */
  hold(tool: Tool | null): void {
    this.drop();
    this.tool = tool;
    this.ink.classList.toggle("drawing", tool !== null);
    if (tool) this.events.point(-1);
    this.events.held(tool);
  }

  private drop(): void {
    if (this.using) this.events.drawing(null, this.using);
    this.using = null;
    this.stroke = [];
  }

  private at(event: MouseEvent): Place {
    const box = this.ink.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  }

  private press(event: PointerEvent): void {
    if (event.pointerType === "mouse" && event.button !== 0) return;
    this.ink.setPointerCapture(event.pointerId);
    this.down.set(event.pointerId, event);
    if (this.down.size > 1) return this.drop(); // two fingers move the map, whatever one of them has begun
    this.travelled = 0;
    this.using = this.tool ?? (event.shiftKey && event.pointerType === "mouse" ? "lasso" : null);
    if (!this.using) return;
    this.events.point(-1);
    this.add(event);
  }

  private add(event: PointerEvent): void {
    const at = this.at(event);
    if (this.stroke.length && Math.hypot(at[0] - this.last[0], at[1] - this.last[1]) < FINE) return;
    this.last = at;
    this.stroke.push([this.camera.fromX(at[0]), this.camera.fromY(at[1])]);
    if (this.stroke.length > MOST) this.stroke = this.stroke.filter((_, i) => i % 2 === 0 || i === this.stroke.length - 1);
  }

  private move(event: PointerEvent): void {
    const { camera, down } = this, before = down.get(event.pointerId);
    if (!before) {
      if (event.pointerType === "mouse" && !this.tool) this.events.point(this.events.under(...this.at(event)));
      return;
    }
    const box = this.ink.getBoundingClientRect(), other = [...down.values()].find((one) => one.pointerId !== event.pointerId);
    const dx = event.clientX - before.clientX, dy = event.clientY - before.clientY;
    if (other) {
      const apart = (one: PointerEvent): number => Math.max(Math.hypot(one.clientX - other.clientX, one.clientY - other.clientY), 1);
      camera.zoomAt(apart(event) / apart(before), (event.clientX + other.clientX) / 2 - box.left, (event.clientY + other.clientY) / 2 - box.top);
      camera.pan(dx / 2, dy / 2);
      this.travelled = Infinity;
    } else {
      this.travelled += Math.hypot(dx, dy);
      if (this.using) {
        // A browser may bring several moves of a quick hand in one event.
        const moves = event.getCoalescedEvents?.() ?? [];
        for (const one of moves.length ? moves : [event]) this.add(one);
        this.events.drawing(this.stroke, this.using);
      } else if (this.travelled > STILL && !this.tool) {
        camera.pan(dx, dy);
        this.ink.classList.add("dragging");
        this.events.point(-1);
      }
    }
    down.set(event.pointerId, event);
  }

  private release(event: PointerEvent): void {
    if (!this.down.delete(event.pointerId)) return;
    this.ink.classList.remove("dragging");
    const { using, stroke } = this;
    if (using && event.type === "pointerup" && this.travelled > 3 * STILL) {
      this.using = null;
      this.stroke = [];
      this.hold(null);
      return this.events.drawn(stroke, using);
    }
    this.drop();
    if (event.type === "pointerup" && this.travelled <= STILL && !this.tool) {
      const row = this.events.under(...this.at(event));
      if (row >= 0) this.events.played(row);
    }
  }
}
