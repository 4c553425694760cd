"""A program's way to a Pneumoscope server: send radiographs, wait, read results.

    with_token = Client("https://pneumoscope.example", token)
    [study] = with_token.upload("chest.dcm")
    print(with_token.wait(study["id"])["probability"])

Standard library only. What comes back are the API's own objects (docs/openapi.yaml). Research use
only – not a medical device.
"""

import http.client
import json
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeAlias
from urllib.parse import urlencode, urljoin, urlsplit

Answer: TypeAlias = dict[str, Any]

PENDING = {"RECEIVED", "ANALYSING"}
TRIES = 5
TRIED_AGAIN = {429, 502, 503, 504}
# To a request with an Idempotency-Key: the first of its kind is still being answered.
STILL_ANSWERING = 409
LONGEST_PAUSE = 60.0  # seconds, however long the server asks for


class Problem(Exception):
    """What the server refused, as it said so: `status`, stable `code`, `detail` and `remedy`."""

    def __init__(self, body: Answer) -> None:
        self.status: int = body.get("status", 0)
        self.code: str = body.get("code", "error")
        self.detail: str = body.get("detail", "The server gave no reason.")
        self.remedy: str = body.get("remedy", "")
        super().__init__(f"{self.code}: {self.detail} {self.remedy}".strip())


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """A redirect would carry the token elsewhere."""

    def redirect_request(self, *_: Any) -> None:
        return None


_OPENER = urllib.request.build_opener(_NoRedirects)


class Client:
    """One server and one token. `timeout` in seconds, for each request."""

    def __init__(self, base_url: str, token: str, *, timeout: float = 60.0) -> None:
        self._base = base_url.rstrip("/") + "/api/v1/"
        if urlsplit(self._base).scheme not in {"http", "https"}:
            raise ValueError(f"{base_url} is no http or https address.")
        self._token = token
        self._timeout = timeout

    def upload(self, *paths: str | Path) -> list[Answer]:
        """Send files or zips in one request; returns their studies, which wait for analysis.

        Sent again after a lost connection without being received twice. Raises Problem when no
        file was received, or one of several was refused (its code; the others were received).
        """
        body, content_type = _multipart([Path(path) for path in paths])
        headers = {"Content-Type": content_type, "Idempotency-Key": str(uuid.uuid4())}
        answer = self._ask("studies", body, headers)
        if answer["refused"]:
            first = answer["refused"][0]
            raise Problem({**first, "detail": f"{first['source_name']}: {first['reason']}"})
        studies: list[Answer] = answer["studies"]
        return studies

    def result(self, study_id: str, *, reveal: bool = False) -> Answer:
        """A study with the result of each image; `reveal` names the patient, and is recorded."""
        return self._ask(f"studies/{study_id}{'?reveal=true' if reveal else ''}")

    def wait(self, study_id: str, *, seconds: float = 120.0, every: float = 0.5) -> Answer:
        """The study once every image has its outcome. Raises TimeoutError."""
        end = time.monotonic() + seconds
        while True:
            study = self.result(study_id)
            if study["state"] not in PENDING:
                return study
            if time.monotonic() >= end:
                raise TimeoutError(f"Study {study_id} is still {study['state']}.")
            time.sleep(every)

    def list(self, **filters: str) -> Iterator[Answer]:
        """Studies, newest first, page by page. Filters as in the worklist: state="ANALYSED" …"""
        return self._pages("studies", urlencode(filters))

    def reviews(self, study_id: str = "") -> Iterator[Answer]:
        """What readers said, newest first, with what they said before; of one study, or of all."""
        return self._pages(f"studies/{study_id}/reviews" if study_id else "reviews")

    def review(self, study_id: str, **words: Any) -> Answer:
        """Say what you see: `image`, `model` (hash of the result's), `agreement`, `label` …

        Raises Problem “review_changed” where you have said something that `supersedes` does not
        name; after a lost connection that may be what you were about to say.
        """
        headers = {"Content-Type": "application/json"}
        return self._ask(f"studies/{study_id}/reviews", json.dumps(words).encode(), headers)

    def _pages(self, address: str, query: str = "") -> Iterator[Answer]:
        while True:
            page = self._ask(f"{address}?{query}")
            yield from page["results"]
            if not page["next"]:
                return
            # Only the question is taken over: the token goes to no other server.
            query = urlsplit(page["next"]).query

    def _ask(
        self, address: str, body: bytes | None = None, headers: dict[str, str] | None = None
    ) -> Answer:
        """Asks again while the server is busy, or after a lost connection."""
        headers = {"Authorization": f"Token {self._token}", **(headers or {})}
        request = urllib.request.Request(urljoin(self._base, address), body, headers)  # noqa: S310
        again = TRIED_AGAIN | ({STILL_ANSWERING} if "Idempotency-Key" in headers else set())
        left = TRIES
        while True:
            left -= 1
            try:
                with _OPENER.open(request, timeout=self._timeout) as response:
                    answer: Answer = json.load(response)
                    return answer
            except urllib.error.HTTPError as error:
                if error.code not in again or not left:
                    raise _problem(error) from None
                asked = error.headers.get("Retry-After") or ""
                pause = min(float(asked), LONGEST_PAUSE) if asked.isdecimal() else 0.0
                error.close()
            except (http.client.HTTPException, OSError):
                if not left:
                    raise
                pause = 0.0
            time.sleep(max(pause, 0.25 * 2 ** (TRIES - 1 - left)))


def _problem(error: urllib.error.HTTPError) -> Problem:
    with error:
        try:
            return Problem(json.load(error))
        except ValueError:
            return Problem({"status": error.code, "detail": str(error.reason)})


def _multipart(paths: list[Path]) -> tuple[bytes, str]:
    """RFC 7578: one part `file` for each path; returns the body and its type."""
    boundary = uuid.uuid4().hex
    parts = []
    for path in paths:
        name = path.name.replace('"', "%22").replace("\r", "%0D").replace("\n", "%0A")
        head = f'Content-Disposition: form-data; name="file"; filename="{name}"\r\n'
        parts.append(f"--{boundary}\r\n{head}\r\n".encode() + path.read_bytes() + b"\r\n")
    return b"".join([*parts, f"--{boundary}--\r\n".encode()]), (
        f"multipart/form-data; boundary={boundary}"
    )
