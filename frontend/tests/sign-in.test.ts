import { beforeEach, expect, it, vi } from "vitest";
import { Api, ApiError } from "../src/api";
import { find } from "../src/dom";
import { SignIn } from "../src/sign-in";
import { openPage } from "./page";

const api = new Api();
const signedIn = vi.fn();
const section = () => find("#sign-in", HTMLElement);
const field = () => find("#token", HTMLInputElement);
const error = () => find("#token-error", HTMLElement).textContent;

function submit(token: string): void {
  field().value = token;
  find("form", HTMLFormElement, section()).requestSubmit();
}

beforeEach(() => {
  openPage();
  signedIn.mockReset();
  new SignIn(api, signedIn).ask("");
});

it("asks the backend who holds the token, and forgets the field", async () => {
  vi.spyOn(api, "me").mockResolvedValue({ user: "alice" });
  submit("  Bearer aa.bb.cc ");
  await vi.waitFor(() => expect(signedIn).toHaveBeenCalledWith("alice"));
  expect(api.token).toBe("aa.bb.cc");
  expect(field().value).toBe("");
  expect(section().hidden).toBe(true);
});

it("says what is wrong with a token without asking anybody", () => {
  const me = vi.spyOn(api, "me");
  submit("half.of-a-token");
  expect(error()).toContain("three parts");
  expect(me).not.toHaveBeenCalled();
});

it("keeps the token in the field while the backend is away", async () => {
  vi.spyOn(api, "me").mockRejectedValue(new ApiError("The server cannot be reached."));
  submit("aa.bb.cc");
  await vi.waitFor(() => expect(error()).toBe("The server cannot be reached."));
  expect(field().value).toBe("aa.bb.cc");
  expect(signedIn).not.toHaveBeenCalled();
});
