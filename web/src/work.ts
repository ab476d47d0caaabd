// What works on the library: how far it is, the button that looks for new music, and word of what there is to see.

import * as api from "./api";
import { h, part, say } from "./dom";

const SOON = 2000, LATER = 10_000; // milliseconds until the next look: while something is at work, and otherwise

const DOING: Record<string, string> = {
  "": "Looking through the folders",
  listening: "Listening to songs",
  learning: "Learning how songs sound",
  encoding: "Placing songs",
};

function duration(seconds: number): string {
  if (seconds < 90) return "about a minute left";
  if (seconds < 5400) return `about ${Math.round(seconds / 60)} minutes left`;
  return `about ${Math.round(seconds / 3600)} hours left`;
}

/** What a run does, how much of it is done, and how long that will take. */
export function sentence({ stage, done, total, left, left_in_all }: api.Running): string {
  const doing = DOING[stage] ?? `At work: ${stage}`;
  const share = total > 0 ? `${Math.floor((100 * done) / total)} % of ${total.toLocaleString()}` : "";
  const seconds = left_in_all ?? left; // whoever waits, waits for all of it
  return [doing, share, seconds === null || !share ? "" : duration(seconds)].filter(Boolean).join(", ");
}

export class Work {
  /** For the library's panel. */
  readonly section: HTMLElement;
  private readonly line = part("work");
  private readonly bar = h("progress", { max: 1, "aria-labelledby": "work-says" });
  private readonly says = h("span", { id: "work-says" });
  private readonly stop = h("button", { type: "button", click: () => void this.ask(api.stopUpdate) }, "Stop");
  private readonly button = h("button", { type: "button", id: "update", click: () => void this.ask(api.beginUpdate) }, "Update");
  private readonly outcome = h("p", { class: "more", id: "outcome", role: "status" });
  private ended = 0; // when the update ended whose outcome is shown
  private first = true;
  private timer: ReturnType<typeof setTimeout> | undefined;

  /** `look` is told of every answer, and says whether it waits for something. */
  constructor(private readonly look: (work: api.Work) => Promise<boolean>) {
    this.section = h("section", {}, h("div", { class: "actions" }, this.button), h("p", { class: "more" }, "Takes in what is new, changed or gone in your folders."), this.outcome);
    this.line.append(this.bar, this.says, this.stop);
    document.addEventListener("visibilitychange", () => this.next(0));
  }

  /** Looks at once, and from then on now and then, as long as the page can be seen. */
  begin(): void {
    this.next(0);
  }

  private next(wait: number): void {
    clearTimeout(this.timer);
    if (!document.hidden) this.timer = setTimeout(() => void this.poll(), wait);
  }

  private async poll(): Promise<void> {
    let waits = false;
    try {
      const work = await api.work();
      this.show(work);
      waits = (await this.look(work)) || work.running !== null;
    } catch (error) {
      this.line.hidden = true; // a server that has ended tells nothing, and is asked again
      if (error instanceof api.Refusal && error.status === 401) return;
    }
    this.next(waits ? SOON : LATER);
  }

  private async ask(what: () => Promise<api.Work>): Promise<void> {
    try {
      this.show(await what());
    } catch (error) {
      this.outcome.textContent = error instanceof Error ? error.message : String(error);
      if (part("library").hidden) say(this.outcome.textContent);
    }
    this.next(SOON / 4);
  }

  private show({ running, last }: api.Work): void {
    this.line.hidden = running === null;
    document.body.classList.toggle("working", running !== null);
    this.button.textContent = running?.command === "learn" ? "Learning…" : running ? "Updating…" : "Update";
    if (running) {
      if (running.total > 0) this.bar.value = running.done / running.total;
      else this.bar.removeAttribute("value");
      this.says.textContent = sentence(running);
      this.stop.hidden = !running.here;
    }
    if (last && last.ended !== this.ended) {
      if (!this.first && part("library").hidden) say(last.sentence);
      this.ended = last.ended;
      this.outcome.textContent = last.sentence;
    }
    this.first = false;
  }
}
