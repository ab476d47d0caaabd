// The map: dots below, and on a sheet above them lines, rings, names and what is drawn with the hand.

import { Camera } from "./camera";
import type { Grouping } from "./colors";
import { rgb } from "./colors";
import { name, part } from "./dom";
import { Names, overlaps, type Box } from "./names";
import { Pointer, type Place, type Tool } from "./pointing";
import { Points } from "./points";
import type { Songs } from "./songs";
import { drawStroke, type Stroke } from "./stroke";

export interface Line {
  from: number;
  to: number;
  strength: number; // 0 to 1
  label?: string;
}

export interface MapEvents {
  chosen(row: number): void; // pointed at with the keys
  played(row: number): void; // clicked, or Enter
  drawn(stroke: Place[], tool: Tool): void;
  held(tool: Tool | null): void;
}

const REACH = 16;
const GLIDE = 900; // milliseconds in which songs go to new places

const COVERS = ["search-box", "legend-box", "zoom", "tools"];

export class SongMap {
  readonly camera = new Camera(() => this.later());
  private readonly sheet = part("map");
  private readonly dots = part<HTMLCanvasElement>("dots");
  private readonly ink = part<HTMLCanvasElement>("ink");
  private readonly bubble = part("bubble");
  private readonly pen: CanvasRenderingContext2D;
  private points: Points;
  private names: Names;
  private grouping: Grouping;
  private shown: ((row: number) => boolean) | null = null;
  private showing = 0; // songs that are more than hinted at
  private lines: Line[] = [];
  private covered: Box[] = [];
  private stroke: Stroke | null = null;
  private readonly pointer: Pointer;
  private pointed = -1;
  private selected = -1;
  private playing = -1;
  private waiting = false;
  private theme = { paper: "#fff", ink: "#000", faint: "#555", accent: "#00f" };

  constructor(private songs: Songs, grouping: Grouping, private readonly events: MapEvents) {
    this.grouping = grouping;
    const pen = this.ink.getContext("2d");
    if (!pen) throw new Error("This browser cannot draw.");
    this.pen = pen;
    this.points = new Points(this.dots);
    this.names = new Names(songs);
    this.points.place(songs.x, songs.y);
    this.dots.addEventListener("webglcontextlost", (event) => event.preventDefault());
    this.dots.addEventListener("webglcontextrestored", () => {
      this.points = new Points(this.dots);
      this.points.place(this.songs.x, this.songs.y);
      this.color(this.grouping, this.shown);
    });
    const resize = (): void => {
      const { clientWidth: width, clientHeight: height } = this.sheet;
      this.camera.resize(width, height, width > 820 ? part("corner").offsetWidth : 0);
    };
    const sizes = new ResizeObserver(() => {
      resize();
      this.covered = this.covers();
      this.later();
    });
    for (const seen of [this.sheet, ...COVERS.map(part)]) sizes.observe(seen);
    resize();
    this.pointer = new Pointer(this.camera, {
      under: (px, py) => this.under(px, py),
      point: (row) => this.point(row),
      played: (row) => events.played(row),
      drawing: (places, tool) => {
        part("said").hidden = true; // the map is needed whole now
        this.trace(places && { places, tool, done: false });
      },
      drawn: (places, tool) => {
        this.trace({ places, tool, done: true });
        events.drawn(places, tool);
      },
      held: (tool) => events.held(tool),
      key: (event) => this.key(event),
    });
    this.color(grouping, null);
  }

  /** What lies over the map, where a name could not be read. */
  private covers(): Box[] {
    const { left, top } = this.sheet.getBoundingClientRect();
    const boxes = COVERS.map((id) => part(id).getBoundingClientRect());
    return boxes.filter((box) => box.width > 0).map((box): Box => [box.left - left, box.top - top, box.right - left, box.bottom - top]);
  }

  /** Colours the songs; `shown` says which are more than hinted at, null: all. */
  color(grouping: Grouping, shown: ((row: number) => boolean) | null): void {
    this.grouping = grouping;
    this.shown = shown;
    this.showing = shown ? this.songs.rows(shown).length : this.songs.count;
    const style = getComputedStyle(document.documentElement), of = (name: string): string => style.getPropertyValue(`--${name}`).trim();
    this.theme = { paper: of("sheet"), ink: of("ink"), faint: of("faint"), accent: of("accent") };
    this.points.paint(grouping.colorOf, shown ?? (() => true));
    this.names.update(grouping.mode === "group" ? "group" : "genre", grouping.mode === "album" ? "album" : "artist", shown ?? (() => true));
    this.later();
  }

  /** Takes in the songs of another map: those that were here go over to their new places. Colours are told next. */
  take(songs: Songs, grouping: Grouping): void {
    const old = this.songs, now = (row: number): number => (row < 0 ? -1 : songs.row(old.ids[row]!));
    this.lines = this.lines.map((line) => ({ ...line, from: now(line.from), to: now(line.to) })).filter((line) => line.from >= 0 && line.to >= 0);
    [this.selected, this.playing] = [now(this.selected), now(this.playing)];
    this.point(-1);
    [this.songs, this.grouping, this.shown, this.names] = [songs, grouping, null, new Names(songs)];
    const goTo = songs.wayFrom(old), began = performance.now();
    const quick = matchMedia("(prefers-reduced-motion: reduce)").matches;
    const step = (time: number): void => {
      if (this.songs !== songs) return; // there is a newer map already
      const share = quick ? 1 : Math.min(Math.max((time - began) / GLIDE, 0), 1);
      goTo(share * share * (3 - 2 * share));
      this.points.place(songs.x, songs.y);
      if (share < 1) requestAnimationFrame(step);
      else this.color(this.grouping, this.shown); // names go where the songs have gone
      this.later();
    };
    step(began);
  }

  mark(marks: { selected?: number; playing?: number; lines?: Line[] }): void {
    if (marks.selected !== undefined) this.selected = marks.selected;
    if (marks.playing !== undefined) this.playing = marks.playing;
    if (marks.lines !== undefined) this.lines = marks.lines;
    this.later();
  }

  /** Flies to a song, unless it is in sight anyway. */
  reveal(row: number, always = false): void {
    if (row < 0) return;
    const x = this.songs.x[row]!, y = this.songs.y[row]!, { camera } = this, margin = 60;
    const px = camera.toX(x), py = camera.toY(y);
    if (!always && px > margin && py > margin && px < camera.width - margin && py < camera.height - margin) return;
    camera.flyTo({ x, y, scale: always ? Math.max(camera.seen.scale, camera.fit * this.closeUp()) : camera.seen.scale });
  }

  revealAll(rows: number[]): void {
    this.camera.flyToAll(rows.filter((row) => row >= 0).map((row) => [this.songs.x[row]!, this.songs.y[row]!]));
  }

  /** How far to zoom in to tell one song from its neighbours. */
  private closeUp(): number {
    return Math.min(Math.max(Math.sqrt(this.songs.count / 60), 1.5), 30);
  }

  /** Takes a tool into the hand, or puts it away. */
  hold(tool: Tool | null): void {
    this.pointer.hold(tool);
  }

  get holding(): Tool | null {
    return this.pointer.holding;
  }

  /** What is drawn with the hand; null takes it off the map. */
  trace(stroke: Stroke | null): void {
    this.stroke = stroke;
    this.later();
  }

  get traced(): boolean {
    return this.stroke !== null;
  }

  later(): void {
    if (this.waiting) return;
    this.waiting = true;
    requestAnimationFrame(() => {
      this.waiting = false;
      this.draw();
    });
  }

  private radius(count = this.showing): number {
    const alone = Math.min(Math.max(95 / Math.sqrt(Math.max(count, 1)), 1.1), 6.5);
    return Math.min(alone * Math.max(this.camera.zoom, 0.5) ** 0.42, 10);
  }

  private draw(): void {
    const { camera, pen, theme } = this, radius = this.radius(), ratio = Math.min(devicePixelRatio, 2);
    this.points.draw(camera, radius, rgb(theme.paper), this.shown && this.radius(this.songs.count) * 0.75);
    const width = Math.round(camera.width * ratio), height = Math.round(camera.height * ratio);
    if (this.ink.width !== width || this.ink.height !== height) [this.ink.width, this.ink.height] = [width, height];
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    pen.clearRect(0, 0, camera.width, camera.height);
    if (this.stroke) drawStroke(pen, camera, this.stroke, theme);
    for (const line of this.lines) this.drawLine(line);
    for (const { from, to } of this.lines) for (const row of [from, to]) this.disc(row, radius + 1.5);
    const taken = [...this.covered];
    for (const line of this.lines) this.drawLabel(line, taken);
    for (const row of [this.selected, this.playing]) if (row >= 0) taken.push(this.around(row, radius + 8));
    this.names.draw(pen, camera, radius, this.isShown, theme, taken);
    if (this.pointed >= 0 && this.pointed !== this.selected) this.ring(this.pointed, radius + 3, theme.ink, 1.5);
    if (this.selected >= 0) this.ring(this.selected, radius + 4, theme.ink, 2.5);
    if (this.playing >= 0) this.ring(this.playing, radius + 8, theme.accent, 3);
    this.placeBubble();
  }

  get filtered(): boolean {
    return this.shown !== null;
  }

  readonly isShown = (row: number): boolean => this.shown === null || this.shown(row);

  private at(row: number): [number, number] {
    return [this.camera.toX(this.songs.x[row]!), this.camera.toY(this.songs.y[row]!)];
  }

  private around(row: number, radius: number): Box {
    const [x, y] = this.at(row);
    return [x - radius, y - radius, x + radius, y + radius];
  }

  private drawLine(line: Line): void {
    const { pen } = this, [x1, y1] = this.at(line.from), [x2, y2] = this.at(line.to);
    pen.lineCap = "round";
    for (const [color, more, alpha] of [[this.theme.paper, 2.5, 0.8], [this.theme.accent, 0, 0.35 + 0.6 * line.strength]] as const) {
      pen.globalAlpha = alpha;
      pen.strokeStyle = color;
      pen.lineWidth = 1 + 2.5 * line.strength + more;
      pen.beginPath();
      pen.moveTo(x1, y1);
      pen.lineTo(x2, y2);
      pen.stroke();
    }
    pen.globalAlpha = 1;
  }

  private disc(row: number, radius: number): void {
    const { pen } = this, [x, y] = this.at(row), [r, g, b] = this.grouping.colorOf(row);
    pen.beginPath();
    pen.arc(x, y, radius, 0, 2 * Math.PI);
    pen.fillStyle = `rgb(${r} ${g} ${b})`;
    pen.fill();
    pen.lineWidth = 1.5;
    pen.strokeStyle = this.theme.accent;
    pen.stroke();
  }

  private drawLabel(line: Line, taken: Box[]): void {
    if (!line.label) return;
    const { pen, theme } = this, [x1, y1] = this.at(line.from), [x2, y2] = this.at(line.to);
    if (Math.hypot(x2 - x1, y2 - y1) < 46) return;
    const x = x1 + (x2 - x1) * 0.62, y = y1 + (y2 - y1) * 0.62;
    const box: Box = [x - 14, y - 8, x + 14, y + 8];
    if (overlaps(box, taken)) return;
    taken.push(box);
    pen.font = "600 11px system-ui, sans-serif";
    pen.textAlign = "center";
    pen.textBaseline = "middle";
    pen.lineWidth = 4;
    pen.strokeStyle = theme.paper;
    pen.strokeText(line.label, x, y);
    pen.fillStyle = theme.accent;
    pen.fillText(line.label, x, y);
  }

  private ring(row: number, radius: number, color: string, width: number): void {
    const [x, y] = this.at(row);
    this.pen.beginPath();
    this.pen.arc(x, y, radius, 0, 2 * Math.PI);
    this.pen.lineWidth = width;
    this.pen.strokeStyle = color;
    this.pen.stroke();
  }

  // --- Pointing ------------------------------------------------------------------------------------------

  private under(px: number, py: number): number {
    const { camera } = this, reach = Math.max(REACH, this.radius() + 4) / camera.seen.scale;
    return this.songs.nearest(camera.fromX(px), camera.fromY(py), reach, this.isShown);
  }

  point(row: number): void {
    if (row === this.pointed) return;
    this.pointed = row;
    this.bubble.hidden = row < 0;
    this.ink.classList.toggle("pointing", row >= 0);
    if (row >= 0) {
      const text = (column: "title" | "artist" | "album" | "year" | "genre"): string => this.songs.text(column, row);
      const more = [text("album"), text("year"), text("genre")].filter(Boolean).join(" · ");
      const lines = [name(text("title") || "Untitled", "title"), name(text("artist") || "Unknown artist", "artist")];
      this.bubble.replaceChildren(...lines, ...(more ? [name(more, "more")] : []));
    }
    this.later();
  }

  private placeBubble(): void {
    if (this.pointed < 0) return;
    const [x, y] = this.at(this.pointed), { offsetWidth: width, offsetHeight: height } = this.bubble;
    const left = x + 16 + width > this.camera.width ? x - 16 - width : x + 16;
    const top = y + 14 + height > this.camera.height ? y - 14 - height : y + 14;
    this.bubble.style.transform = `translate(${Math.max(left, 4)}px, ${Math.max(top, 4)}px)`;
  }

  private key(event: KeyboardEvent): boolean {
    const ways: Record<string, [number, number]> = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };
    const way = ways[event.key];
    if (way && event.shiftKey) this.camera.pan(-60 * way[0], 60 * way[1]);
    else if (way) this.step(way);
    else if (event.key === "+" || event.key === "=") this.camera.zoomAt(1.5);
    else if (event.key === "-") this.camera.zoomAt(1 / 1.5);
    else if (event.key === "0") this.camera.flyHome();
    else if (event.key === "Enter" && this.pointed >= 0) this.events.played(this.pointed);
    else return false;
    return true;
  }

  /** To the nearest song in a direction: within a right angle, and what lies straight ahead before what lies aside. */
  private step([dx, dy]: [number, number]): void {
    const from = this.pointed >= 0 ? this.pointed : this.selected >= 0 ? this.selected : this.songs.nearest(this.camera.seen.x, this.camera.seen.y, 3, this.isShown);
    if (from < 0) return;
    if (this.pointed < 0) return this.stepTo(from);
    const x = this.songs.x[from]!, y = this.songs.y[from]!;
    for (let reach = 30 / this.camera.seen.scale; reach < 4; reach *= 2) {
      let best = -1, least = Infinity;
      for (const row of this.songs.within(x - reach, y - reach, x + reach, y + reach)) {
        const ahead = (this.songs.x[row]! - x) * dx + (this.songs.y[row]! - y) * dy;
        const aside = Math.abs((this.songs.x[row]! - x) * dy) + Math.abs((this.songs.y[row]! - y) * dx);
        if (row === from || ahead <= 0 || aside > ahead || !this.isShown(row)) continue;
        if (ahead + 2 * aside < least) [best, least] = [row, ahead + 2 * aside];
      }
      if (best >= 0) return this.stepTo(best);
    }
  }

  private stepTo(row: number): void {
    this.point(row);
    this.reveal(row);
    this.events.chosen(row);
  }
}
