// Which part of the map is seen. The map is the square from -1 to 1, with y upwards; the screen is in CSS pixels.

export interface Seen {
  x: number;
  y: number;
  scale: number; // pixels for one unit
}

export class Camera {
  seen: Seen = { x: 0, y: 0, scale: 100 };
  width = 1;
  height = 1;
  left = 0; // pixels at the left that the legend covers
  fit = 100; // the scale at which everything is seen
  private flight = 0;

  constructor(private readonly changed: () => void) {}

  resize(width: number, height: number, left: number): void {
    const everything = Math.abs(this.seen.scale / this.fit - 1) < 0.01;
    const zoom = this.zoom;
    [this.width, this.height] = [Math.max(width, 1), Math.max(height, 1)];
    this.left = left;
    this.fit = Math.max(0.46 * Math.min(this.width - left, this.height), 1);
    this.seen.scale = everything ? this.fit : this.fit * zoom;
    this.changed();
  }

  get zoom(): number {
    return this.seen.scale / this.fit;
  }

  /** Where the middle of what is seen lies on the screen. */
  get middle(): number {
    return (this.width + this.left) / 2;
  }

  toX(x: number): number {
    return (x - this.seen.x) * this.seen.scale + this.middle;
  }
  toY(y: number): number {
    return (this.seen.y - y) * this.seen.scale + this.height / 2;
  }
  fromX(px: number): number {
    return (px - this.middle) / this.seen.scale + this.seen.x;
  }
  fromY(py: number): number {
    return this.seen.y - (py - this.height / 2) / this.seen.scale;
  }

  pan(dx: number, dy: number): void {
    this.stop();
    this.put({ ...this.seen, x: this.seen.x - dx / this.seen.scale, y: this.seen.y + dy / this.seen.scale });
  }

  /** Zooms so that what is at a pixel stays there. */
  zoomAt(factor: number, px = this.middle, py = this.height / 2): void {
    this.stop();
    const scale = this.bounded(this.seen.scale * factor);
    const [x, y] = [this.fromX(px), this.fromY(py)];
    this.put({ scale, x: x - (px - this.middle) / scale, y: y + (py - this.height / 2) / scale });
  }

  /** Goes there in half a second, or at once for those who want no motion. */
  flyTo(to: Seen): void {
    this.stop();
    const from = { ...this.seen }, goal = { ...to, scale: this.bounded(to.scale) };
    if (matchMedia("(prefers-reduced-motion: reduce)").matches) return this.put(goal);
    const began = performance.now();
    const step = (now: number): void => {
      const time = Math.min((now - began) / 550, 1), eased = time < 0.5 ? 4 * time ** 3 : 1 - (2 - 2 * time) ** 3 / 2;
      const scale = from.scale * (goal.scale / from.scale) ** eased;
      // The way is measured on the screen, so that a flight that zooms in does not overshoot.
      const way = from.scale === goal.scale ? eased : (1 / from.scale - 1 / scale) / (1 / from.scale - 1 / goal.scale);
      this.put({ scale, x: from.x + (goal.x - from.x) * way, y: from.y + (goal.y - from.y) * way });
      this.flight = time < 1 ? requestAnimationFrame(step) : 0;
    };
    this.flight = requestAnimationFrame(step);
  }

  /** Shows everything. */
  flyHome(): void {
    this.flyTo({ x: 0, y: 0, scale: this.fit });
  }

  /** Shows these points, with room around them. */
  flyToAll(points: [number, number][]): void {
    if (!points.length) return;
    const xs = points.map((point) => point[0]), ys = points.map((point) => point[1]);
    const [left, right, bottom, top] = [Math.min(...xs), Math.max(...xs), Math.min(...ys), Math.max(...ys)];
    const scale = Math.min((0.75 * (this.width - this.left)) / Math.max(right - left, 1e-3), (0.75 * this.height) / Math.max(top - bottom, 1e-3), this.fit * 12);
    this.flyTo({ x: (left + right) / 2, y: (bottom + top) / 2, scale });
  }

  private bounded(scale: number): number {
    return Math.min(Math.max(scale, this.fit * 0.6), this.fit * 400);
  }

  private put(seen: Seen): void {
    const keep = (value: number): number => Math.min(Math.max(value, -1.2), 1.2);
    this.seen = { scale: seen.scale, x: keep(seen.x), y: keep(seen.y) };
    this.changed();
  }

  private stop(): void {
    cancelAnimationFrame(this.flight);
  }
}
