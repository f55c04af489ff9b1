import { find } from "./dom";
import { offer } from "./offer";

/** What happened, for those who cannot see it happen; and the way back from a deletion, for everyone. */
export class Notices {
  readonly #status = find("#status", HTMLElement);
  readonly #undo = find("#undo", HTMLElement);

  say(sentence: string): void {
    this.#status.textContent = sentence;
  }

  /** Offers `undo` until it is withdrawn or the next deletion: a time limit would rush people. */
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
