//! Notes on photos that were read.

use std::collections::BTreeMap;
use std::fmt;

/// A note on a photo that was read. Its text goes after the photo's name and a colon.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Note {
    /// The file ends early or its last checksum is wrong, but all pixels are there.
    EndLost,
    /// The picture's data end early, before the end marker, and the decoder filled in what is
    /// missing.
    CutOff,
    /// 16-bit values that do not use the upper part of their range.
    Dark {
        /// The smallest power of two above all values.
        range: u32,
    },
    /// Floats, read as grey levels of 0 to 255, that are all at most 1.
    DarkFloats,
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Note::EndLost => f.write_str(
                "the end of the file is lost or damaged, its pixels are \
                all there",
            ),
            Note::CutOff => f.write_str(
                "the file is cut off; the missing part of the picture is \
                filled in",
            ),
            Note::Dark { range } => write!(
                f,
                "a 16-bit picture that uses 1/{} of its range (0 to {}): it comes out dark",
                (1 << 16) / range,
                range - 1
            ),
            Note::DarkFloats => f.write_str(
                "a picture of floats that are all at most 1, where 255 is white: it comes out \
                 black",
            ),
        }
    }
}

impl Note {
    /// Returns the note on a picture of 16-bit values whose highest is `highest`, if it uses at
    /// most a quarter of the range and is not black.
    pub(super) fn on_range(highest: u16) -> Option<Note> {
        let range = (u32::from(highest) + 1).next_power_of_two();
        (highest > 0 && range <= 1 << 14).then_some(Note::Dark { range })
    }
}

/// Notes on many photos: for each kind, the first photo and the number of photos.
#[derive(Clone, Debug, Default)]
pub struct Notes(BTreeMap<Note, (String, usize)>);

impl Notes {
    /// Adds the notes of a photo.
    pub fn add(&mut self, photo: &str, notes: &[Note]) {
        for note in notes {
            self.0.entry(*note).or_insert_with(|| (photo.into(), 0)).1 += 1;
        }
    }

    /// Returns a sentence for each kind.
    pub fn sentences(&self) -> impl Iterator<Item = String> {
        self.0.iter().map(|(note, (first, count))| match count {
            1 => format!("`{first}`: {note}"),
            count => format!("`{first}` and {} more: {note}", count - 1),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_is_noted_where_no_more_than_a_quarter_is_used() {
        let note = |highest| Note::on_range(highest).map(|note| note.to_string());
        let twelve = note(4060).unwrap();
        assert!(twelve.contains("uses 1/16 of its range (0 to 4095)"), "{twelve}");
        assert!(note(16_383).unwrap().contains("1/4"));
        assert_eq!((note(16_384), note(0)), (None, None));
    }

    #[test]
    fn many_photos_make_one_sentence_a_kind() {
        let mut notes = Notes::default();
        for photo in ["a.png", "b.png", "c.png"] {
            notes.add(photo, &[Note::EndLost]);
        }
        notes.add("d.png", &[Note::DarkFloats]);
        let said: Vec<String> = notes.sentences().collect();
        assert!(said[0].starts_with("`a.png` and 2 more: the end"), "{said:?}");
        assert!(said[1].starts_with("`d.png`: a picture of floats"), "{said:?}");
    }
}
