//! Reads a JPEG's markers: its frame and scans, and whether it has its end marker.

/// What the markers of a JPEG say, before decoding.
#[derive(Debug, PartialEq)]
pub(super) struct Markers {
    /// The first frame header.
    pub frame: Option<Frame>,
    pub scans: Vec<Scan>,
    /// Whether the restart markers of each scan count from 0 to 7 repeatedly. If not, a part of the
    /// data was lost.
    pub restarts_in_order: bool,
    /// Whether the segments lead to an end-of-image marker. Bytes behind it (some cameras add them)
    /// do not matter.
    pub ends: bool,
}

/// A scan header (T.81, B.2.3).
#[derive(Debug, PartialEq)]
pub(super) struct Scan {
    /// The components in it.
    ids: Vec<u8>,
    /// The first and last coefficient.
    coefficients: (u8, u8),
    /// How many low bits of the coefficients come in later scans.
    low: u8,
}

/// A frame header (T.81, B.2.2).
#[derive(Debug, PartialEq)]
pub(super) struct Frame {
    /// The second byte of its marker, C0 to CF: the process.
    process: u8,
    /// Bits per sample.
    precision: u8,
    pub height: u16,
    pub width: u16,
    ids: Vec<u8>,
    /// Horizontal and vertical sampling of each component.
    pub sampling: Vec<(u8, u8)>,
}

impl Markers {
    pub(super) fn read(bytes: &[u8]) -> Self {
        let mut found =
            Self { frame: None, scans: Vec::new(), restarts_in_order: true, ends: false };
        let mut restarts = 0;
        if !bytes.starts_with(&[0xFF, 0xD8]) {
            return found;
        }
        let mut at = 2;
        loop {
            // Go to the next marker, both between segments and in entropy-coded data. 0xFF00 is a
            // stuffed 0xFF, D0-D7 are restarts, further 0xFF are fill bytes. An end marker inside a
            // thumbnail does not count, because segments are skipped by their length.
            let Some(offset) = bytes[at..].iter().position(|&byte| byte == 0xFF) else {
                return found;
            };
            at += offset + 1;
            match bytes.get(at) {
                None => return found,
                Some(0xFF) => {}
                Some(0x00 | 0x01 | 0xD8) => at += 1,
                Some(&restart @ 0xD0..=0xD7) => {
                    found.restarts_in_order &= restart - 0xD0 == restarts;
                    restarts = (restarts + 1) % 8;
                    at += 1;
                }
                Some(0xD9) => {
                    found.ends = true;
                    return found;
                }
                Some(&marker) => {
                    let Some(&[high, low]) = bytes.get(at + 1..at + 3) else { return found };
                    // A length below 2 is damage; the decoder reports it.
                    let end = at + 1 + usize::from(u16::from_be_bytes([high, low])).max(2);
                    let Some(segment) = bytes.get(at + 3..end) else { return found };
                    // C4, C8 and CC are tables and an extension, not frames.
                    if matches!(marker, 0xC0..=0xCF) && !matches!(marker, 0xC4 | 0xC8 | 0xCC) {
                        found.frame = found.frame.or_else(|| Frame::read(marker, segment));
                    }
                    if marker == 0xDA {
                        found.scans.extend(Scan::read(segment));
                        restarts = 0;
                    }
                    at = end;
                }
            }
        }
    }
}

impl Scan {
    fn read(segment: &[u8]) -> Option<Self> {
        let (&count, rest) = segment.split_first()?;
        let (components, rest) = rest.split_at_checked(2 * usize::from(count))?;
        let &[first, last, bits] = rest else { return None };
        let ids = components.chunks_exact(2).map(|one| one[0]).collect();
        Some(Self { ids, coefficients: (first, last), low: bits & 15 })
    }
}

impl Frame {
    fn read(process: u8, segment: &[u8]) -> Option<Self> {
        let &[precision, y0, y1, x0, x1, count, ref components @ ..] = segment else { return None };
        let components = components.get(..3 * usize::from(count))?;
        Some(Self {
            process,
            precision,
            height: u16::from_be_bytes([y0, y1]),
            width: u16::from_be_bytes([x0, x1]),
            ids: components.chunks_exact(3).map(|one| one[0]).collect(),
            sampling: components.chunks_exact(3).map(|one| (one[1] >> 4, one[1] & 15)).collect(),
        })
    }

    /// Names the kind of JPEG if it is not supported. Of these kinds, Pillow reads only the last.
    pub(super) fn unsupported(&self, scans: &[Scan]) -> Option<String> {
        let components = self.sampling.len();
        let some_but_not_all = |&count: &usize| count > 1 && count < components;
        let (wide, high) = self.finest_sampling();
        let divides = |&(h, v): &(u8, u8)| h != 0 && v != 0 && wide % h == 0 && high % v == 0;
        match self.process {
            0xC3 | 0xC7 | 0xCB | 0xCF => Some("a lossless JPEG".into()),
            0xC5 | 0xC6 | 0xCD | 0xCE => Some("a hierarchical JPEG".into()),
            _ if self.precision != 8 => Some(format!("a JPEG of {} bits a sample", self.precision)),
            _ if self.height == 0 => {
                Some("a JPEG that gives its height behind its first scan".into())
            }
            _ if !matches!(components, 1 | 3 | 4) => Some(format!(
                "a JPEG of {components} \
                components"
            )),
            _ if !self.sampling.iter().all(divides) => {
                let words: Vec<_> = self.sampling.iter().map(|(h, v)| format!("{h}x{v}")).collect();
                Some(format!("a JPEG of fractional sampling ({})", words.join(", ")))
            }
            0xC0 | 0xC1 => {
                scans.iter().map(|scan| scan.ids.len()).find(some_but_not_all).map(|count| {
                    format!(
                        "a JPEG that is not progressive and has {count} of {components} components \
                    in a scan"
                    )
                })
            }
            _ => None,
        }
    }

    /// Whether scans of a progressive JPEG are missing: whole coefficients, or their low bits.
    pub(super) fn misses_scans(&self, scans: &[Scan]) -> bool {
        let is_exact = |id: &u8| {
            let mut exact = [false; 64];
            for scan in scans.iter().filter(|scan| scan.ids.contains(id)) {
                let (first, last) = scan.coefficients;
                if let Some(there) = exact.get_mut(usize::from(first)..=usize::from(last)) {
                    there.fill(scan.low == 0);
                }
            }
            exact == [true; 64]
        };
        self.is_progressive() && !self.ids.iter().all(is_exact)
    }

    pub(super) fn is_progressive(&self) -> bool {
        matches!(self.process, 0xC2 | 0xCA)
    }

    pub(super) fn is_arithmetic(&self) -> bool {
        matches!(self.process, 0xC9..=0xCB)
    }

    /// The largest horizontal and the largest vertical sampling of any component.
    pub(super) fn finest_sampling(&self) -> (u8, u8) {
        self.sampling.iter().fold((1, 1), |(wide, high), &(h, v)| (wide.max(h), high.max(v)))
    }
}

#[cfg(test)]
mod tests {
    use super::{Frame, Markers};

    #[test]
    fn the_end_marker_of_a_thumbnail_is_not_the_end_of_the_photo() {
        let mut jpeg = vec![0xFF, 0xD8, 0xFF, 0xE1, 0x00, 0x06, 0xFF, 0xD8, 0xFF, 0xD9];
        jpeg.extend([0xFF, 0xDA, 0x00, 0x02, 0x12, 0xFF, 0x00, 0x34, 0xFF, 0xD3, 0x56]);
        assert!(!Markers::read(&jpeg).ends);
        jpeg.extend([0xFF, 0xFF, 0xD9]);
        assert!(Markers::read(&jpeg).ends);
        jpeg.extend(b"a trailer");
        assert!(Markers::read(&jpeg).ends);
    }

    #[test]
    fn every_prefix_of_a_jpeg_has_no_end() {
        let jpeg = [0xFF, 0xD8, 0xFF, 0xDA, 0x00, 0x04, 1, 2, 3, 0xFF, 0xD9];
        assert!(Markers::read(&jpeg).ends);
        for length in 0..jpeg.len() {
            assert!(!Markers::read(&jpeg[..length]).ends, "{length}");
        }
    }

    #[test]
    fn a_frame_says_what_it_is() {
        let mut jpeg = vec![0xFF, 0xD8, 0xFF, 0xC1, 0, 17, 8, 0, 9, 1, 0];
        jpeg.extend([3, 1, 0x21, 0, 2, 0x11, 1, 3, 0x12, 1, 0xFF, 0xD9]);
        let frame = Markers::read(&jpeg).frame.unwrap();
        let sampling = vec![(2, 1), (1, 1), (1, 2)];
        assert_eq!(
            frame,
            Frame {
                process: 0xC1,
                precision: 8,
                height: 9,
                width: 256,
                ids: vec![1, 2, 3],
                sampling
            }
        );
        assert_eq!((frame.finest_sampling(), frame.unsupported(&[])), ((2, 2), None));
        for (at, byte, expected) in [
            (3, 0xC3, "a lossless JPEG"),
            (3, 0xCD, "a hierarchical JPEG"),
            (6, 12, "a JPEG of 12 bits a sample"),
            (8, 0, "a JPEG that gives its height behind its first scan"),
            (11, 2, "a JPEG of 2 components"),
            (13, 0x23, "a JPEG of fractional sampling (2x3, 1x1, 1x2)"),
            (16, 0x01, "a JPEG of fractional sampling (2x1, 0x1, 1x2)"),
        ] {
            let mut changed = jpeg.clone();
            changed[at] = byte;
            let found = Markers::read(&changed).frame.unwrap().unsupported(&[]);
            assert_eq!(found.as_deref(), Some(expected));
        }
    }

    /// A scan header and data with restart markers.
    fn scan(ids: &[u8], coefficients: [u8; 2], bits: u8, restarts: &[u8]) -> Vec<u8> {
        let mut bytes = vec![0xFF, 0xDA, 0, 6 + 2 * ids.len() as u8, ids.len() as u8];
        ids.iter().for_each(|id| bytes.extend([*id, 0]));
        bytes.extend([coefficients[0], coefficients[1], bits, 7]);
        restarts.iter().for_each(|restart| bytes.extend([0xFF, 0xD0 + restart, 7]));
        bytes
    }

    fn jpeg(parts: &[Vec<u8>]) -> Markers {
        Markers::read(&[vec![0xFF, 0xD8], parts.concat(), vec![0xFF, 0xD9]].concat())
    }

    #[test]
    fn restart_markers_count_to_seven_in_each_scan() {
        let restarts = |restarts: &[u8]| scan(&[1], [0, 63], 0, restarts);
        let whole = jpeg(&[restarts(&[0, 1, 2]), restarts(&[0, 1, 2, 3, 4, 5, 6, 7, 0])]);
        assert!(whole.ends && whole.restarts_in_order);
        assert!(!jpeg(&[restarts(&[0, 2])]).restarts_in_order);
        assert!(!jpeg(&[restarts(&[0]), restarts(&[1])]).restarts_in_order);
    }

    #[test]
    fn a_progressive_jpeg_has_every_bit_of_every_coefficient_of_every_component() {
        let frame = vec![0xFF, 0xC2, 0, 14, 8, 0, 9, 0, 9, 2, 1, 0x11, 0, 2, 0x11, 1];
        let rough = scan(&[1, 2], [0, 0], 1, &[]);
        let fine = scan(&[1, 2], [0, 0], 0x10, &[]);
        let others =
            [scan(&[1], [1, 63], 0, &[]), scan(&[2], [1, 5], 0, &[]), scan(&[2], [6, 63], 0, &[])];
        let misses = |parts: &[&[Vec<u8>]]| {
            let markers = jpeg(&parts.concat());
            markers.frame.unwrap().misses_scans(&markers.scans)
        };
        assert!(!misses(&[&[frame.clone(), rough.clone(), fine.clone()], &others]));
        assert!(misses(&[&[frame.clone(), rough.clone()], &others]));
        assert!(misses(&[&[frame, rough, fine], &others[..2]]));
    }
}
