// One page for when the server cannot be reached. Only that page and the static files it needs are
// kept on the device; no page and no picture of a patient ever is.
"use strict";
const CACHE = "pneumoscope {{ version }} {{ language }}";
const PAGE = "{% url 'offline' %}";
const FILES = [{% for file in files %}"{{ file }}", {% endfor %}];
// What a proxy answers for a server that it cannot reach.
const UNREACHABLE = [502, 504];

const fill = async () => {
  const cache = await caches.open(CACHE);
  await cache.addAll([PAGE, ...FILES].map((address) => new Request(address, { cache: "reload" })));
  await skipWaiting();
};
const clear = async () => {
  const names = await caches.keys();
  await Promise.all(names.filter((name) => name !== CACHE).map((name) => caches.delete(name)));
  await clients.claim();
};
addEventListener("install", (event) => event.waitUntil(fill()));
addEventListener("activate", (event) => event.waitUntil(clear()));

/** The server's answer; without a server what is kept at `address`. */
const answer = async (request, address) => {
  const given = await fetch(request).catch(() => null);
  if (given && !UNREACHABLE.includes(given.status)) return given;
  const kept = await caches.match(address, { cacheName: CACHE, ignoreVary: true });
  return kept ?? given ?? Response.error();
};
addEventListener("fetch", (event) => {
  const { request } = event;
  const path = new URL(request.url).pathname;
  // What was sent with a form is left to the browser, which offers to send it again.
  if (request.method !== "GET") return;
  if (request.mode === "navigate") event.respondWith(answer(request, PAGE));
  else if (FILES.includes(path)) event.respondWith(answer(request, path));
});
