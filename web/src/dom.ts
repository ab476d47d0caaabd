// Elements. Whatever comes from tags becomes text nodes, so no markup in it ever runs.

type Child = Node | string | number | null | undefined | false;
type Props = Record<string, string | number | boolean | null | undefined | ((event: never) => void)>;

/** An element: functions become listeners, true an empty attribute, false and null none. */
export function h<K extends keyof HTMLElementTagNameMap>(tag: K, props: Props = {}, ...children: Child[]): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (typeof value === "function") element.addEventListener(name, value as EventListener);
    else if (value !== null && value !== undefined && value !== false) element.setAttribute(name, value === true ? "" : String(value));
  }
  for (const child of children) if (child !== null && child !== undefined && child !== false) element.append(typeof child === "number" ? String(child) : child);
  return element;
}

/** A name from tags, in its own direction of writing. */
export function name(text: string, kind = ""): HTMLElement {
  return h("bdi", { class: kind || null }, text);
}

/** The element of an id that index.html has. */
export function part<T extends HTMLElement = HTMLElement>(id: string): T {
  const found = document.getElementById(id);
  if (!found) throw new Error(`index.html has no #${id}`);
  return found as T;
}

/** A drawing that screen readers pass over. */
export function icon(shape: string): SVGSVGElement {
  const space = "http://www.w3.org/2000/svg";
  const svg = document.createElementNS(space, "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("aria-hidden", "true");
  const path = document.createElementNS(space, "path");
  path.setAttribute("d", SHAPES[shape] ?? "");
  svg.append(path);
  return svg;
}

const SHAPES: Record<string, string> = {
  play: "M7 4.5v15l13-7.5z",
  pause: "M6 5h4.2v14H6zM13.8 5H18v14h-4.2z",
  next: "M5 5v14l10-7zM16 5h3v14h-3z",
  previous: "M19 5v14L9 12zM5 5h3v14H5z",
  close: "M6.4 5 12 10.6 17.6 5 19 6.4 13.4 12l5.6 5.6-1.4 1.4-5.6-5.6L6.4 19 5 17.6l5.6-5.6L5 6.4z",
  pen: "M4 17.2V20h2.8L17 9.8 14.2 7zM15.6 5.6 17.2 4 20 6.8l-1.6 1.6z",
  up: "M12 7l7 8.5H5z",
  down: "M12 17L5 8.5h14z",
  heart: "M12 20.5 3.900 12.400a4.900 4.900 0 0 1 0-6.900 4.900 4.900 0 0 1 6.900 0L12 6.700l1.200-1.200a4.900 4.900 0 0 1 6.900 6.900z",
  save: "M11 4h2v8.2l3-3 1.4 1.4L12 16l-5.4-5.4L8 9.2l3 3zM5 18h14v2H5z",
};

/** A button that shows a drawing and is called by a name. */
export function iconButton(shape: string, label: string, onClick: () => void): HTMLButtonElement {
  return h("button", { type: "button", class: "icon", "aria-label": label, title: label, click: onClick }, icon(shape));
}

/** A button that shows and hides why a song is there. */
export function whyButton(title: string, reason: HTMLElement): HTMLButtonElement {
  reason.hidden = true;
  const button: HTMLButtonElement = h("button", { type: "button", class: "why", "aria-expanded": "false", "aria-label": `Why ${title}?`, click: () => {
    reason.hidden = !reason.hidden;
    button.setAttribute("aria-expanded", String(!reason.hidden));
  } }, "Why?");
  return button;
}

/** Minutes and seconds. */
export function clock(seconds: number): string {
  const whole = Number.isFinite(seconds) ? Math.max(0, Math.floor(seconds)) : 0;
  const [hours, minutes, rest] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  return (hours ? `${hours}:${String(minutes).padStart(2, "0")}` : `${minutes}`) + `:${String(rest).padStart(2, "0")}`;
}

/** Says a sentence to everybody: at the foot of the map, and to screen readers. */
export function say(sentence: string): void {
  const line = part("said");
  line.textContent = sentence;
  line.hidden = false;
  clearTimeout(fading);
  fading = setTimeout(() => (line.hidden = true), 6000);
}
let fading: ReturnType<typeof setTimeout> | undefined;
