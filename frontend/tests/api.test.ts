import { describe, expect, it, vi } from "vitest";
import { Api, ApiError } from "../src/api";

function serverThat(answers: () => Promise<Response>) {
  const fetch = vi.fn<(address: string, request: RequestInit) => Promise<Response>>(answers);
  vi.stubGlobal("fetch", fetch);
  return fetch;
}

const answering = (status: number, body: unknown, headers = {}) =>
  serverThat(async () => new Response(status === 204 ? null : JSON.stringify(body), { status, headers }));

const failure = (work: Promise<unknown>): Promise<ApiError> =>
  work.then(
    () => expect.unreachable("it did not fail"),
    (error) => error,
  );

describe("a request", () => {
  it("goes to the page's own origin with the token in its header, never in the address", async () => {
    const fetch = answering(201, { id: "1", title: "Tea", completed: false });
    const api = new Api();
    api.token = "a.b.c";

    expect(await api.add("Tea")).toEqual({ id: "1", title: "Tea", completed: false });

    const [address, request] = fetch.mock.calls[0] ?? expect.unreachable("nothing was sent");
    expect(address).toBe("/api/todos");
    expect(request).toMatchObject({ method: "POST", body: '{"title":"Tea"}' });
    expect(new Headers(request.headers).get("Authorization")).toBe("Bearer a.b.c");
  });

  it("may be answered with nothing", async () => {
    answering(204, undefined);
    await expect(new Api().remove("1")).resolves.toBeUndefined();
  });
});

describe("the sentence of a failure", () => {
  it("is the backend's own where it has one", async () => {
    answering(401, { detail: "Sign in again: the token has expired." });
    expect(await failure(new Api().me())).toMatchObject({
      message: "Sign in again: the token has expired.",
      status: 401,
      isTransient: false,
    });
  });

  it("joins what FastAPI found wrong with a request", async () => {
    answering(422, { detail: [{ msg: "Too long" }, { msg: "No title" }] });
    expect((await failure(new Api().add(""))).message).toBe("Too long. No title.");
  });

  it("tells when to come back", async () => {
    answering(503, {}, { "Retry-After": "7" });
    expect((await failure(new Api().todos())).message).toContain("Retry in 7 s");
  });

  it("stands in for the HTML of a proxy", async () => {
    serverThat(async () => new Response("<html>Bad Gateway</html>", { status: 502 }));
    expect(await failure(new Api().todos())).toMatchObject({
      message: expect.stringContaining("502"),
      isTransient: true,
    });
  });

  it("is about the connection where no answer came", async () => {
    serverThat(async () => {
      throw new TypeError("Failed to fetch");
    });
    expect(await failure(new Api().todos())).toMatchObject({
      message: expect.stringContaining("cannot be reached"),
      isTransient: true,
    });
  });

  it("is about time where the answer took too long", async () => {
    serverThat(async () => {
      throw new DOMException("signal timed out", "TimeoutError");
    });
    expect((await failure(new Api().todos())).message).toContain("in time");
  });

  it("says that something else answered where a success is not the app's", async () => {
    serverThat(async () => new Response("<html>Log in to the airport's Wi-Fi</html>"));
    expect(await failure(new Api().todos())).toBeInstanceOf(ApiError);
  });
});
