//! One of several equal shares of some work.

use std::fmt;
use std::ops::Range;
use std::str::FromStr;

/// One of several equal shares of some work, each for a process of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shard {
    /// From 0.
    index: usize,
    /// Number of shards, at least 1.
    of: usize,
}

/// A text that names no shard.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected I/N with I from 0 to N - 1, such as 0/4")]
pub struct NotAShard;

impl Shard {
    /// The shard with this index, from 0, of so many.
    ///
    /// # Errors
    ///
    /// [`NotAShard`] unless `index < of`.
    pub fn new(index: usize, of: usize) -> Result<Self, NotAShard> {
        if index < of { Ok(Self { index, of }) } else { Err(NotAShard) }
    }

    /// Which shard it is, from 0.
    pub fn index(self) -> usize {
        self.index
    }

    /// Number of shards.
    pub fn of(self) -> usize {
        self.of
    }

    /// Returns the part of `items` things in a row that is this shard's. The parts of all shards,
    /// one after the other, are all of them, and differ in length by at most one.
    pub fn range(self, items: usize) -> Range<usize> {
        // A number of items times a number of shards may be too large for 64 bits.
        let bound = |index: usize| (items as u128 * index as u128 / self.of as u128) as usize;
        bound(self.index)..bound(self.index + 1)
    }
}

impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.index, self.of)
    }
}

impl FromStr for Shard {
    type Err = NotAShard;

    fn from_str(text: &str) -> Result<Self, NotAShard> {
        let (index, of) = text.split_once('/').ok_or(NotAShard)?;
        let number = |text: &str| text.parse().map_err(|_| NotAShard);
        Self::new(number(index)?, number(of)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shard_is_an_index_below_a_number() {
        assert_eq!("3/4".parse(), Shard::new(3, 4));
        assert_eq!(Shard::new(3, 4).unwrap().to_string(), "3/4");
        for wrong in ["4/4", "0/0", "1", "a/4", "-1/4", "1/4/5", ""] {
            assert_eq!(wrong.parse::<Shard>(), Err(NotAShard), "{wrong}");
        }
    }

    proptest::proptest! {
        #[test]
        fn shards_in_a_row_are_everything(items in 0usize..200, of in 1usize..30) {
            let ranges: Vec<_> =
                (0..of).map(|index| Shard::new(index, of).unwrap().range(items)).collect();
            let dealt: Vec<usize> = ranges.iter().cloned().flatten().collect();
            proptest::prop_assert!(dealt.into_iter().eq(0..items));
            let lengths = || ranges.iter().map(ExactSizeIterator::len);
            proptest::prop_assert!(lengths().max().unwrap() - lengths().min().unwrap() <= 1);
        }
    }
}
