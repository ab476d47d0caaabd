"""What the API answers, as its OpenAPI document tells it.

Answers are made by :mod:`songspace.answers`, as for the command line's ``--json``, and sent as they are; the models
describe them, and the tests hold every answer to its model.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field


class Told(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Song(Told):
    id: int
    path: str
    artist: str | None
    title: str | None
    album: str | None
    genre: str | None
    year: int | None
    duration: float = Field(description="Seconds.")
    part: bool = Field(description="Whether it is a part of its file, as a CUE sheet says: it is sent encoded.")


class SongInFull(Song):
    name: str
    albumartist: str | None
    track: int | None
    disc: int | None
    recording_mbid: str | None
    release_mbid: str | None
    artist_mbid: str | None
    artists: list[str]
    genres: list[str]
    in_space: bool


class Songs(Told):
    songs: list[Song]
    total: int
    offset: int
    next: int | None = Field(description="The offset of the next page, if there is one.")


class Beside(Told):
    id: int
    similarity: float | None


class Matched(Told):
    here: list[float] = Field(description="From and to, in seconds.")
    there: list[float]
    similarity: float


class Match(Matched):
    kind: str
    stronger_than: float | None
    also: list[Matched]


class SimilarSong(Song):
    distance: float
    similarity: float = Field(description="The cosine, -1 to 1: 1 - distance² / 2.")
    why: str | None = None
    beside: Beside | None = None
    match: Match | None = None


class SimilarSongs(Told):
    of: list[Song]
    similar: list[SimilarSong]


class MeantSong(Song):
    similarity: float = Field(
        description="The cosine with the words, -1 to 1; of an ear's words the mean of its ranks, 0 to 1."
    )


class MeantSongs(Told):
    words: str
    unknown: list[str] = Field(description="Words that the ear does not know.")
    songs: list[MeantSong]


class Listed(Song):
    why: str | None = None


class Smoothness(Told):
    largest: float
    mean: float
    typical: float
    largest_at: int
    largest_share: float
    mean_share: float


class Playlist(Told):
    title: str
    songs: list[Listed]
    steps: list[float]
    smoothness: Smoothness


class Ordered(Playlist):
    remarks: list[str] = Field(description="What was left out, and which gaps became smaller.")


class Mix(Told):
    name: str
    songs: list[Song]
    artists: int
    seconds: float
    region: int
    coherence: float
    smoothness: Smoothness


class Mixes(Told):
    mixes: list[Mix]
    seed: int


class Suggestion(Song):
    similarity: float
    taste: int
    because: Song
    others: int
    why: str


class Suggestions(Told):
    suggestions: list[Suggestion]


Interval = list[float] | None


class Figure(Told):
    value: float | None
    interval: Interval


class Share(Figure):
    chance: float | None = None


class Distance(Told):
    name: str
    distance: float


class Overlap(Told):
    name: str
    overlap: float


class Edge(Song):
    towards: str
    margin: float


class Region(Told):
    name: str
    songs: int
    units: int
    spread: float
    at_home: Share
    nearest: list[Distance]
    overlaps: list[Overlap]
    heart: list[Song]
    border: list[Edge]


class Pair(Told):
    names: list[str]
    overlap: Figure
    distance: float


class Joint(Told):
    parts: list[int]
    distance: float
    regions: int


class Tree(Told):
    order: list[str]
    joints: list[Joint]


class Small(Told):
    name: str
    songs: int


class Regions(Told):
    """As ``songspace geometry --json`` tells it."""

    of: str
    songs: int
    unlabelled: int
    several: int
    typical: float
    at_home: Share
    regions: list[Region]
    overlaps: list[Pair]
    tree: Tree
    distances: list[list[float]]
    fewest: int
    small: list[Small]
    beyond: int


class OnTheWay(Told):
    name: str
    songs: int
    position: Figure
    offset: Figure
    margin: Figure | None
    step: Figure
    between: Literal["yes", "no", "unsure", "unknown"]


class Along(Song):
    position: float
    offset: float


class Between(Told):
    from_: Small = Field(alias="from")
    to: Small
    length: float
    between: list[OnTheWay]
    songs: list[Along]


class Station(Told):
    name: str
    year: int | None
    songs: list[Song]
    moved: float | None
    farther_than: float | None
    nearest: list[Distance]


class Yardstick(Told):
    pairs: int
    median: float | None


class Drift(Told):
    albums: int
    years: int | None = None
    correlation: float | None
    p: float | None


class Years(Told):
    artist: str
    station: str
    stations: list[Station]
    left_out: int
    two_albums_of_one_artist: Yardstick
    two_songs_of_different_artists: float | None
    drift: Drift


class Coded(Told):
    values: list[str | int | float] = Field(description="What there is, the most common first.")
    codes: list[int] = Field(description="For each song a place in values, or -1.")


class Map(Told):
    """A place for every song of the space, from -1 to 1 across and upwards; a song stays about where it was before."""

    state: Literal["ready"]
    method: Literal["tsne", "pca"]
    snapshot: str = Field(description="Changes with the space, its songs and what is known of them: see /work.")
    settled: bool = Field(description="Whether it is the map of this space; if not, one from before, and it is drawn.")
    ids: list[int]
    x: list[float]
    y: list[float]
    columns: dict[str, Coded]


class Computing(Told):
    """The map is being drawn: ask again."""

    state: Literal["computing"]
    method: Literal["tsne", "pca"]
    seconds: float = Field(description="Since it was begun.")


class Running(Told):
    command: str = Field(description="learn or update.")
    stage: str = Field(description="What it does, as listening; empty at the beginning.")
    done: int = Field(description="How much of the stage is done.")
    total: int = Field(description="How much there is to do in this stage; 0 where that is not known.")
    left: float | None = Field(description="Seconds until the stage is done, as far as can be told.")
    left_in_all: float | None = Field(description="Seconds until all of it is done, as far as can be told.")
    began: float = Field(description="Seconds since 1970.")
    here: bool = Field(description="Whether it was begun here, so that it can be stopped here.")


class Outcome(Told):
    ok: bool
    sentence: str = Field(description="What has changed; or why nothing could be done.")
    ended: float = Field(description="Seconds since 1970.")


class Work(Told):
    """What works on the library, and what has changed for whoever looks at it."""

    running: Running | None
    last: Outcome | None = Field(description="What came of the last update that was begun here.")
    snapshot: str = Field(description="Changes with the space, its songs and what is known of them.")
    drawing: bool = Field(description="Whether a better map is in the making.")


class Failure(Told):
    path: str
    reason: str
    kind: str = Field(description="What it has in common with others for which the same is to be done.")
    advice: str = Field(description="What to do about it.")


class Hub(Told):
    song: str
    neighbour_of: int = Field(alias="neighbour of")


class AwayPlace(Told):
    path: str
    songs: int
    since: str
    why: str


class Status(Told):
    summary: dict[str, Any]
    away: list[AwayPlace] = Field(description="Where songs cannot be reached now, since when and why.")
    failures: list[Failure]
    failed: int = Field(description="How many files could not be read, of which failures is one page.")
    ready: bool = Field(description="Whether there is a space, so that questions are answered.")
    words: bool = Field(description="Whether the encoder knows words, so that /search is answered.")
    sound: bool = Field(description="Whether songs can be heard, and explained by: not where vectors were imported.")
    version: str


class Quality(Told):
    """The rest of what ``songspace status --json`` tells."""

    summary: dict[str, Any]
    hubs: list[Hub]


class SavedPlaylist(Told):
    id: str
    title: str
    songs: int
    seconds: float


class SavedPlaylists(Told):
    playlists: list[SavedPlaylist]


class SavedEntry(Told):
    song: int | None = Field(description="None while it is not here.")
    name: str
    away: float | None = Field(description="Since when it is away, in seconds since 1970, if that is known.")


class SavedInFull(SavedPlaylist):
    entries: list[Song] = Field(description="The songs that are here.")
    missing: list[str] = Field(description="What it holds that is not here.")
    order: list[SavedEntry] = Field(description="All that it holds, each in its place.")


class Health(Told):
    status: Literal["ok"]
    version: str
