"""Pictures with words below them, as one JPEG: for cards and reports. Enter at `contact_sheet`."""

from collections.abc import Sequence
from io import BytesIO

import numpy as np
from PIL import Image, ImageDraw, ImageFont

COLUMNS = 4
PICTURE_PX = 160  # long side
MARGIN_PX = 8
WORDS_PX = 40  # two lines below each picture
FONT_PX = 13


def contact_sheet(pictures: Sequence[tuple[np.ndarray, str]]) -> bytes:
    """Draw pictures in rows of four, each with its words below.

    Args:
        pictures: At least one (height, width, 3) uint8 array, with at most two lines of words.
    """
    cell_px = PICTURE_PX + 2 * MARGIN_PX
    lines = -(-len(pictures) // COLUMNS)
    size = (min(COLUMNS, len(pictures)) * cell_px, lines * (cell_px + WORDS_PX))
    sheet = Image.new("RGB", size, "white")
    draw = ImageDraw.Draw(sheet)
    font = ImageFont.load_default(FONT_PX)
    for place, (rgb, words) in enumerate(pictures):
        line, column = divmod(place, COLUMNS)
        left, top = column * cell_px, line * (cell_px + WORDS_PX)
        picture = Image.fromarray(rgb)
        picture.thumbnail((PICTURE_PX, PICTURE_PX))
        centred = (left + (cell_px - picture.width) // 2, top + (cell_px - picture.height) // 2)
        sheet.paste(picture, centred)
        draw.text((left + MARGIN_PX, top + cell_px), words, fill="black", font=font)
    encoded = BytesIO()
    sheet.save(encoded, "JPEG", quality=80)
    return encoded.getvalue()
