// Where every song lies and what is known of it, as columns: a hundred thousand objects would be slow.

import type { Coded, ColumnName, Method, Places } from "./api";

export class Songs {
  readonly count: number;
  readonly ids: number[];
  readonly x: Float32Array;
  readonly y: Float32Array;
  readonly columns: Partial<Record<ColumnName, Coded>>;
  method: Method; // of the map
  private readonly placed: Map<number, number>;
  private grid: Grid | null = null;

  constructor(places: Places) {
    this.ids = places.ids;
    this.count = places.ids.length;
    this.x = Float32Array.from(places.x);
    this.y = Float32Array.from(places.y);
    this.columns = places.columns;
    this.method = places.method;
    this.placed = new Map(places.ids.map((id, row) => [id, row]));
  }

  /** The row of a song, or -1 if it has no place on the map. */
  row(id: number): number {
    return this.placed.get(id) ?? -1;
  }

  text(column: ColumnName, row: number): string {
    const coded = this.columns[column];
    const code = coded?.codes[row] ?? -1;
    return coded && code >= 0 ? String(coded.values[code]) : "";
  }

  /** The rows for which something holds. */
  rows(wanted: (row: number) => boolean): number[] {
    const found: number[] = [];
    for (let row = 0; row < this.count; row++) if (wanted(row)) found.push(row);
    return found;
  }

  /** The values of a column that begin with some letters, before those that hold them: at most so many, and how large they are. */
  valuesLike(column: ColumnName, letters: string, most: number): { code: number; text: string; count: number }[] {
    const { values, codes } = this.columns[column] ?? { values: [], codes: [] };
    const begin: number[] = [], hold: number[] = [];
    values.forEach((value, code) => {
      const at = String(value).toLocaleLowerCase().indexOf(letters);
      if (at >= 0) (at ? hold : begin).push(code);
    });
    const counts = new Map([...begin, ...hold].slice(0, most).map((code) => [code, 0]));
    for (const code of codes) if (counts.has(code)) counts.set(code, counts.get(code)! + 1);
    return [...counts].map(([code, count]) => ({ code, text: String(values[code]), count }));
  }

  /** The way of every song from where another map had it: a share of 0 is there, 1 here. New songs are here at once. */
  wayFrom(old: Songs): (share: number) => void {
    const [x, y] = [this.x.slice(), this.y.slice()];
    const rows = this.ids.map((id) => old.row(id));
    const [fromX, fromY] = [x.map((here, row) => old.x[rows[row]!] ?? here), y.map((here, row) => old.y[rows[row]!] ?? here)];
    return (share) => {
      for (let row = 0; row < this.count; row++) {
        this.x[row] = fromX[row]! + (x[row]! - fromX[row]!) * share;
        this.y[row] = fromY[row]! + (y[row]! - fromY[row]!) * share;
      }
      this.grid = null;
    };
  }

  addColumn(column: ColumnName, places: Places): void {
    const coded = places.columns[column];
    if (!coded) return;
    const codes = new Array<number>(this.count).fill(-1);
    places.ids.forEach((id, i) => {
      const row = this.row(id);
      if (row >= 0) codes[row] = coded.codes[i] ?? -1;
    });
    this.columns[column] = { values: coded.values, codes };
  }

  /** The rows inside a rectangle; at most so many. */
  within(left: number, bottom: number, right: number, top: number, most = Infinity): number[] {
    const found: number[] = [];
    this.cells().visit(left, bottom, right, top, (row) => {
      const x = this.x[row]!, y = this.y[row]!;
      if (x >= left && x <= right && y >= bottom && y <= top) found.push(row);
      return found.length < most;
    });
    return found;
  }

  /** The nearest row for which `wanted` holds, within a reach; -1 if there is none. */
  nearest(x: number, y: number, reach: number, wanted: (row: number) => boolean): number {
    let best = -1, least = reach * reach;
    this.cells().visit(x - reach, y - reach, x + reach, y + reach, (row) => {
      const away = (this.x[row]! - x) ** 2 + (this.y[row]! - y) ** 2;
      if (away <= least && wanted(row)) [best, least] = [row, away];
      return true;
    });
    return best;
  }

  private cells(): Grid {
    return (this.grid ??= new Grid(this.x, this.y));
  }
}

/** The rows in each cell of a grid over the map, one after the other. */
class Grid {
  private readonly side: number;
  private readonly begins: Int32Array;
  private readonly members: Int32Array;

  constructor(x: Float32Array, y: Float32Array) {
    this.side = Math.max(1, Math.ceil(Math.sqrt(x.length / 4)));
    const cells = new Int32Array(x.length);
    this.begins = new Int32Array(this.side * this.side + 1);
    for (let row = 0; row < x.length; row++) {
      cells[row] = this.cell(y[row]!) * this.side + this.cell(x[row]!);
      this.begins[cells[row]! + 1]!++;
    }
    for (let cell = 1; cell < this.begins.length; cell++) this.begins[cell]! += this.begins[cell - 1]!;
    const next = this.begins.slice();
    this.members = new Int32Array(x.length);
    for (let row = 0; row < x.length; row++) this.members[next[cells[row]!]!++] = row;
  }

  visit(left: number, bottom: number, right: number, top: number, each: (row: number) => boolean): void {
    for (let j = this.cell(bottom); j <= this.cell(top); j++) {
      for (let i = this.cell(left); i <= this.cell(right); i++) {
        const cell = j * this.side + i;
        for (let at = this.begins[cell]!; at < this.begins[cell + 1]!; at++) if (!each(this.members[at]!)) return;
      }
    }
  }

  private cell(value: number): number {
    return Math.min(Math.max(Math.floor(((value + 1) / 2) * this.side), 0), this.side - 1);
  }
}
