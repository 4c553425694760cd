// Opens the page that was wanted as soon as the server is there again.
"use strict";
(() => {
  // Without cookies: asking must not keep a session open.
  const ask = async () => {
    const answer = await fetch("/healthz", { credentials: "omit", cache: "no-store" }).catch(() => null);
    if (answer?.ok) location.reload();
  };
  setInterval(ask, 10000);
  addEventListener("online", ask);
})();
