import { ApiError } from "./api";
import { find } from "./dom";
import { offer } from "./offer";

/** Runs work that may fail. The banner then shows the error and a button to retry. */
export class Trouble {
  readonly #banner = find("#trouble", HTMLElement);
  readonly #main = find("main", HTMLElement);
  readonly #refused: (sentence: string) => void;

  /** Calls `refused` with a sentence for the user when the server rejects the token. */
  constructor(refused: (sentence: string) => void) {
    this.#refused = refused;
  }

  /** `failure` is the sentence for the user if `work` throws ApiError. */
  async attempt(failure: string, work: () => Promise<unknown>): Promise<void> {
    this.#banner.replaceChildren();
    try {
      await work();
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      if (error.status === 401) this.#refused(error.message);
      else if (error.isTransient)
        this.#offer("Retry", `${failure} ${error.message}`, () => this.attempt(failure, work));
      else this.#offer("Close", `${failure} ${error.message}`, () => this.#banner.replaceChildren());
    }
  }

  #offer(label: string, sentences: string, act: () => void): void {
    const before = document.activeElement;
    const banner = offer(sentences, label, () => {
      // The button disappears, so the focus returns to its previous element.
      const canFocus = before instanceof HTMLElement && before !== document.body && before.isConnected;
      (canFocus ? before : this.#main).focus();
      act();
    });
    this.#banner.replaceChildren(banner);
  }
}
