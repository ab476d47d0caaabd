// One song: what it is, what one can do from here, and what sounds like it, and why.

import * as api from "./api";
import { clock, h, name, part, whyButton } from "./dom";
import type { Likes } from "./likes";

export interface SongEvents {
  play(song: api.Song): void;
  add(song: api.Song): void;
  radio(song: api.Song): void;
  pathFrom(song: api.Song): void;
  look(song: api.Song): void;
  hear(song: api.Song, other: api.Song, match: api.Match): void;
  found(song: api.Song, similar: api.Similar[]): void;
}

export class SongPanel {
  private readonly panel = part("song");
  private asked: AbortController | null = null;
  private silent = false;

  constructor(private readonly likes: Likes, private readonly events: SongEvents) {
    this.panel.append(h("div", { class: "empty" }, h("h2", {}, "Your music, by how it sounds"), h("p", {}, "Songs that sound alike lie together. Click one to hear it and see what is near; scroll to zoom, drag to move."), h("p", {}, "Keys: ", h("kbd", {}, "/"), " finds, ", h("kbd", {}, "Space"), " plays and pauses, the arrows go over the map.")));
  }

  /** There is nothing to hear: the songs were imported as vectors. */
  silence(): void {
    this.silent = true;
    this.panel.querySelector(".empty")?.replaceChildren(h("h2", {}, "Your vectors as a map"), h("p", {}, "Songs with similar vectors lie together. Click one to see what is near; scroll to zoom, drag to move. There is no sound here: the vectors were imported."), h("p", {}, "Keys: ", h("kbd", {}, "/"), " finds, the arrows go over the map."));
  }

  async show(song: api.Song): Promise<void> {
    this.asked?.abort();
    const asked = (this.asked = new AbortController()), { events } = this;
    const cover: HTMLImageElement = h("img", { alt: "", width: 88, height: 88, hidden: true, load: () => (cover.hidden = false), src: api.coverOf(song.id) });
    const facts = [song.album, song.year, song.genre, song.duration ? clock(song.duration) : null].filter((fact) => fact !== null && fact !== "");
    const action = (label: string, title: string, act: () => void): HTMLElement => h("button", { type: "button", "aria-label": title, title, click: act }, label);
    const list = h("ol", { id: "neighbours", "aria-label": "Songs that sound like it", "aria-busy": "true" });
    this.panel.replaceChildren(
      h("header", {}, cover, h("div", {}, h("h2", {}, name(song.title || "Untitled")), h("p", {}, name(song.artist || "Unknown artist")), h("p", { class: "more" }, name(facts.join(" · ")))), this.likes.heart(() => song)),
      h("div", { class: "actions" }, this.silent ? null : action("Play", "Play", () => events.play(song)), action("Radio", "Radio from here", () => events.radio(song)), action("Path to…", "Path from here to another song", () => events.pathFrom(song)), action("Add", "Add to the queue", () => events.add(song))),
      h("h3", {}, "Sounds like it"),
      list,
    );
    this.panel.scrollTop = 0;
    try {
      const { similar } = await api.neighbours(song.id, asked.signal);
      if (asked.signal.aborted) return;
      list.replaceChildren(...similar.map((other) => this.neighbour(song, other)));
      events.found(song, similar);
    } catch (error) {
      if (error instanceof api.Refusal) list.replaceWith(h("p", { class: "more", role: "status" }, error.message));
    } finally {
      list.removeAttribute("aria-busy");
    }
  }

  private neighbour(song: api.Song, other: api.Similar): HTMLElement {
    const meter = h("span", { class: "meter", "aria-hidden": "true" }), fill = h("i", {});
    fill.style.width = `${Math.round(100 * Math.max(other.similarity, 0))}%`;
    meter.append(fill);
    const percent = other.similarity.toFixed(2);
    const play = h("button", { type: "button", class: "row", click: () => this.events.play(other), focus: () => this.events.look(other), pointerenter: () => this.events.look(other) }, name(other.title || "Untitled", "title"), name(other.artist || "Unknown artist", "more"), h("span", { class: "size" }, h("span", { class: "unseen" }, "similarity "), percent), meter);
    const reason = h("div", { class: "reason" });
    const { why, match } = other;
    if (why) reason.append(h("p", {}, name(why)));
    if (match) {
      const seconds = ([from, to]: [number, number]): string => `${clock(from)}–${clock(to)}`;
      reason.append(h("button", { type: "button", click: () => this.events.hear(song, other, match) }, `Hear ${seconds(match.there)} of this song, then ${seconds(match.here)} of that`));
    }
    return h("li", {}, play, why || match ? whyButton(other.title ?? "this song", reason) : null, reason);
  }
}
