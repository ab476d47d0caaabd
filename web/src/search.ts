// Search as one types.

import * as api from "./api";
import { h, name, part, say } from "./dom";

export class Search {
  private readonly input = part<HTMLInputElement>("search");
  private readonly list = part("found");
  private asked: AbortController | null = null;
  private wait: ReturnType<typeof setTimeout> | undefined;
  private songs: api.Song[] = [];
  private at = -1;

  constructor(private readonly events: { chosen(song: api.Song): void; aimed(song: api.Song): void }) {
    this.input.addEventListener("input", () => {
      clearTimeout(this.wait);
      this.wait = setTimeout(() => void this.ask(), 90);
    });
    this.input.addEventListener("keydown", (event) => this.key(event));
    this.input.addEventListener("focus", () => this.show(this.songs.length > 0));
    this.input.addEventListener("blur", () => this.show(false));
    // A press on the list must not take the focus from the box, or the list would be gone before the click.
    this.list.addEventListener("pointerdown", (event) => event.preventDefault());
  }

  focus(): void {
    this.input.focus();
    this.input.select();
  }

  private async ask(): Promise<void> {
    this.asked?.abort();
    const words = this.input.value.trim();
    this.at = -1;
    if (!words) {
      this.songs = [];
      return this.show(false);
    }
    this.asked = new AbortController();
    try {
      const { songs, total } = await api.search(words.slice(0, 200), this.asked.signal);
      this.songs = songs;
      this.fill(total);
    } catch (error) {
      if (error instanceof api.Refusal) say(error.message);
    }
  }

  private fill(total: number): void {
    const items = this.songs.map((song, i) => {
      const more = [song.artist, song.album].filter(Boolean).join(" · ");
      return h("li", { role: "option", id: `found-${i}`, "aria-selected": "false", click: () => this.choose(i) }, name(song.title || "Untitled", "title"), name(more || "Unknown artist", "more"));
    });
    const rest = total - this.songs.length;
    const remark = total === 0 ? "Nothing by these words" : rest > 0 ? `and ${rest.toLocaleString()} more` : "";
    this.list.replaceChildren(...items, ...(remark ? [h("li", { role: "presentation", class: "remark" }, remark)] : []));
    this.list.scrollTop = 0;
    this.show(true);
  }

  private show(open: boolean): void {
    this.list.hidden = !open;
    this.input.setAttribute("aria-expanded", String(open));
    if (!open) this.input.removeAttribute("aria-activedescendant");
  }

  private choose(i: number): void {
    const song = this.songs[i];
    if (!song) return;
    this.input.blur();
    this.events.chosen(song);
  }

  private key(event: KeyboardEvent): void {
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      if (!this.songs.length) return;
      event.preventDefault();
      this.at = (this.at + (event.key === "ArrowDown" ? 1 : -1) + this.songs.length) % this.songs.length;
      this.list.querySelectorAll("[role=option]").forEach((item, i) => {
        item.setAttribute("aria-selected", String(i === this.at));
        if (i === this.at) item.scrollIntoView({ block: "nearest" });
      });
      this.input.setAttribute("aria-activedescendant", `found-${this.at}`);
      this.events.aimed(this.songs[this.at]!);
    } else if (event.key === "Enter") {
      this.choose(Math.max(this.at, 0));
    } else if (event.key === "Escape") {
      this.input.value = "";
      this.songs = [];
      this.show(false);
    }
  }
}
