// The questions that the page asks its own server, and nobody else.

import type { LikedSongs, Map, PlaylistAnswer, Quality, RemarkedPlaylist, SavedInFull, SavedPlaylist, SimilarSong, SongFacts, Songs, Status, Work } from "./answers";

export type { BestMatch as Match, Coded, ListedSong as Listed, Map as Places, PlaylistAnswer as Playlist, Quality, Running, SavedPlaylist as Kept, SimilarSong as Similar, SongFacts as Song, Status, Work } from "./answers";

export type ColumnName = "artist" | "album" | "genre" | "year" | "title" | "group" | "isolation" | "hubness";
export type Method = Map["method"];
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
function called<T extends SongFacts>(song: T): T {
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

const listed = <T extends PlaylistAnswer>(list: T): T => ({ ...list, songs: list.songs.map(called) });

export const song = async (id: number): Promise<SongFacts> => called(await get<SongFacts>(`songs/${id}`));
export async function search(q: string, signal: AbortSignal): Promise<{ songs: SongFacts[]; total: number }> {
  const { songs, total } = await get<Songs>("songs", { q, limit: 30 }, signal);
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
export async function meant(q: string, signal: AbortSignal): Promise<SongFacts[]> {
  try {
    if (!(await about()).words) return [];
    return (await get<{ songs: SongFacts[] }>("search", { q, count: 10 }, signal)).songs.map(called);
  } catch (error) {
    if (error instanceof Refusal) return []; // of these words the model knows none
    throw error;
  }
}
/** The library is another one than before: its encoder may know words now. */
export const askAgain = (): void => void (told = null);
export const neighbours = async (id: number, signal?: AbortSignal): Promise<{ similar: SimilarSong[] }> => {
  const { similar } = await get<{ similar: SimilarSong[] }>(`songs/${id}/neighbours`, { count: 12, explain: await hasSound() }, signal);
  return { similar: similar.map(called) };
};
export const radio = async (from: number[], more: { variety: number; without?: number[]; minus?: number[] }): Promise<PlaylistAnswer> =>
  listed(await get<PlaylistAnswer>("radio", { song: from, explain: await hasSound(), ...more }));
export const path = async (start: number, end: number, more: { variety: number }): Promise<PlaylistAnswer> =>
  listed(await get<PlaylistAnswer>("path", { start, end, explain: await hasSound(), ...more }));
export const line = async (points: [number, number][], method: Method, more: { length: number; variety: number; songs: number[] }): Promise<RemarkedPlaylist> =>
  listed(await ask<RemarkedPlaylist>("line", { points, method, explain: await hasSound(), ...more }));
export const mix = async (songs: number[], more: { length: number; variety: number }): Promise<RemarkedPlaylist> =>
  listed(await ask<RemarkedPlaylist>("mix", { songs, explain: await hasSound(), ...more }));
/** The order that flows; what was asked for is kept whole. */
export const order = async (songs: number[]): Promise<RemarkedPlaylist> => listed(await ask<RemarkedPlaylist>("order", { songs, versions: true }));
export type Liked = "liked" | "starred" | "highest" | "frequent" | "recent" | "skipped" | "forgotten";
/** A list of what is liked and played. */
export async function likes(which: Liked): Promise<LikedSongs> {
  const told = await get<LikedSongs>("likes", { which, limit: 5000 });
  return { ...told, songs: told.songs.map(called) };
}
/** Songs that fit what is liked and often played. */
export async function suggested(): Promise<SongFacts[]> {
  const { suggestions } = await ask<{ suggestions: SongFacts[] }>("suggest", { count: 30 });
  return suggestions.map(called);
}
/** That a song was liked, played or skipped. */
export const tell = async (kind: "star" | "unstar" | "play" | "skip", song: number, time?: number): Promise<void> =>
  void (await ask("likes", { kind, songs: [song], player: "page", ...(time === undefined ? {} : { time }) }));
export const status = (): Promise<Status> => get("status", { limit: 200 });
export const quality = (): Promise<Quality> => get("status/quality");
export const playlists = (): Promise<{ playlists: SavedPlaylist[] }> => get("playlists");
export async function kept(id: string): Promise<SavedInFull> {
  const told = await get<SavedInFull>(`playlists/${id}`);
  return { ...told, entries: told.entries.map(called) };
}

/** A question that is too long for an address. */
async function ask<T>(path: string, asked: unknown): Promise<T> {
  return (await send(address(path), { method: "POST", headers: WRITING, body: JSON.stringify(asked) })).json() as Promise<T>;
}

export async function keep(title: string, songs: number[]): Promise<SavedPlaylist> {
  const response = await send(address("playlists"), { method: "POST", headers: WRITING, body: JSON.stringify({ title, songs }) });
  return response.json() as Promise<SavedPlaylist>;
}

export async function rename(id: string, title: string): Promise<SavedPlaylist> {
  const response = await send(address(`playlists/${id}`), { method: "PATCH", headers: WRITING, body: JSON.stringify({ title }) });
  return response.json() as Promise<SavedPlaylist>;
}

export async function forget(id: string): Promise<void> {
  await send(address(`playlists/${id}`), { method: "DELETE", headers: WRITING });
}

/** Bring the token once; the browser keeps a cookie that no script can read. */
export async function enter(token: string): Promise<void> {
  await send(address("session"), { method: "POST", headers: { ...WRITING, Authorization: `Bearer ${token}` } });
}

/** The place of every song; by PCA for as long as the first better map is being drawn. */
export async function places(columns: ColumnName[]): Promise<Map> {
  const response = await send(address("map", { method: "tsne", column: columns }));
  if (response.status !== 202) return (await response.json()) as Map;
  return { ...(await get<Map>("map", { method: "pca", column: columns })), settled: false };
}

/** A column, which the first picture does not need; of the map that is there, for another one would be drawn first. */
export const column = async (name: ColumnName, method: Method): Promise<Map> => get<Map>("map", { method, column: [name] });

/** What works on the library, and whether there is something new to see. */
export const work = (): Promise<Work> => get("work");
export const beginUpdate = async (): Promise<Work> => (await send(address("update"), { method: "POST", headers: WRITING })).json() as Promise<Work>;
export const stopUpdate = async (): Promise<Work> => (await send(address("update"), { method: "DELETE", headers: WRITING })).json() as Promise<Work>;
