import { defineConfig } from "vitest/config";

export default defineConfig({
  build: {
    // The Content-Security-Policy of nginx.conf allows no data: address and no inline script.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    rolldownOptions: { input: ["index.html", "404.html"] },
  },
  server: { proxy: { "/api": "http://127.0.0.1:8000" } },
  // Time limits for a machine with much else to do.
  test: { environment: "happy-dom", restoreMocks: true, unstubGlobals: true, testTimeout: 60_000, hookTimeout: 60_000 },
});
