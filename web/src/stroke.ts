// What a hand has drawn over the map: a line to follow, or a region.

import type { Camera } from "./camera";
import type { Place, Tool } from "./pointing";
import type { Songs } from "./songs";

export interface Stroke {
  places: Place[];
  tool: Tool;
  done: boolean;
}

export function drawStroke(pen: CanvasRenderingContext2D, camera: Camera, { places, tool, done }: Stroke, theme: { paper: string; accent: string }): void {
  const path = new Path2D();
  places.forEach(([x, y], i) => (i ? path.lineTo(camera.toX(x), camera.toY(y)) : path.moveTo(camera.toX(x), camera.toY(y))));
  if (tool === "lasso") path.closePath();
  pen.lineCap = pen.lineJoin = "round";
  if (tool === "lasso") {
    pen.globalAlpha = 0.1;
    pen.fillStyle = theme.accent;
    pen.fill(path);
  }
  for (const [color, width, alpha] of [[theme.paper, 7, 0.8], [theme.accent, 3, done ? 0.55 : 1]] as const) {
    pen.globalAlpha = alpha;
    pen.strokeStyle = color;
    pen.lineWidth = width;
    if (tool === "lasso") pen.setLineDash([8, 6]);
    pen.stroke(path);
  }
  pen.setLineDash([]);
  pen.globalAlpha = 1;
  const [end, before] = [places.at(-1), places.at(-Math.min(places.length, 4))];
  if (tool === "line" && end && before) arrow(pen, camera, before, end, theme.accent);
}

/** Which way a line goes. */
function arrow(pen: CanvasRenderingContext2D, camera: Camera, from: Place, to: Place, color: string): void {
  const x = camera.toX(to[0]), y = camera.toY(to[1]), turn = Math.atan2(y - camera.toY(from[1]), x - camera.toX(from[0]));
  pen.beginPath();
  for (const [along, aside] of [[9, 0], [-5, 7], [-5, -7]] as const) pen.lineTo(x + along * Math.cos(turn) - aside * Math.sin(turn), y + along * Math.sin(turn) + aside * Math.cos(turn));
  pen.fillStyle = color;
  pen.fill();
}

/** How long a line is, in the map's units. */
export function lengthOf(places: Place[]): number {
  return places.slice(1).reduce((sum, [x, y], i) => sum + Math.hypot(x - places[i]![0], y - places[i]![1]), 0);
}

/** The songs that are shown and lie within a reach of a line. */
export function beside(songs: Songs, places: Place[], reach: number, shown: (row: number) => boolean): Set<number> {
  const found = new Set<number>();
  places.forEach(([x2, y2], i) => {
    const [x1, y1] = places[i - 1] ?? places[0]!, long = (x2 - x1) ** 2 + (y2 - y1) ** 2;
    for (const row of songs.within(Math.min(x1, x2) - reach, Math.min(y1, y2) - reach, Math.max(x1, x2) + reach, Math.max(y1, y2) + reach)) {
      const x = songs.x[row]!, y = songs.y[row]!, share = long ? ((x - x1) * (x2 - x1) + (y - y1) * (y2 - y1)) / long : 0, foot = Math.min(Math.max(share, 0), 1);
      if (Math.hypot(x - x1 - foot * (x2 - x1), y - y1 - foot * (y2 - y1)) <= reach && shown(row)) found.add(row);
    }
  });
  return found;
}

/** The songs that are shown and lie inside: those around which the line winds, so that a loop too many does no harm. */
export function inside(songs: Songs, places: Place[], shown: (row: number) => boolean): number[] {
  const xs = places.map((place) => place[0]), ys = places.map((place) => place[1]);
  const near = songs.within(Math.min(...xs), Math.min(...ys), Math.max(...xs), Math.max(...ys));
  return near.filter((row) => shown(row) && winding(xs, ys, songs.x[row]!, songs.y[row]!) !== 0);
}

function winding(xs: number[], ys: number[], x: number, y: number): number {
  let turns = 0;
  for (let i = 0, before = xs.length - 1; i < xs.length; before = i++) {
    const [x1, y1, x2, y2] = [xs[before]!, ys[before]!, xs[i]!, ys[i]!];
    if (y1 <= y === y2 <= y) continue;
    const left = (x2 - x1) * (y - y1) - (x - x1) * (y2 - y1);
    if (y2 > y1 ? left > 0 : left < 0) turns += y2 > y1 ? 1 : -1;
  }
  return turns;
}
