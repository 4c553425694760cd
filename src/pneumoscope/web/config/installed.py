"""Pneumoscope as an installed web app: its manifest, its service worker, its page without a server.

What a device keeps is one page without data and that page's static files; see service-worker.js.
"""

from importlib.metadata import version

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.templatetags.static import static
from django.utils import translation
from django.utils.translation import gettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

# --ground and --panel of tokens.css, as they are in the dark.
GROUND, PANEL = "#0b0d10", "#161718"
ICONS = {
    "app-192.png": {"sizes": "192x192", "purpose": "any"},
    "app-512.png": {"sizes": "512x512", "purpose": "any"},
    "app-maskable-512.png": {"sizes": "512x512", "purpose": "maskable"},
}
# Everything that offline.html asks for.
KEPT = ["icon.svg", "icons.svg", "tokens.css", "app.css", "theme.js", "offline.js"]


@require_GET
def manifest(request: HttpRequest) -> JsonResponse:  # noqa: ARG001
    """W3C Web Application Manifest."""
    body = {
        "id": "/",
        "name": "Pneumoscope",
        "short_name": "Pneumoscope",
        "description": gettext("Research use only – not a medical device"),
        "lang": translation.get_language(),
        "dir": "rtl" if translation.get_language_bidi() else "ltr",
        "start_url": "/",
        "scope": "/",
        "display": "standalone",
        "background_color": GROUND,
        "theme_color": PANEL,
        "icons": [
            {"src": static(f"pneumoscope/{name}"), "type": "image/png", **icon}
            for name, icon in ICONS.items()
        ],
    }
    return JsonResponse(body, content_type="application/manifest+json")


@never_cache
@require_GET
def service_worker(request: HttpRequest) -> HttpResponse:
    """From the root, whose scope is every page. Another version or language is another worker."""
    context = {
        "version": version("pneumoscope"),
        "language": translation.get_language(),
        "files": [static(f"pneumoscope/{name}") for name in KEPT],
    }
    return render(request, "service-worker.js", context, content_type="text/javascript")


@require_GET
def offline(request: HttpRequest) -> HttpResponse:
    """The same for everybody: devices keep it, and others may use the device."""
    return render(request, "offline.html")
