//! The first directory of a TIFF, which is also the format of EXIF.

/// The first directory of a TIFF or BigTIFF. Nothing in it is trusted: what points out of the file
/// counts as absent.
pub(super) struct TiffDirectory<'a> {
    bytes: &'a [u8],
    is_big_endian: bool,
    /// BigTIFF, whose counts and offsets have eight bytes.
    pub(super) is_big: bool,
    /// Where its entries are.
    entries: Vec<usize>,
}

impl<'a> TiffDirectory<'a> {
    /// Reads the directory that the header of `bytes` leads to.
    pub(super) fn new(bytes: &'a [u8]) -> Option<Self> {
        let (is_big_endian, is_big) = match bytes.get(..4)? {
            // Pillow accepts the second of each as a slip.
            b"II*\0" | b"II\0*" => (false, false),
            b"MM\0*" | b"MM*\0" => (true, false),
            b"II+\0" => (false, true),
            b"MM\0+" => (true, true),
            _ => return None,
        };
        let directory = Self { bytes, is_big_endian, is_big, entries: Vec::new() };
        let at = if is_big { directory.unsigned(8, 8)? } else { directory.unsigned(4, 4)? };
        directory.at(usize::try_from(at).ok()?)
    }

    /// Reads the directory that an entry with `tag` points to.
    pub(super) fn inner(&self, tag: u16) -> Option<Self> {
        let at = self.numbers(tag)?.next()?;
        (at.fract() == 0.0 && at >= 0.0).then(|| self.at(at as usize))?
    }

    /// Reads the directory at an offset of the same file.
    fn at(&self, at: usize) -> Option<Self> {
        let (count_length, entry_length) = if self.is_big { (8, 20) } else { (2, 12) };
        let count = usize::try_from(self.unsigned(at, count_length)?).ok()?;
        let first = at + count_length;
        let there = self.bytes.len().saturating_sub(first) / entry_length;
        let entries = (0..count.min(there)).map(|index| first + index * entry_length).collect();
        Some(Self { entries, ..*self })
    }

    /// Returns the values of the first entry with `tag`. Letters and raw bytes are not numbers:
    /// each is NaN.
    pub(super) fn numbers(&self, tag: u16) -> Option<impl Iterator<Item = f64>> {
        self.entries_of(tag).find_map(|entry| {
            let (kind, at, count) = self.value(entry)?;
            let step = length_of(kind)?;
            Some((0..count).map_while(move |index| self.number(kind, at + index * step)))
        })
    }

    /// Returns the values of the first entry with `tag`, as they lie in the file.
    pub(super) fn bytes(&self, tag: u16) -> Option<&'a [u8]> {
        self.entries_of(tag).find_map(|entry| {
            let (kind, at, count) = self.value(entry)?;
            self.bytes.get(at..at + count * length_of(kind)?)
        })
    }

    /// Returns the offset of a tag's first value in the file.
    pub(super) fn place(&self, tag: u16) -> Option<usize> {
        self.entries_of(tag).find_map(|entry| Some(self.value(entry)?.1))
    }

    /// Returns the two bytes of `value` in the file's order.
    pub(super) fn short(&self, value: u16) -> [u8; 2] {
        if self.is_big_endian { value.to_be_bytes() } else { value.to_le_bytes() }
    }

    fn entries_of(&self, tag: u16) -> impl Iterator<Item = usize> {
        let is_it = move |entry: &usize| self.unsigned(*entry, 2) == Some(tag.into());
        self.entries.iter().copied().filter(is_it)
    }

    /// Returns the type, offset and count of an entry's values. They are all in the file, and at
    /// least one.
    fn value(&self, entry: usize) -> Option<(u64, usize, usize)> {
        let word = if self.is_big { 8 } else { 4 };
        let kind = self.unsigned(entry + 2, 2)?;
        let count = usize::try_from(self.unsigned(entry + 4, word)?).ok()?;
        let at = match count.checked_mul(length_of(kind)?)? {
            0 => return None,
            size if size <= word => entry + 4 + word,
            size => {
                let at = usize::try_from(self.unsigned(entry + 4 + word, word)?).ok()?;
                self.bytes.get(at..at.checked_add(size)?)?;
                at
            }
        };
        Some((kind, at, count))
    }

    fn number(&self, kind: u64, at: usize) -> Option<f64> {
        let length = length_of(kind)?;
        let signed = |at: usize, length: usize| {
            let unused = 64 - 8 * length;
            self.unsigned(at, length).map(|value| ((value << unused) as i64 >> unused) as f64)
        };
        match kind {
            1 | 2 | 7 => Some(f64::NAN),
            5 => Some(self.unsigned(at, 4)? as f64 / self.unsigned(at + 4, 4)? as f64),
            10 => Some(signed(at, 4)? / signed(at + 4, 4)?),
            6 | 8 | 9 => signed(at, length),
            11 => self.unsigned(at, 4).map(|bits| f32::from_bits(bits as u32).into()),
            12 => self.unsigned(at, 8).map(f64::from_bits),
            _ => self.unsigned(at, length).map(|value| value as f64),
        }
    }

    fn unsigned(&self, at: usize, length: usize) -> Option<u64> {
        let bytes = self.bytes.get(at..at.checked_add(length)?)?;
        let push = |value: u64, byte: &u8| value << 8 | u64::from(*byte);
        Some(match self.is_big_endian {
            true => bytes.iter().fold(0, push),
            false => bytes.iter().rev().fold(0, push),
        })
    }
}

/// Returns the bytes of one value of a type: 1 byte, 2 letter, 3 short, 4 long, 5 rational, 6 to 10
/// the same with a sign (7 is raw), 11 float, 12 double, 13 directory, 16 long of BigTIFF.
fn length_of(kind: u64) -> Option<usize> {
    match kind {
        1 | 2 | 6 | 7 => Some(1),
        3 | 8 => Some(2),
        4 | 9 | 11 | 13 => Some(4),
        5 | 10 | 12 | 16 => Some(8),
        _ => None,
    }
}
