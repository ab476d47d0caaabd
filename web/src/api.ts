// The questions that the page asks its own server, and nobody else.

export interface Song {
  id: number;
  path: string;
  artist: string | null;
  title: string | null;
  album: string | null;
  genre: string | null;
  year: number | null;
  duration: number;
  part: boolean;
}

export interface Match {
  here: [number, number];
  there: [number, number];
  similarity: number;
}

export interface Similar extends Song {
  similarity: number;
  why?: string;
  match?: Match | null;
}

export interface Listed extends Song {
  why?: string;
}

export interface Playlist {
  title: string;
  songs: Listed[];
}

export type Coded = { values: (string | number)[]; codes: number[] };
export type ColumnName = "artist" | "album" | "genre" | "year" | "title" | "group" | "isolation" | "hubness";
export type Method = "tsne" | "pca";

export interface Places {
  state: "ready";
  method: Method;
  snapshot: string; // changes with the songs and their space
  settled: boolean; // if not, a better map is being drawn
  ids: number[];
  x: number[];
  y: number[];
  columns: Partial<Record<ColumnName, Coded>>;
}

export interface Status {
  summary: Record<string, string | number>;
  failures: { path: string; reason: string; kind: string; advice: string }[];
  failed: number;
  ready: boolean;
  words: boolean; // whether songs can be found by what words mean
  sound: boolean; // whether songs can be heard, and likeness explained by their seconds: not of imported vectors
  version: string;
}

export interface Quality {
  summary: Record<string, string | number>;
  hubs: { song: string; "neighbour of": number }[];
}

export interface Kept {
  id: string;
  title: string;
  songs: number;
  seconds: number;
}

export interface Running {
  command: "learn" | "update";
  stage: string;
  done: number;
  total: number;
  left: number | null; // seconds, of this stage
  left_in_all: number | null;
  here: boolean; // begun by this server, so that it can be stopped
}

export interface Work {
  running: Running | null;
  last: { ok: boolean; sentence: string; ended: number } | null;
  snapshot: string;
  drawing: boolean;
}

export type Format = "m3u8" | "xspf" | "jspf";
/** What the server makes of a song that a browser cannot play as it is. */
export type Encoding = "mp3" | "opus" | "webm";

/** What the server answered instead: its own sentence. */
export class Refusal extends Error {
  constructor(readonly status: number, detail: string) {
    super(detail);
  }
}

const ROOT = "api/v1/";

type Asked = Record<string, string | number | boolean | undefined | (string | number)[]>;

function address(path: string, asked: Asked = {}): string {
  const query = new URLSearchParams();
  for (const [key, value] of Object.entries(asked)) {
    for (const one of Array.isArray(value) ? value : [value]) if (one !== undefined) query.append(key, String(one));
  }
  const text = query.toString();
  return ROOT + path + (text ? `?${text}` : "");
}

async function send(url: string, options: RequestInit = {}): Promise<Response> {
  let response: Response;
  try {
    response = await fetch(url, options);
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") throw error;
    throw new Refusal(0, "songspace does not answer: is `songspace serve` still running?");
  }
  if (response.ok) return response;
  const problem = (await response.json().catch(() => ({}))) as { detail?: unknown };
  throw new Refusal(response.status, typeof problem.detail === "string" ? problem.detail : `The server answered ${response.status}.`);
}

/** A song that has no title is called as its file. */
function called<T extends Song>(song: T): T {
  const file = song.path.split(/[\\/]/).pop() ?? "";
  return song.title ? song : { ...song, title: file.replace(/(.)\.[^.]*$/, "$1") || null };
}

async function get<T>(path: string, asked: Asked = {}, signal?: AbortSignal): Promise<T> {
  return (await send(address(path, asked), signal ? { signal } : {})).json() as Promise<T>;
}

const WRITING = { "X-Songspace": "1", "Content-Type": "application/json" };

export const audioOf = (id: number, asked: { format?: Encoding; start?: number } = {}): string => address(`songs/${id}/audio`, asked);
export const coverOf = (id: number): string => address(`songs/${id}/cover`);
export const fileOf = (id: string, format: Format): string => address(`playlists/${id}/file`, { format });

type Remarked = Playlist & { remarks: string[] };

const listed = <T extends Playlist>(list: T): T => ({ ...list, songs: list.songs.map(called) });

export const song = async (id: number): Promise<Song> => called(await get<Song>(`songs/${id}`));
export async function search(q: string, signal: AbortSignal): Promise<{ songs: Song[]; total: number }> {
  const { songs, total } = await get<{ songs: Song[]; total: number }>("songs", { q, limit: 30 }, signal);
  return { songs: songs.map(called), total };
}
let told: Promise<Status> | null = null;
/** What the library is like, asked once. */
async function about(): Promise<Status> {
  told ??= get<Status>("status", { limit: 0 });
  try {
    return await told;
  } catch (error) {
    told = null;
    throw error;
  }
}
export const hasSound = async (): Promise<boolean> => (await about()).sound;
/** Songs that sound as some words mean; none where the encoder knows no words. */
export async function meant(q: string, signal: AbortSignal): Promise<Song[]> {
  try {
    if (!(await about()).words) return [];
    return (await get<{ songs: Song[] }>("search", { q, count: 10 }, signal)).songs.map(called);
  } catch (error) {
    if (error instanceof Refusal) return []; // of these words the model knows none
    throw error;
  }
}
/** The library is another one than before: its encoder may know words now. */
export const askAgain = (): void => void (told = null);
export const neighbours = async (id: number, signal?: AbortSignal): Promise<{ similar: Similar[] }> => {
  const { similar } = await get<{ similar: Similar[] }>(`songs/${id}/neighbours`, { count: 12, explain: await hasSound() }, signal);
  return { similar: similar.map(called) };
};
export const radio = async (from: number[], more: { variety: number; without?: number[] }): Promise<Playlist> =>
  listed(await get<Playlist>("radio", { song: from, explain: await hasSound(), ...more }));
export const path = async (start: number, end: number, more: { variety: number }): Promise<Playlist> =>
  listed(await get<Playlist>("path", { start, end, explain: await hasSound(), ...more }));
export const line = async (points: [number, number][], method: Method, more: { length: number; variety: number; songs: number[] }): Promise<Remarked> =>
  listed(await ask<Remarked>("line", { points, method, explain: await hasSound(), ...more }));
export const mix = async (songs: number[], more: { length: number; variety: number }): Promise<Remarked> =>
  listed(await ask<Remarked>("mix", { songs, explain: await hasSound(), ...more }));
/** The order that flows; what was asked for is kept whole. */
export const order = async (songs: number[]): Promise<Remarked> => listed(await ask<Remarked>("order", { songs, versions: true }));
export const status = (): Promise<Status> => get("status", { limit: 200 });
export const quality = (): Promise<Quality> => get("status/quality");
export const playlists = (): Promise<{ playlists: Kept[] }> => get("playlists");
export async function kept(id: string): Promise<Kept & { entries: Song[] }> {
  const told = await get<Kept & { entries: Song[] }>(`playlists/${id}`);
  return { ...told, entries: told.entries.map(called) };
}

/** A question that is too long for an address. */
async function ask<T>(path: string, asked: unknown): Promise<T> {
  return (await send(address(path), { method: "POST", headers: WRITING, body: JSON.stringify(asked) })).json() as Promise<T>;
}

export async function keep(title: string, songs: number[]): Promise<Kept> {
  const response = await send(address("playlists"), { method: "POST", headers: WRITING, body: JSON.stringify({ title, songs }) });
  return response.json() as Promise<Kept>;
}

export async function rename(id: string, title: string): Promise<Kept> {
  const response = await send(address(`playlists/${id}`), { method: "PATCH", headers: WRITING, body: JSON.stringify({ title }) });
  return response.json() as Promise<Kept>;
}

export async function forget(id: string): Promise<void> {
  await send(address(`playlists/${id}`), { method: "DELETE", headers: WRITING });
}

/** Bring the token once; the browser keeps a cookie that no script can read. */
export async function enter(token: string): Promise<void> {
  await send(address("session"), { method: "POST", headers: { ...WRITING, Authorization: `Bearer ${token}` } });
}

/** The place of every song; by PCA for as long as the first better map is being drawn. */
export async function places(columns: ColumnName[]): Promise<Places> {
  const response = await send(address("map", { method: "tsne", column: columns }));
  if (response.status !== 202) return (await response.json()) as Places;
  return { ...(await get<Places>("map", { method: "pca", column: columns })), settled: false };
}

/** A column, which the first picture does not need; of the map that is there, for another one would be drawn first. */
export const column = async (name: ColumnName, method: Method): Promise<Places> => get<Places>("map", { method, column: [name] });

/** What works on the library, and whether there is something new to see. */
export const work = (): Promise<Work> => get("work");
export const beginUpdate = async (): Promise<Work> => (await send(address("update"), { method: "POST", headers: WRITING })).json() as Promise<Work>;
export const stopUpdate = async (): Promise<Work> => (await send(address("update"), { method: "DELETE", headers: WRITING })).json() as Promise<Work>;
