//! Whether a JPEG is whole: the walk over its markers up to the end of the image.

/// Whether the segments lead to an end-of-image marker. Bytes behind it (some cameras add them) do not matter, and an end
/// marker inside a thumbnail does not count, because segments are stepped over by their length.
pub(super) fn has_end_of_image(bytes: &[u8]) -> bool {
    if !bytes.starts_with(&[0xFF, 0xD8]) {
        return false;
    }
    let mut at = 2;
    loop {
        // Between segments and in entropy-coded data alike: on to the next marker. 0xFF00 is a stuffed 0xFF, D0-D7 are
        // restarts, further 0xFF are fill bytes.
        let Some(offset) = bytes[at..].iter().position(|&byte| byte == 0xFF) else { return false };
        at += offset + 1;
        match bytes.get(at) {
            None => return false,
            Some(0xFF) => {}
            Some(0x00 | 0x01 | 0xD0..=0xD8) => at += 1,
            Some(0xD9) => return true,
            Some(_) => {
                let Some(&[high, low]) = bytes.get(at + 1..at + 3) else { return false };
                // A length below 2 is damage; the decoder will say so.
                at += 1 + usize::from(u16::from_be_bytes([high, low])).max(2);
                if at > bytes.len() {
                    return false;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::has_end_of_image;

    #[test]
    fn the_end_marker_of_a_thumbnail_is_not_the_end_of_the_photo() {
        let mut jpeg = vec![0xFF, 0xD8, 0xFF, 0xE1, 0x00, 0x06, 0xFF, 0xD8, 0xFF, 0xD9];
        jpeg.extend([0xFF, 0xDA, 0x00, 0x02, 0x12, 0xFF, 0x00, 0x34, 0xFF, 0xD3, 0x56]);
        assert!(!has_end_of_image(&jpeg));
        jpeg.extend([0xFF, 0xFF, 0xD9]);
        assert!(has_end_of_image(&jpeg));
        jpeg.extend(b"a trailer");
        assert!(has_end_of_image(&jpeg));
    }

    #[test]
    fn every_prefix_of_a_jpeg_is_truncated() {
        let jpeg = [0xFF, 0xD8, 0xFF, 0xDA, 0x00, 0x04, 1, 2, 3, 0xFF, 0xD9];
        assert!(has_end_of_image(&jpeg));
        for length in 0..jpeg.len() {
            assert!(!has_end_of_image(&jpeg[..length]), "{length}");
        }
    }
}
