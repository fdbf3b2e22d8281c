"""Names and colours of the installation, for every page and mail.

One accent colour is given (``BRANDING_ACCENT``); what each theme shows of it is made readable here, with the
contrast that WCAG AA asks for.
"""

from __future__ import annotations

import colorsys
import re

from django.conf import settings
from django.http import HttpRequest

RGB = tuple[float, float, float]

_FALLBACK = "#0f6fbf"
_CONTRAST = 4.6
_WHITE: RGB = (1.0, 1.0, 1.0)
#: The least favourable backgrounds of text in the themes: ``--shade`` of the style sheet.
_LIGHT_SHADE: RGB = (0.933, 0.949, 0.969)
_DARK_SHADE: RGB = (0.133, 0.165, 0.208)


def context(request: HttpRequest) -> dict[str, object]:
    return {
        "BRANDING_SERVICE_NAME": settings.BRANDING_SERVICE_NAME,
        "BRANDING_COMPANY_NAME": settings.BRANDING_COMPANY_NAME,
    }


def accent() -> str:
    """The accent colour as ``#rrggbb``; a value that is none is passed over."""
    given: str = settings.BRANDING_ACCENT
    return given.lower() if re.fullmatch(r"#[0-9a-fA-F]{6}", given) else _FALLBACK


def style_sheet() -> str:
    """Custom properties for both themes: a fill that carries white text, a text that stands on the page."""
    colour = _parse(accent())
    fill = readable(colour, _WHITE)
    light, dark = readable(colour, _LIGHT_SHADE), readable(colour, _DARK_SHADE)
    return f":root{{{_properties(fill, light)}}}[data-bs-theme=dark]{{{_properties(fill, dark)}}}\n"


def readable(colour: RGB, background: RGB) -> RGB:
    """The colour, made darker or lighter until it can be read on the background (or the other way round)."""
    hue, lightness, saturation = colorsys.rgb_to_hls(*colour)
    end = 0.0 if _luminance(background) > 0.4 else 1.0
    while contrast(colour, background) < _CONTRAST and lightness != end:
        lightness = max(end, lightness - 0.01) if end == 0.0 else min(end, lightness + 0.01)
        colour = colorsys.hls_to_rgb(hue, lightness, saturation)
    return colour


def contrast(one: RGB, other: RGB) -> float:
    """WCAG's ratio, 1 to 21."""
    high, low = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def _luminance(colour: RGB) -> float:
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in colour]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def _properties(fill: RGB, text: RGB) -> str:
    return (
        f"--tblr-primary:{_hex(fill)};--tblr-primary-rgb:{_numbers(fill)};--tblr-primary-fg:#fff;"
        f"--tblr-primary-darken:{_hex(_shade(fill))};"
        f"--tblr-link-color:{_hex(text)};--tblr-link-color-rgb:{_numbers(text)};"
        f"--tblr-link-hover-color:{_hex(text)};--tblr-link-hover-color-rgb:{_numbers(text)};--accent-text:{_hex(text)};"
    )


def _shade(colour: RGB) -> RGB:
    return (colour[0] * 0.88, colour[1] * 0.88, colour[2] * 0.88)


def _parse(text: str) -> RGB:
    red, green, blue = (int(text[place : place + 2], 16) / 255 for place in (1, 3, 5))
    return red, green, blue


def _hex(colour: RGB) -> str:
    return "#" + "".join(f"{round(part * 255):02x}" for part in colour)


def _numbers(colour: RGB) -> str:
    return ", ".join(str(round(part * 255)) for part in colour)
