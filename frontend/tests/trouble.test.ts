import { beforeEach, expect, it, vi } from "vitest";
import { ApiError } from "../src/api";
import { find } from "../src/dom";
import { Trouble } from "../src/trouble";
import { openPage } from "./page";

const refused = vi.fn();
const banner = () => find("#trouble", HTMLElement);
const button = () => find("#trouble button", HTMLButtonElement);
let trouble: Trouble;

beforeEach(() => {
  openPage();
  refused.mockReset();
  trouble = new Trouble(refused);
});

it("says what has not happened and why, and does it again", async () => {
  const work = vi.fn().mockRejectedValueOnce(new ApiError("The server is away.", 502)).mockResolvedValueOnce(undefined);
  const field = find("#title", HTMLInputElement);
  field.focus();
  await trouble.attempt("The todo was not added.", work);
  expect(banner().textContent).toContain("The todo was not added. The server is away.");
  expect(button().textContent).toBe("Retry");
  button().focus();
  button().click();
  await vi.waitFor(() => expect(banner().textContent).toBe(""));
  expect(work).toHaveBeenCalledTimes(2);
  expect(document.activeElement).toBe(field);
});

it("offers no retry of what cannot succeed", async () => {
  const work = vi.fn().mockRejectedValue(new ApiError("You have 500 todos already.", 409));
  await trouble.attempt("The todo was not added.", work);
  expect(button().textContent).toBe("Close");
  button().click();
  expect(banner().textContent).toBe("");
  expect(work).toHaveBeenCalledTimes(1);
});

it("leads back to the sign-in when the token is not accepted", async () => {
  await trouble.attempt("The todo was not added.", () => Promise.reject(new ApiError("It has expired.", 401)));
  expect(refused).toHaveBeenCalledWith("It has expired.");
  expect(banner().textContent).toBe("");
});

it("does not dress a bug up as trouble", async () => {
  await expect(trouble.attempt("…", () => Promise.reject(new TypeError("bug")))).rejects.toThrow("bug");
});
