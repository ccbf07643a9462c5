"""`/docs`: Swagger UI in the page's colours, dark when the system is, with a way back to the page."""

from __future__ import annotations

from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.responses import HTMLResponse

ASSETS = "docs-assets"
"""Where Swagger UI's own files are served, below the page."""

# Before Swagger UI's own, so that nothing is drawn in the wrong colours first. Addresses are relative to the page's.
_HEAD = '<link rel="stylesheet" href="theme.css"><link rel="stylesheet" href="docs.css"><script src="docs.js"></script>'
_BACK = '<nav class="back"><a href="./">ObjectCut</a></nav>'


def docs(title: str) -> HTMLResponse:
    """Return the page for an application of this name."""
    made = get_swagger_ui_html(
        openapi_url="openapi.json",
        title=f"{title}: API",
        swagger_js_url=f"{ASSETS}/swagger-ui-bundle.js",
        swagger_css_url=f"{ASSETS}/swagger-ui.css",
        swagger_favicon_url="favicon.svg",
    )
    html = bytes(made.body).decode()
    return HTMLResponse(html.replace("</head>", f"{_HEAD}</head>").replace("<body>", f"<body>{_BACK}", 1))
