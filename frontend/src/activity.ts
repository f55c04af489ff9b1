import { type Activity, type Api, ApiError } from "./api";
import { find, stamp } from "./dom";

const REFRESH_MS = 4000;
const TIME = new Intl.DateTimeFormat(undefined, { month: "short", day: "numeric", hour: "numeric", minute: "2-digit" });

/** The latest events, newest first. They arrive late, so the list is reloaded while it is open. */
export class ActivityList {
  readonly #details = find("#activity", HTMLDetailsElement);
  readonly #note = find("#activity-note", HTMLElement);
  readonly #list = find("#activities", HTMLOListElement);
  readonly #api: Api;
  #timer = 0;

  constructor(api: Api) {
    this.#api = api;
    this.#details.addEventListener("toggle", () => {
      window.clearInterval(this.#timer);
      if (!this.#details.open) return;
      this.#timer = window.setInterval(() => void this.#refresh(), REFRESH_MS);
      void this.#refresh();
    });
  }

  async #refresh(): Promise<void> {
    if (document.hidden) return;
    try {
      const activities = await this.#api.activity();
      this.#list.replaceChildren(...activities.map(entry));
      this.#note.textContent = activities.length > 0 ? "" : "Nothing yet. What you do shows up here a little later.";
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      window.clearInterval(this.#timer);
      this.#note.textContent = `The activity is not up to date. ${error.message} Open it again to retry.`;
    }
  }
}

function entry({ type, title, at }: Activity): HTMLElement {
  const item = stamp("activity-entry");
  const time = find("time", HTMLTimeElement, item);
  find(".operation", HTMLElement, item).textContent = type.replace("todo.", "");
  find(".title", HTMLElement, item).textContent = title;
  time.dateTime = at;
  time.textContent = TIME.format(new Date(at));
  return item;
}
