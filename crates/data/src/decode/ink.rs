//! Converts four inks to three colours.

/// Converts cyan, magenta, yellow and black (255 is all the ink) to RGB, with Pillow's rounding.
pub(super) fn mixed([cyan, magenta, yellow, black]: [u8; 4]) -> [u8; 3] {
    let white = 255 - black;
    [cyan, magenta, yellow].map(|ink| white.saturating_sub(multiply_255(ink, white)))
}

/// Pillow's `MULDIV255`.
fn multiply_255(a: u8, b: u8) -> u8 {
    let product = u32::from(a) * u32::from(b) + 128;
    (((product >> 8) + product) >> 8) as u8
}
