import { beforeEach, expect, it, vi } from "vitest";
import { find } from "../src/dom";
import { listenForShortcuts } from "../src/shortcuts";
import { openPage } from "./page";

const press = (target: EventTarget, init: KeyboardEventInit = {}) =>
  target.dispatchEvent(new KeyboardEvent("keydown", { key: "n", bubbles: true, ...init }));

function listen() {
  const act = vi.fn();
  listenForShortcuts(new Map([["n", act]]));
  return act;
}

beforeEach(() => {
  localStorage.clear();
  openPage();
});

it("act anywhere but in a text field or with another key held", () => {
  const act = listen();
  press(find("#title", HTMLInputElement));
  press(find("#message", HTMLTextAreaElement));
  press(document.body, { ctrlKey: true });
  expect(act).not.toHaveBeenCalled();
  press(document.body);
  press(find("#shortcuts-on", HTMLInputElement));
  expect(act).toHaveBeenCalledTimes(2);
});

it("can be switched off, and stay off when the page is opened again", () => {
  const before = listen();
  find("#shortcuts-on", HTMLInputElement).click();
  press(document.body);
  openPage();
  const after = listen();
  press(document.body);
  expect(find("#shortcuts-on", HTMLInputElement).checked).toBe(false);
  expect(before).not.toHaveBeenCalled();
  expect(after).not.toHaveBeenCalled();
});
