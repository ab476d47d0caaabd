// One audio element, and where its song is: in the file itself, or in the form that the server encodes while it sends it.

import { audioOf, type Encoding, type Song } from "./api";

const probe = new Audio();
const plays = (type: string): boolean => probe.canPlayType(type) !== "";

/** What the server may encode a song as, the best first; null if this browser plays none of it. */
const ENCODING: Encoding | null = plays('audio/webm; codecs="opus"') ? "webm" : plays('audio/ogg; codecs="opus"') ? "opus" : plays("audio/mpeg") ? "mp3" : null;

// As formats.py of the server has them. Where that is not enough, the browser finds out by itself.
const TYPES: Record<string, string> = {
  mp3: "audio/mpeg", mp2: "audio/mpeg", flac: "audio/flac", wav: "audio/wav", wave: "audio/wav", w64: "audio/x-w64",
  aiff: "audio/aiff", aif: "audio/aiff", aifc: "audio/aiff", caf: "audio/x-caf", au: "audio/basic", snd: "audio/basic",
  opus: 'audio/ogg; codecs="opus"', spx: 'audio/ogg; codecs="speex"', ogg: "audio/ogg", oga: "audio/ogg",
  m4a: "audio/mp4", m4b: "audio/mp4", mp4: "audio/mp4", alac: 'audio/mp4; codecs="alac"', aac: "audio/aac",
  weba: "audio/webm", mka: "audio/webm", wma: "audio/x-ms-wma", asf: "audio/x-ms-wma", wv: "audio/x-wavpack",
  ape: "audio/x-ape", mpc: "audio/x-musepack", tta: "audio/x-tta", dsf: "audio/x-dsf", dff: "audio/x-dff",
};

/** Songs that turned out to be nothing that this browser plays as they are. */
const unplayable = new Set<number>();

function needsEncoding(song: Song): boolean {
  const type = TYPES[/\.(\w+)$/.exec(song.path)?.[1]?.toLowerCase() ?? ""];
  return ENCODING !== null && (song.part || unplayable.has(song.id) || (type !== undefined && !plays(type)));
}

export class Deck {
  readonly audio = new Audio();
  song: Song | null = null;
  private encoded = false;
  /** The second of the song at which what is encoded begins. */
  private begins = 0;
  private wanted = false;
  /** Where it was when it was cut short last. */
  private stopped = -1;

  constructor() {
    this.audio.preload = "auto";
  }

  get time(): number {
    return this.begins + this.audio.currentTime;
  }
  /** What is encoded while it is sent does not say how long it will be. */
  get duration(): number {
    const { duration } = this.audio, known = this.song?.duration ?? 0;
    return this.encoded || !Number.isFinite(duration) ? known : duration;
  }
  /** Whether it plays, or will as soon as it can. */
  get playing(): boolean {
    return this.wanted && !this.audio.ended;
  }

  load(song: Song, at = 0): void {
    this.song = song;
    [this.encoded, this.wanted, this.stopped] = [needsEncoding(song), false, -1];
    this.open(at);
  }

  empty(): void {
    this.song = null;
    [this.encoded, this.wanted, this.begins] = [false, false, 0];
    this.audio.removeAttribute("src");
    this.audio.load(); // lets go of the connection
  }

  play(): void {
    this.wanted = true;
    this.audio.play().catch((error: unknown) => {
      if (error instanceof DOMException && error.name === "NotAllowedError") this.pause();
    });
  }

  pause(): void {
    this.wanted = false;
    this.audio.pause();
    this.audio.dispatchEvent(new Event("pause")); // also where it had not begun
  }

  /** Stops for now. What is being encoded is not kept waiting: another listener may need the place. */
  rest(): void {
    if (this.encoded && !this.audio.ended) this.empty();
    else this.pause();
  }

  seek(seconds: number): void {
    const at = Math.min(Math.max(seconds, 0), Math.max(this.duration - 0.2, 0));
    if (!this.encoded || this.holds(at - this.begins)) this.audio.currentTime = at - this.begins;
    else this.reopen(at);
  }

  /** Goes on where it ended, if that is not the song's end: the connection was lost, or another listener needed it. */
  resume(): boolean {
    if (!this.encoded || this.audio.currentTime === 0 || this.duration - this.time < 3 || this.time < this.stopped + 1) return false;
    this.stopped = this.time;
    this.reopen(this.time);
    return true;
  }

  /** After an error: tries what is encoded, or goes on from here. False if neither helps. */
  rescue(): boolean {
    // What gave nothing at all is not asked for again: its file may be gone.
    if (!this.song || this.encoded || ENCODING === null) return this.resume();
    const at = this.audio.currentTime;
    if (at === 0) unplayable.add(this.song.id);
    this.encoded = true;
    this.reopen(at);
    return true;
  }

  /** Whether it was cut short where nothing more can be had: for the listener, the song has ended. */
  get over(): boolean {
    return this.stopped >= 0;
  }

  private holds(seconds: number): boolean {
    const { buffered } = this.audio;
    for (let i = 0; i < buffered.length; i++) if (seconds >= buffered.start(i) && seconds < buffered.end(i)) return true;
    return false;
  }

  private reopen(at: number): void {
    this.open(at);
    if (this.wanted) this.play();
  }

  private open(at: number): void {
    if (!this.song) return;
    this.begins = this.encoded ? at : 0;
    this.audio.src = this.encoded && ENCODING ? audioOf(this.song.id, { format: ENCODING, start: at }) : audioOf(this.song.id);
    if (!this.encoded && at > 0) this.audio.currentTime = at; // it is kept until the file is open
  }
}
