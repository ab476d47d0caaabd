// Names on the map: genres from afar, artists or albums nearer by, songs at last. None lies on another.

import type { Camera } from "./camera";
import type { ColumnName } from "./api";
import type { Songs } from "./songs";

interface Region {
  text: string;
  x: number;
  y: number;
  count: number;
}

interface Label {
  text: string;
  x: number;
  y: number;
  font: string;
  faint: boolean;
  gap: number; // pixels from there to the name, which may stand on any side; 0: it is written right there
  must: boolean; // it is rather written over songs than not at all
}

/** Left, top, right, bottom. */
export type Box = [number, number, number, number];

export function overlaps(box: Box, others: Box[]): boolean {
  return others.some((o) => box[0] < o[2] && o[0] < box[2] && box[1] < o[3] && o[1] < box[3]);
}

const FAMILY = 'system-ui, -apple-system, "Segoe UI", "Noto Sans", sans-serif';
const MOST = 40;
const FEW = 60; // songs that are named one by one
const CELLS = 24;
const APART = 300; // songs in sight

/** Where each category is densest: a mean would write the name of a scattered artist where none of the songs is. */
function regions(songs: Songs, column: ColumnName, least: number, wanted: (row: number) => boolean): Region[] {
  const coded = songs.columns[column];
  if (!coded) return [];
  interface Cell {
    n: number;
    x: number;
    y: number;
  }
  const cells = new Map<number, Cell>(), counts = new Map<number, number>(), best = new Map<number, Cell>();
  for (let row = 0; row < songs.count; row++) {
    const code = coded.codes[row]!;
    if (code < 0 || !wanted(row)) continue;
    const x = songs.x[row]!, y = songs.y[row]!;
    const at = (code * CELLS + Math.floor(((y + 1) / 2.001) * CELLS)) * CELLS + Math.floor(((x + 1) / 2.001) * CELLS);
    const cell = cells.get(at) ?? { n: 0, x: 0, y: 0 };
    cells.set(at, cell);
    cell.n++;
    cell.x += x;
    cell.y += y;
    counts.set(code, (counts.get(code) ?? 0) + 1);
    if (cell.n > (best.get(code)?.n ?? 0)) best.set(code, cell);
  }
  return [...best]
    .filter(([code]) => counts.get(code)! >= least)
    .map(([code, cell]) => ({ text: String(coded.values[code]), x: cell.x / cell.n, y: cell.y / cell.n, count: counts.get(code)! }))
    .sort((a, b) => b.count - a.count);
}

export class Names {
  private genres: Region[] = [];
  private groups: Region[] = [];
  private few: number[] | null = null; // all songs that are shown, if they are so few
  private readonly widths = new Map<string, number>();

  constructor(private readonly songs: Songs) {}

  /** Finds the regions again: of the songs that are shown. */
  update(broad: "genre" | "group", column: "artist" | "album", wanted: (row: number) => boolean): void {
    const rows = this.songs.rows(wanted), count = rows.length;
    this.few = count <= FEW ? rows : null;
    const large = regions(this.songs, broad, Math.max(Math.min(3, count), count * 0.002), wanted);
    // A group is called after all that stands out in it: the legend has room for that, the map for the first of it.
    this.genres = broad === "group" ? large.map((region) => ({ ...region, text: region.text.split(", ")[0]! })) : large;
    this.groups = regions(this.songs, column, count > 1000 ? 4 : 3, wanted);
  }

  draw(pen: CanvasRenderingContext2D, camera: Camera, radius: number, wanted: (row: number) => boolean, colors: { ink: string; faint: string; paper: string }, taken: Box[]): void {
    const { width, height } = camera;
    const seen = this.songs.within(camera.fromX(0), camera.fromY(height), camera.fromX(width), camera.fromY(0), 5000);
    // Where songs stand apart, a name stands beside them; where they are many, they are a ground to write on.
    const apart = seen.length <= APART;
    const dots = apart ? seen.filter(wanted).map((row): Box => {
      const x = camera.toX(this.songs.x[row]!), y = camera.toY(this.songs.y[row]!);
      return [x - radius, y - radius, x + radius, y + radius];
    }) : [];
    let written = 0;
    pen.textAlign = "center";
    pen.textBaseline = "middle";
    pen.lineJoin = "round";
    for (const label of this.candidates(camera, seen, radius, wanted, apart)) {
      if (written >= MOST) break;
      const x0 = camera.toX(label.x), y0 = camera.toY(label.y);
      if (x0 < 0 || y0 < 0 || x0 > width || y0 > height) continue;
      const characters = [...label.text], text = characters.length > 32 ? `${characters.slice(0, 31).join("")}…` : label.text;
      const half = this.measure(pen, label.font, text) / 2 + 6, up = label.gap && label.gap + 8, aside = label.gap && label.gap + half - 5;
      const near = [[0, up], [0, -up], [aside, 0], [-aside, 0]];
      const spots = label.must ? [[0, -up], ...near, [0, 2 * up], [0, -2 * up], [aside, up], [-aside, up], [aside, -up], [-aside, -up]] : near;
      const boxes = spots.map(([dx, dy]): Box => [x0 + dx! - half, y0 + dy! - 8, x0 + dx! + half, y0 + dy! + 8]);
      const free = boxes.filter((box) => box[0] >= 2 && box[2] <= width - 2 && !overlaps(box, taken));
      const box = free.find((box) => !overlaps(box, dots)) ?? (label.must ? free[0] : undefined);
      if (!box) continue;
      taken.push([box[0], box[1] - 3, box[2], box[3] + 3]);
      written++;
      const x = (box[0] + box[2]) / 2, y = (box[1] + box[3]) / 2;
      pen.font = label.font;
      pen.lineWidth = 4;
      pen.strokeStyle = colors.paper;
      pen.globalAlpha = 0.85;
      pen.strokeText(text, x, y);
      pen.globalAlpha = 1;
      pen.fillStyle = label.faint ? colors.faint : colors.ink;
      pen.fillText(text, x, y);
    }
  }

  private *candidates(camera: Camera, seen: number[], radius: number, wanted: (row: number) => boolean, apart: boolean): Generator<Label> {
    const { zoom } = camera;
    if (zoom < 12) for (const region of this.genres) yield { ...region, font: `650 15px ${FAMILY}`, faint: false, gap: apart ? radius + 3 : 0, must: true };
    for (const row of this.few ?? (seen.length <= FEW ? seen : [])) {
      if (!wanted(row)) continue;
      const text = this.songs.text("title", row);
      if (text) yield { text, x: this.songs.x[row]!, y: this.songs.y[row]!, font: `12px ${FAMILY}`, faint: false, gap: radius + 3, must: false };
    }
    if (zoom > 1.7) for (const region of this.groups) yield { ...region, font: `550 12.5px ${FAMILY}`, faint: true, gap: 0, must: false };
  }

  private measure(pen: CanvasRenderingContext2D, font: string, text: string): number {
    const key = font + text;
    let width = this.widths.get(key);
    if (width === undefined) {
      pen.font = font;
      width = pen.measureText(text).width;
      this.widths.set(key, width);
    }
    return width;
  }
}
