"""What the API is asked, and what it answers: the types of its OpenAPI document.

Answers are made by :mod:`songspace.asking`, as for the command line's ``--json``, and sent as they are; the models
describe them, and the tests hold every answer to its model.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import Path
from pydantic import BaseModel, ConfigDict, Field, model_validator

from songspace.asking.playlists import DEFAULT_GAP
from songspace.asking.ruling import Ruling
from songspace.playlists.steps import TRANSITION

LONGEST_LIST = 300
"""Songs in a list that is made."""
LONGEST_ORDER = 1000
"""Songs that are put into order, or are liked."""
LONGEST_SAVED = 5000
"""Songs in a playlist that is kept."""
LONGEST_LINE = 1000
"""Corners of a line that is drawn."""
LARGEST_REGION = 20_000
"""Songs that a mix is made from."""

Id = Annotated[int, Field(ge=1, le=2**53 - 1)]
SongId = Annotated[int, Path(ge=1, le=2**53 - 1, description="A song's number in this library.")]
PlaylistId = Annotated[str, Path(pattern=r"^[0-9a-f]{16}$")]
Name = Annotated[str, Field(min_length=1, max_length=500)]


class Asked(BaseModel):
    """What is not known of a question, is refused: a slip would go unnoticed otherwise."""

    model_config = ConfigDict(extra="forbid")


# Questions


class SongsQuery(Asked):
    q: str | None = Field(None, max_length=200, description="Words of artist, title, album and file name.")
    where: str | None = Field(None, max_length=2000, description='As in "year >= 1990 and genre ~ jazz".')
    limit: int = Field(100, ge=1, le=1000)
    offset: int = Field(0, ge=0, le=10**9)


class NeighboursQuery(Asked):
    count: int = Field(10, ge=1, le=500)
    explain: bool = Field(False, description="Say which seconds sound alike.")


class AudioQuery(Asked):
    format: Literal["mp3", "opus", "webm"] | None = Field(
        None, description="Encoded while it is sent, without ranges: Opus comes in Ogg, or in WebM. None: as it is."
    )
    start: float = Field(0.0, ge=0, le=10**6, description="The second at which what is encoded begins.")

    @model_validator(mode="after")
    def _only_what_is_encoded_begins_elsewhere(self) -> AudioQuery:
        if self.start and self.format is None:
            raise ValueError("start needs a format: of the file as it is, ask for a range")
        return self


class SimilarQuery(NeighboursQuery):
    song: list[Id] = Field(min_length=1, max_length=50)


class Rules(Asked):
    """The rules of a list, as for ``songspace playlist``."""

    artist_gap: int = Field(DEFAULT_GAP, ge=0, le=100, description="Least songs between two of one artist.")
    album_gap: int = Field(0, ge=0, le=100, description="Least songs between two of one album.")
    most_of_artist: int | None = Field(None, ge=1, le=1000, description="At most so many songs of one artist.")
    versions: bool = Field(False, description="Several versions of one song may be in it.")
    shortest: float | None = Field(None, ge=0, le=10**6, description="Seconds.")
    longest: float | None = Field(None, ge=0, le=10**6, description="Seconds.")
    where: str | None = Field(None, max_length=2000, description='As in "year >= 1990 and genre ~ jazz".')
    without: list[Id] = Field([], max_length=LONGEST_ORDER, description="Songs to leave out.")

    def ruling(self) -> Ruling:
        """These rules for the rooms that make lists."""
        return Ruling(
            self.artist_gap,
            self.album_gap,
            self.most_of_artist,
            self.versions,
            self.shortest,
            self.longest,
            self.where,
            without=tuple(self.without),
        )


class ListRules(Rules):
    length: int | None = Field(None, ge=1, le=LONGEST_LIST, description="Songs; 20, if there are so many.")
    minutes: float | None = Field(None, ge=1, le=1200, description="About so many minutes.")
    variety: float = Field(0.0, ge=0, le=1, description="0: the best; 1: the most varied.")
    seed: int = Field(0, ge=0, le=2**32 - 1)
    transition: float = Field(
        TRANSITION, ge=0, le=1, description="How much a song's end and the next one's beginning weigh in a step."
    )
    explain: bool = Field(False, description="Say why each song is there.")


class RadioQuery(ListRules):
    song: list[Id] = Field(min_length=1, max_length=50)
    minus: list[Id] = Field([], max_length=50, description="Songs to steer away from.")


class PathQuery(ListRules):
    start: Id
    end: Id
    via: list[Id] = Field([], max_length=20)


class OrderAsked(Rules):
    songs: list[Id] = Field(min_length=1, max_length=LONGEST_ORDER)
    first: Id | None = None
    last: Id | None = None
    loosen: bool = Field(True, description="Keep smaller gaps where these songs cannot keep those asked for.")
    transition: float = Field(TRANSITION, ge=0, le=1)
    explain: bool = False


class MixesQuery(Rules):
    count: int | None = Field(None, ge=1, le=50, description="How many; as many as the library falls into.")
    length: int | None = Field(None, ge=1, le=LONGEST_LIST)
    minutes: float | None = Field(None, ge=1, le=1200)
    variety: float = Field(0.3, ge=0, le=1)
    seed: int = Field(0, ge=0, le=2**32 - 1)


Coordinate = Annotated[float, Field(ge=-10, le=10, allow_inf_nan=False)]
Method = Literal["tsne", "pca"]


class LineAsked(ListRules):
    points: list[Annotated[list[Coordinate], Field(min_length=2, max_length=2)]] = Field(
        min_length=1, max_length=LONGEST_LINE, description="The corners of the line, as places on the map: x and y."
    )
    method: Method = Field("tsne", description="The map that it was drawn on.")
    songs: list[Id] = Field(
        [], max_length=LARGEST_REGION, description="The songs to choose from; all, if none are named."
    )


class MixAsked(ListRules):
    songs: list[Id] = Field(min_length=1, max_length=LARGEST_REGION, description="The songs to choose from.")


class SuggestAsked(Rules):
    like: list[Id] = Field(min_length=1, max_length=LONGEST_ORDER)
    dislike: list[Id] = Field([], max_length=LONGEST_ORDER)
    count: int = Field(20, ge=1, le=LONGEST_LIST)
    most_of_artist: int | None = Field(3, ge=1, le=1000)


class RegionsQuery(Asked):
    most: int = Field(200, ge=2, le=500, description="Look at so many regions, the largest.")


class BetweenQuery(RegionsQuery):
    a: Name
    b: Name


class YearsQuery(Asked):
    artist: Name


Tag = Literal["artist", "title", "album", "genre", "year"]
Trait = Literal["group", "isolation", "hubness"]


class MapQuery(Asked):
    method: Method = "tsne"
    column: list[Tag | Trait] = Field(
        [],
        max_length=8,
        description="What to tell of each song beside its place: tags; the group that it falls into by sound; how far "
        "the tenth nearest song is; in how many songs' ten nearest it stands.",
    )


class FailuresQuery(Asked):
    limit: int = Field(100, ge=0, le=1000)
    offset: int = Field(0, ge=0, le=10**9)


class FileQuery(Asked):
    format: Literal["m3u8", "xspf", "jspf"] = "m3u8"


class PlaylistAsked(Asked):
    title: str = Field(min_length=1, max_length=200)
    songs: list[Id] = Field(min_length=1, max_length=LONGEST_SAVED)


class PlaylistChanged(Asked):
    title: str | None = Field(None, min_length=1, max_length=200, description="As it was, if left out.")
    songs: list[Id] | None = Field(
        None, min_length=1, max_length=LONGEST_SAVED, description="All of them; as they were, if left out."
    )


# Answers


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


class SongInFull(Song):
    name: str
    albumartist: str | None
    track: int | None
    disc: int | None
    recording_mbid: str | None
    release_mbid: str | None
    artist_mbid: str | None
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


class Status(Told):
    summary: dict[str, Any]
    failures: list[Failure]
    failed: int = Field(description="How many files could not be read, of which failures is one page.")
    ready: bool = Field(description="Whether there is a space, so that questions are answered.")
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


class SavedInFull(SavedPlaylist):
    entries: list[Song]
    missing: list[str] = Field(description="What it holds that the library has no more.")


class Health(Told):
    status: Literal["ok"]
    version: str
