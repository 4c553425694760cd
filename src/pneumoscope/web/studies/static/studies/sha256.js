// A worker: the SHA-256 of a file, read piece by piece. The browser's own crypto wants the file
// whole in memory, and is not there at all on a page without HTTPS.
import { sha256 } from "./vendor/noble-hashes/sha2.js";
import { bytesToHex } from "./vendor/noble-hashes/utils.js";

const PIECE = 2 ** 22;

addEventListener("message", async ({ data: { id, file } }) => {
  try {
    const hash = sha256.create();
    for (let at = 0; at < file.size; at += PIECE) {
      hash.update(new Uint8Array(await file.slice(at, at + PIECE).arrayBuffer()));
    }
    postMessage({ id, sha256: bytesToHex(hash.digest()) });
  } catch {
    postMessage({ id, sha256: null });
  }
});
