// Search as one types.

import * as api from "./api";
import { h, name, part, say } from "./dom";

/** Something that may be chosen beside songs: to show one artist's songs only. */
export interface Offer {
  label: string;
  more: string;
  act(): void;
}

export class Search {
  private readonly input = part<HTMLInputElement>("search");
  private readonly list = part("found");
  private asked: AbortController | null = null;
  private wait: ReturnType<typeof setTimeout> | undefined;
  private songs: api.Song[] = [];
  private named = 0; // of these songs, those whose names hold the words; the others sound as the words mean
  private offers: Offer[] = [];
  private at = -1;

  constructor(private readonly events: { chosen(song: api.Song): void; aimed(song: api.Song): void; offers(words: string): Offer[] }) {
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
      this.offers = [];
      return this.show(false);
    }
    this.asked = new AbortController();
    try {
      const { songs, total } = await api.search(words.slice(0, 200), this.asked.signal);
      this.songs = songs;
      this.named = songs.length;
      this.offers = this.events.offers(words);
      this.fill(total);
      const { signal } = this.asked, meant = await api.meant(words.slice(0, 200), signal);
      if (signal.aborted || !meant.length) return;
      this.songs = [...songs, ...meant.filter(({ id }) => !songs.some((song) => song.id === id))];
      this.fill(total);
    } catch (error) {
      if (error instanceof api.Refusal) say(error.message);
    }
  }

  private fill(total: number): void {
    const item = (title: string, more: string, kind: string, i: number): HTMLElement =>
      h("li", { role: "option", class: kind || null, id: `found-${i}`, "aria-selected": String(i === this.at), click: () => this.choose(i) }, name(title, "title"), name(more, "more"));
    const offers = this.offers.map((offer, i) => item(offer.label, offer.more, "offer", i));
    const items = this.songs.map((song, i) => item(song.title || "Untitled", [song.artist, song.album].filter(Boolean).join(" · ") || "Unknown artist", "", offers.length + i));
    const rest = total - this.named, meant = items.splice(this.named);
    const remark = (text: string): HTMLElement[] => (text ? [h("li", { role: "presentation", class: "remark" }, text)] : []);
    this.list.replaceChildren(
      ...offers,
      ...items,
      ...remark(total === 0 ? "Nothing by these words" : rest > 0 ? `and ${rest.toLocaleString()} more` : ""),
      ...(meant.length ? [...remark("Sounds as these words mean"), ...meant] : []),
    );
    if (this.at < 0) this.list.scrollTop = 0;
    this.show(true);
  }

  private show(open: boolean): void {
    this.list.hidden = !open;
    this.input.setAttribute("aria-expanded", String(open));
    if (!open) this.input.removeAttribute("aria-activedescendant");
  }

  private choose(i: number): void {
    const offer = this.offers[i], song = this.songs[i - this.offers.length];
    if (!offer && !song) return;
    this.input.blur();
    if (offer) offer.act();
    else if (song) this.events.chosen(song);
  }

  private key(event: KeyboardEvent): void {
    const { offers, songs } = this, all = offers.length + songs.length;
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      if (!all) return;
      event.preventDefault();
      this.at = (Math.max(this.at, event.key === "ArrowUp" ? 0 : -1) + (event.key === "ArrowDown" ? 1 : -1) + all) % all;
      this.list.querySelectorAll("[role=option]").forEach((item, i) => {
        item.setAttribute("aria-selected", String(i === this.at));
        if (i === this.at) item.scrollIntoView({ block: "nearest" });
      });
      this.input.setAttribute("aria-activedescendant", `found-${this.at}`);
      const song = songs[this.at - offers.length];
      if (song) this.events.aimed(song);
    } else if (event.key === "Enter") {
      this.choose(this.at < 0 ? (songs.length ? offers.length : 0) : this.at); // a song, unless something else was chosen
    } else if (event.key === "Escape") {
      this.input.value = "";
      this.songs = [];
      this.offers = [];
      this.show(false);
    }
  }
}
