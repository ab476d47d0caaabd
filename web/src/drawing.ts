// Drawing on the map: a line to follow, a region to mix; and what is offered for the songs of a region.

import * as api from "./api";
import { h, part, say } from "./dom";
import type { SongMap } from "./map";
import type { Place, Tool } from "./pointing";
import type { Songs } from "./songs";
import { beside, inside, lengthOf } from "./stroke";

const PER_SONG = 22; // pixels of a line for each song of its list
const REACH = 40; // pixels from a line within which songs are beside it: no longer list, if there are not so many
const LISTED = { least: 8, most: 40 };
const CHOICES = [10, 25, 50, 100];
const MOST_AT_ONCE = 300; // songs that are queued as they are
const MOST_ASKED = 20_000; // songs that the server is told

const HINTS: Record<Tool, string> = {
  line: "Draw a line over the map: the playlist goes along it. Two fingers still move the map.",
  lasso: "Draw around the songs that you want. Two fingers still move the map.",
};

export interface Page {
  songs(): Songs | null;
  map(): SongMap | null;
  /** Makes a list, puts it into the queue, and makes it again when the variety changes. */
  make(how: (variety: number) => Promise<api.Playlist & { remarks?: string[] }>): void;
}

export class Drawing {
  private readonly bar = part("offer");
  private readonly length = h("select", { "aria-label": "Songs in the mix" }, ...CHOICES.map((count) => h("option", { value: count, selected: count === 25 }, `${count} songs`)));

  constructor(private readonly page: Page) {
    for (const tool of ["line", "lasso"] as const) part(`draw-${tool}`).addEventListener("click", () => this.toggle(tool));
  }

  private toggle(tool: Tool): void {
    const map = this.page.map();
    if (!map) return;
    this.clear();
    map.hold(map.holding === tool ? null : tool);
    if (map.holding) say(HINTS[tool]);
  }

  held(tool: Tool | null): void {
    for (const one of ["line", "lasso"] as const) part(`draw-${one}`).setAttribute("aria-pressed", String(one === tool));
  }

  /** The keys that are for drawing; whether this was one of them. */
  key(event: KeyboardEvent): boolean {
    const map = this.page.map(), tool = ({ l: "line", o: "lasso" } as const)[event.key.toLowerCase()];
    if (event.key === "Escape" && map && (map.holding || map.traced || !this.bar.hidden)) {
      map.hold(null);
      this.clear();
    } else if (tool) this.toggle(tool);
    else return false;
    return true;
  }

  /** Takes what was drawn, and what was offered for it, off the map. */
  clear(): void {
    this.page.map()?.trace(null);
    this.bar.hidden = true;
  }

  drawn(places: Place[], tool: Tool): void {
    const songs = this.page.songs(), map = this.page.map();
    if (!songs || !map) return;
    this.bar.hidden = true;
    if (tool === "lasso") return this.offer(inside(songs, places, map.isShown), "inside");
    const shown = map.filtered ? songs.rows(map.isShown) : null;
    const { scale } = map.camera.seen, fitting = Math.min(Math.round((lengthOf(places) * scale) / PER_SONG), LISTED.most);
    const near = fitting > LISTED.least ? beside(songs, places, REACH / scale, map.isShown).size : 0;
    const length = Math.min(Math.max(Math.min(fitting, near), LISTED.least), shown?.length ?? songs.count);
    const among = shown ? idsOf(songs, shown) : [], { method } = songs;
    this.page.make((variety) => api.line(places, method, { length, variety, songs: among }));
  }

  /** Says how many songs these are, and what may be done with them. */
  offer(rows: number[], where: string): void {
    const songs = this.page.songs();
    if (!songs) return;
    if (!rows.length) {
      this.page.map()?.trace(null);
      return say("There are no songs inside: draw around some.");
    }
    const ids = idsOf(songs, rows);
    const mix = h("button", { type: "button", id: "mix", click: () => {
      const length = Number(this.length.value);
      this.bar.hidden = true;
      this.page.make((variety) => api.mix(ids, { length, variety }));
    } }, "Mix");
    const all = h("button", { type: "button", id: "queue-all", click: () => {
      this.bar.hidden = true;
      this.page.make(async () => ({ ...(await api.order(ids)), title: "All of a region" }));
    } }, "Queue all");
    const close = h("button", { type: "button", "aria-label": "Forget the region", click: () => this.clear() }, "✕");
    const count = h("span", { role: "status" }, `${rows.length.toLocaleString()} ${rows.length === 1 ? "song" : "songs"} ${where}`);
    for (const option of this.length.options) option.disabled = Number(option.value) > rows.length && option !== this.length.options[0];
    if (this.length.selectedOptions[0]?.disabled) this.length.value = String([...this.length.options].findLast((option) => !option.disabled)?.value);
    this.bar.replaceChildren(count, this.length, mix, ...(rows.length <= MOST_AT_ONCE ? [all] : []), close);
    this.bar.hidden = false;
    mix.focus({ preventScroll: true });
  }
}

/** The ids of some rows; of very many an even sample. */
function idsOf(songs: Songs, rows: number[]): number[] {
  const every = Math.max(1, rows.length / MOST_ASKED);
  return Array.from({ length: Math.min(rows.length, MOST_ASKED) }, (_, i) => songs.ids[rows[Math.floor(i * every)]!]!);
}
