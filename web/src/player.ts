// What plays: a queue, and two decks that take turns, so that the next song is there before it is needed.

import type { Listed, Song } from "./api";
import { Deck } from "./deck";

const AHEAD = 25; // seconds before the end at which the next song is fetched
const FADE = 0.15; // seconds, at both ends of a clip

export interface Clip {
  song: Song;
  from: number;
  to: number;
}

export class Player extends EventTarget {
  queue: Listed[] = [];
  at = -1;
  /** Whether its songs have no sound: it keeps the queue, and plays nothing. */
  silent = false;
  private readonly decks = [new Deck(), new Deck()] as const;
  private turn: 0 | 1 = 0;
  private readonly clip = new Deck();
  private clips: Clip[] = [];
  private watching: ReturnType<typeof setInterval> | undefined;
  private goesOn = false;
  private failures = 0;
  private loudness = 1;

  constructor() {
    super();
    for (const deck of this.decks) {
      const heard = (event: string, act: () => void): void =>
        deck.audio.addEventListener(event, () => {
          if (deck === this.deck) act();
        });
      heard("timeupdate", () => this.ticked());
      heard("ended", () => deck.resume() || this.ended());
      for (const event of ["play", "pause", "loadedmetadata"]) heard(event, () => this.tell("state"));
      deck.audio.addEventListener("error", () => {
        if (!deck.song || deck.rescue() || deck !== this.deck) return;
        if (deck.over) this.ended();
        else this.failed();
      });
    }
    this.clip.audio.addEventListener("ended", () => this.clip.resume() || this.nextClip());
    this.clip.audio.addEventListener("error", () => {
      if (this.clip.song && !this.clip.rescue()) this.nextClip();
    });
  }

  private get deck(): Deck {
    return this.decks[this.turn];
  }
  private get other(): Deck {
    return this.decks[this.turn === 0 ? 1 : 0];
  }
  get song(): Listed | null {
    return this.queue[this.at] ?? null;
  }
  get playing(): boolean {
    return this.deck.playing || this.clips.length > 0;
  }
  get time(): number {
    return this.deck.time;
  }
  get duration(): number {
    return this.deck.duration;
  }

  /** Plays a song now: it is put after the one that plays, and what was to come stays. */
  playNow(song: Listed): void {
    if (this.song?.id !== song.id) this.queue.splice(++this.at, 0, song);
    this.start();
  }

  /** Plays a list in place of the queue. A song that plays and begins the list goes on playing. */
  playList(songs: Listed[]): void {
    const goesOn = this.song !== null && this.song.id === songs[0]?.id && this.deck.playing;
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
      return this.deck.playing ? this.start() : this.load();
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

  /** On to the next song, because the listener wants so. */
  next(): void {
    this.tell("skipped");
    if (this.at + 1 < this.queue.length) this.jump(this.at + 1);
    else this.tell("dry");
  }

  /** Back to the beginning, or from there to the song before. */
  previous(): void {
    if (this.time > 4 || this.at <= 0) this.seek(0);
    else this.jump(this.at - 1);
  }

  toggle(): void {
    if (this.playing) this.pause();
    else this.play();
  }

  pause(): void {
    this.stopClips();
    this.deck.pause();
  }

  play(): void {
    this.stopClips();
    if (this.song && !this.silent) this.deck.play();
  }

  seek(seconds: number): void {
    this.deck.seek(seconds);
    this.tell("time");
  }

  set volume(share: number) {
    this.loudness = share;
    for (const deck of [...this.decks, this.clip]) deck.audio.volume = share;
  }

  /** Plays some seconds of songs, one after the other; what played before goes on afterwards. */
  playClips(clips: Clip[]): void {
    const goesOn = this.deck.playing || this.goesOn;
    this.deck.pause();
    this.clips = [...clips];
    this.goesOn = goesOn;
    this.startClip();
  }

  stopClips(): void {
    if (!this.clips.length) return;
    this.clips = [];
    this.startClip();
  }

  get clipPlaying(): Song | null {
    return this.clips[0]?.song ?? null;
  }

  private nextClip(): void {
    this.clips.shift();
    const { goesOn } = this;
    this.startClip();
    if (!this.clips.length && goesOn) this.deck.play();
  }

  private startClip(): void {
    clearInterval(this.watching);
    const clip = this.clips[0];
    if (clip) {
      this.clip.load(clip.song, clip.from);
      this.clip.audio.volume = 0;
      this.clip.play();
      this.watching = setInterval(() => this.watchClip(clip), 30);
    } else {
      this.clip.empty();
      this.goesOn = false;
    }
    this.tell("clip");
    this.tell("state");
  }

  /** Fades a clip in and out, and ends it where it should end; an element says only now and then how far it is. */
  private watchClip(clip: Clip): void {
    const { time } = this.clip;
    if (time >= clip.to) return this.nextClip();
    const share = Math.min((time - clip.from) / FADE, (clip.to - time) / FADE, 1);
    this.clip.audio.volume = this.loudness * Math.max(share, 0);
  }

  private load(): void {
    const { song, deck, other } = this;
    if (song && other.song?.id === song.id && !other.audio.error) {
      deck.rest();
      this.turn = this.turn === 0 ? 1 : 0;
      if (other.time > 0) other.seek(0);
    } else if (song && !this.silent) deck.load(song);
    else deck.empty();
    this.tell("song");
    this.tell("queue");
  }

  private start(): void {
    this.stopClips();
    this.load();
    if (this.song && !this.silent) this.deck.play();
  }

  private ticked(): void {
    this.failures = 0;
    this.tell("time");
    const next = this.queue[this.at + 1];
    if (next && this.duration - this.time <= AHEAD && this.other.song?.id !== next.id) this.other.load(next);
  }

  private ended(): void {
    if (this.at + 1 < this.queue.length) this.jump(this.at + 1);
    else {
      this.tell("state");
      this.tell("dry");
    }
  }

  private failed(): void {
    this.tell("failed");
    this.deck.pause();
    // A library on a disk that is not there must not be rushed through.
    if (++this.failures < 5 && this.at + 1 < this.queue.length) this.jump(this.at + 1);
    else this.tell("state");
  }

  private tell(what: "song" | "state" | "time" | "queue" | "dry" | "failed" | "clip" | "skipped"): void {
    this.dispatchEvent(new Event(what));
  }
}
