"""What an agent sees of a picture, as something that people see."""

import numpy as np

PALETTE = np.array(
    [
        *((230, 159, 0), (86, 180, 233), (0, 158, 115), (240, 228, 66), (0, 114, 178)),
        *((213, 94, 0), (204, 121, 167), (153, 153, 153), (255, 255, 255), (120, 94, 240)),
    ],
    np.uint8,
)
"""A colour for each plane: Okabe and Ito's, and three more."""


def flattened(planes: np.ndarray, binary: bool = False) -> np.ndarray:
    """Channels [height, width, channels] as one picture, uint8 [height, width, 3].

    One channel is grey and three are red, green and blue. Where there are negative numbers, 0 is in the middle and
    square roots are shown, since differences of frames are small. Any other number, and all that are ``binary``, are
    planes of which the last that is not 0 gives its colour.
    """
    count = planes.shape[-1]
    if not binary and count in (1, 3):
        levels = planes.astype(np.float32)
        if planes.dtype == np.int8:
            levels = 128 + np.sign(levels) * np.sqrt(np.abs(levels) * 127)
        return np.broadcast_to(levels.clip(0, 255).astype(np.uint8), (*planes.shape[:2], 3))
    picture = np.zeros((*planes.shape[:2], 3), np.uint8)
    for plane in range(count):
        picture[planes[..., plane] != 0] = PALETTE[plane % len(PALETTE)]
    return picture
