// What plays next: the list, how varied it is, and saving it.

import * as api from "./api";
import { clock, h, iconButton, name, part, say, whyButton } from "./dom";
import type { Player } from "./player";

const FORMATS: [api.Format, string][] = [["m3u8", "M3U8, for every player"], ["xspf", "XSPF"], ["jspf", "JSPF, for ListenBrainz"]];

export class QueuePanel {
  title = "My queue";
  private readonly list = h("ol", { id: "queued", "aria-label": "Queue" });
  private readonly about = h("p", { class: "more" });
  private readonly variety = h("input", { id: "variety", type: "range", min: 0, max: 1, step: 0.05, value: 0, "aria-describedby": "variety-says" });
  private readonly says = h("output", { id: "variety-says", for: "variety" }, "closest");
  readonly endless = h("input", { type: "checkbox", id: "endless", checked: true });

  constructor(private readonly player: Player, private readonly events: { varied(): void; flow(): void; kept(): void; look(song: api.Song): void }) {
    this.variety.addEventListener("input", () => (this.says.textContent = this.varietyValue === 0 ? "closest" : this.varietyValue.toFixed(2)));
    this.variety.addEventListener("change", () => events.varied());
    const format = h("select", { id: "format", "aria-label": "File" }, ...FORMATS.map(([value, label]) => h("option", { value }, label)));
    part("queue").append(
      this.about,
      h("div", { class: "actions" }, h("button", { type: "button", id: "flow", click: () => events.flow() }, "Reorder to flow"), h("button", { type: "button", id: "clear", click: () => this.clear() }, "Clear")),
      h("div", { class: "field" }, h("label", { for: "variety" }, "Variety"), this.variety, this.says),
      h("div", { class: "field check" }, this.endless, h("label", { for: "endless" }, "Go on with what sounds alike when the queue ends")),
      this.list,
      h("div", { class: "actions", id: "saving" }, format, h("button", { type: "button", id: "save", click: () => void this.save(format.value as api.Format) }, "Save")),
    );
    player.addEventListener("queue", () => this.show());
    this.show();
  }

  get varietyValue(): number {
    return Number(this.variety.value);
  }

  private show(): void {
    const { queue, at } = this.player, seconds = queue.reduce((sum, song) => sum + song.duration, 0);
    this.about.textContent = queue.length ? `${this.title}: ${queue.length} ${queue.length === 1 ? "song" : "songs"}${seconds ? `, ${clock(seconds)}` : ""}` : "Nothing is queued. Start a radio from a song, draw a path between two, or draw on the map.";
    for (const id of ["flow", "clear", "save", "format"]) (document.getElementById(id) as HTMLButtonElement | null)?.toggleAttribute("disabled", !queue.length);
    const tab = part("tab-queue");
    tab.textContent = queue.length > at + 1 ? `Queue (${queue.length - at - 1})` : "Queue";
    const had = (document.activeElement as HTMLElement | null)?.dataset["focus"];
    this.list.replaceChildren(...queue.map((song, place) => this.item(song, place, place === at)));
    if (had) this.list.querySelector<HTMLElement>(`[data-focus="${had}"]`)?.focus();
    this.list.querySelector('[aria-current="true"]')?.scrollIntoView({ block: "nearest" });
  }

  private item(song: api.Listed, place: number, current: boolean): HTMLElement {
    const called = song.title || "Untitled", { player } = this;
    const button = (shape: string, label: string, act: () => void): HTMLElement => {
      const made = iconButton(shape, `${label} ${called}`, act);
      made.dataset["focus"] = `${shape}-${song.id}`;
      return made;
    };
    const reason = h("p", { class: "reason" }, name(song.why ?? ""));
    return h(
      "li",
      { "aria-current": current ? "true" : null },
      h("button", { type: "button", class: "row", click: () => player.jump(place), focus: () => this.events.look(song), pointerenter: () => this.events.look(song) }, name(called, "title"), name(song.artist || "Unknown artist", "more"), h("span", { class: "size" }, song.duration ? clock(song.duration) : "")),
      song.why ? whyButton(called, reason) : null,
      h("span", { class: "tools" }, button("up", "Move up", () => player.move(place, -1)), button("down", "Move down", () => player.move(place, 1)), button("close", "Remove", () => player.remove(place))),
      song.why ? reason : null,
    );
  }

  private clear(): void {
    this.title = "My queue";
    this.player.playList([]);
  }

  private async save(format: api.Format): Promise<void> {
    try {
      const kept = await api.keep(this.title, this.player.queue.map((song) => song.id));
      h("a", { href: api.fileOf(kept.id, format), download: "" }).click();
      say(`“${kept.title}” is kept in the library, and saved as a file.`);
      this.events.kept();
    } catch (error) {
      say(error instanceof Error ? error.message : String(error));
    }
  }
}
