// What plays: a queue, and two audio elements that take turns, so that the next song is there before it is needed.

import { audioOf, type Listed, type Song } from "./api";

const AHEAD = 25; // seconds before the end at which the next song is fetched

export class Player extends EventTarget {
  queue: Listed[] = [];
  at = -1;
  private readonly decks = [new Audio(), new Audio()] as const;
  private deck: 0 | 1 = 0;
  private readonly clip = new Audio();
  private clips: { song: Song; from: number; to: number }[] = [];
  private failures = 0;

  constructor() {
    super();
    for (const audio of this.decks) {
      audio.preload = "auto";
      const heard = (event: string, act: () => void): void =>
        audio.addEventListener(event, () => {
          if (audio === this.audio) act();
        });
      heard("timeupdate", () => this.ticked());
      heard("ended", () => this.ended());
      heard("error", () => this.failed());
      for (const event of ["play", "pause", "loadedmetadata"]) heard(event, () => this.tell("state"));
    }
    this.clip.addEventListener("timeupdate", () => {
      if (this.clips[0] && this.clip.currentTime >= this.clips[0].to) this.nextClip();
    });
    for (const event of ["ended", "error"]) this.clip.addEventListener(event, () => this.nextClip());
  }

  get audio(): HTMLAudioElement {
    return this.decks[this.deck];
  }
  get song(): Listed | null {
    return this.queue[this.at] ?? null;
  }
  get playing(): boolean {
    return !this.audio.paused;
  }
  get duration(): number {
    return Number.isFinite(this.audio.duration) ? this.audio.duration : (this.song?.duration ?? 0);
  }

  /** Plays a song now: it is put after the one that plays, and what was to come stays. */
  playNow(song: Listed): void {
    if (this.song?.id !== song.id) this.queue.splice(++this.at, 0, song);
    this.start();
  }

  /** Plays a list in place of the queue. A song that plays and begins the list goes on playing. */
  playList(songs: Listed[]): void {
    const goesOn = this.song !== null && this.song.id === songs[0]?.id && this.playing;
    [this.queue, this.at] = [songs, songs.length ? 0 : -1];
    if (goesOn) this.tell("queue");
    else this.start();
  }

  add(...songs: Listed[]): void {
    this.queue.push(...songs);
    if (this.at < 0) this.jump(0);
    else this.tell("queue");
  }

  /** Puts the songs that are still to come into another order. */
  reorder(songs: Listed[]): void {
    this.queue = [...this.queue.slice(0, this.at + 1), ...songs];
    this.tell("queue");
  }

  remove(place: number): void {
    this.queue.splice(place, 1);
    if (place < this.at) this.at--;
    else if (place === this.at) {
      this.at = Math.min(this.at, this.queue.length - 1);
      return this.playing ? this.start() : this.load();
    }
    this.tell("queue");
  }

  move(place: number, by: number): void {
    const to = place + by, song = this.queue[place];
    if (!song || to < 0 || to >= this.queue.length) return;
    this.queue.splice(place, 1);
    this.queue.splice(to, 0, song);
    if (place === this.at) this.at = to;
    else if (to === this.at) this.at = place;
    this.tell("queue");
  }

  jump(place: number): void {
    this.at = Math.min(Math.max(place, 0), this.queue.length - 1);
    this.start();
  }

  next(): void {
    if (this.at + 1 < this.queue.length) this.jump(this.at + 1);
    else this.tell("dry");
  }

  /** Back to the beginning, or from there to the song before. */
  previous(): void {
    if (this.audio.currentTime > 4 || this.at <= 0) this.seek(0);
    else this.jump(this.at - 1);
  }

  toggle(): void {
    this.stopClips();
    if (!this.song) return;
    if (this.playing) this.audio.pause();
    else this.audio.play().catch(() => this.tell("state"));
  }

  seek(seconds: number): void {
    this.audio.currentTime = Math.min(Math.max(seconds, 0), Math.max(this.duration - 0.2, 0));
    this.tell("time");
  }

  set volume(share: number) {
    for (const audio of [...this.decks, this.clip]) audio.volume = share;
  }

  /** Plays some seconds of songs, one after the other. */
  playClips(clips: { song: Song; from: number; to: number }[]): void {
    this.audio.pause();
    this.clips = clips;
    this.startClip();
  }

  stopClips(): void {
    if (!this.clips.length) return;
    this.clips = [];
    this.clip.pause();
    this.tell("clip");
  }

  get clipPlaying(): Song | null {
    return this.clips[0]?.song ?? null;
  }

  private nextClip(): void {
    this.clips.shift();
    this.startClip();
  }

  private startClip(): void {
    const clip = this.clips[0];
    this.tell("clip");
    if (!clip) return this.clip.pause();
    this.clip.src = `${audioOf(clip.song.id)}#t=${clip.from},${clip.to}`;
    this.clip.play().catch(() => this.stopClips());
  }

  private load(): void {
    const song = this.song;
    const url = song ? audioOf(song.id) : "";
    const other = this.decks[this.deck === 0 ? 1 : 0];
    this.audio.pause();
    if (url && other.dataset["song"] === url) {
      this.deck = this.deck === 0 ? 1 : 0;
      this.audio.currentTime = 0;
    } else if (url) {
      this.audio.src = url;
      this.audio.dataset["song"] = url;
    } else {
      this.audio.removeAttribute("src");
      delete this.audio.dataset["song"];
    }
    this.tell("song");
    this.tell("queue");
  }

  private start(): void {
    this.stopClips();
    this.load();
    if (this.song) this.audio.play().catch(() => this.tell("state"));
  }

  private ticked(): void {
    this.failures = 0;
    this.tell("time");
    const next = this.queue[this.at + 1], other = this.decks[this.deck === 0 ? 1 : 0];
    if (!next || this.duration - this.audio.currentTime > AHEAD || other.dataset["song"] === audioOf(next.id)) return;
    other.src = other.dataset["song"] = audioOf(next.id);
  }

  private ended(): void {
    if (this.at + 1 < this.queue.length) this.jump(this.at + 1);
    else {
      this.tell("state");
      this.tell("dry");
    }
  }

  private failed(): void {
    if (!this.audio.dataset["song"]) return;
    this.tell("failed");
    // A library on a disk that is not there must not be rushed through.
    if (++this.failures < 5 && this.at + 1 < this.queue.length) this.jump(this.at + 1);
    else this.tell("state");
  }

  private tell(what: "song" | "state" | "time" | "queue" | "dry" | "failed" | "clip"): void {
    this.dispatchEvent(new Event(what));
  }
}
