import { ApiError } from "./api";
import { find } from "./dom";
import { offer } from "./offer";

/** Runs what can fail. The banner then says what went wrong, and offers to run it again. */
export class Trouble {
  readonly #banner = find("#trouble", HTMLElement);
  readonly #main = find("main", HTMLElement);
  readonly #refused: (sentence: string) => void;

  /** `refused` is called with a sentence for the user when the server does not accept the token. */
  constructor(refused: (sentence: string) => void) {
    this.#refused = refused;
  }

  /** `failure` is a sentence that says what has not happened if `work` throws ApiError. */
  async attempt(failure: string, work: () => Promise<unknown>): Promise<void> {
    this.#banner.replaceChildren();
    try {
      await work();
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      if (error.status === 401) this.#refused(error.message);
      else if (error.mayPass) this.#offer("Retry", `${failure} ${error.message}`, () => this.attempt(failure, work));
      else this.#offer("Close", `${failure} ${error.message}`, () => this.#banner.replaceChildren());
    }
  }

  #offer(label: string, sentences: string, act: () => void): void {
    const before = document.activeElement;
    const banner = offer(sentences, label, () => {
      // The button is about to go: the focus returns to where the user was.
      const wasSomewhere = before instanceof HTMLElement && before !== document.body && before.isConnected;
      (wasSomewhere ? before : this.#main).focus();
      act();
    });
    this.#banner.replaceChildren(banner);
  }
}
