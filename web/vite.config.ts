import { defineConfig } from "vite";

// The page is served from its own folder's root; everything is a file of its own, because the page's policy allows no
// script or style inside the document.
export default defineConfig({
  base: "./",
  build: {
    outDir: "../src/songspace/server/page",
    emptyOutDir: true,
    target: "es2022",
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
  server: { proxy: { "/api": process.env.SONGSPACE_API ?? "http://127.0.0.1:17017" } },
});
