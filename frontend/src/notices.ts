import { find } from "./dom";
import { offer } from "./offer";

/** Status messages for screen readers, and the undo button after a deletion. */
export class Notices {
  readonly #status = find("#status", HTMLElement);
  readonly #undo = find("#undo", HTMLElement);

  say(sentence: string): void {
    this.#status.textContent = sentence;
  }

  /** Offers `undo` until it is withdrawn or another deletion, without a time limit. */
  offerUndo(sentence: string, undo: () => Promise<void>): void {
    let isUndoing = false;
    const undoOnce = async () => {
      if (isUndoing) return;
      isUndoing = true;
      await undo();
      isUndoing = false;
    };
    this.#undo.replaceChildren(offer(sentence, "Undo", undoOnce));
  }

  withdrawUndo(): void {
    this.#undo.replaceChildren();
  }

  /** Takes the offer, if there is one. */
  undo(): void {
    this.#undo.querySelector("button")?.click();
  }
}
