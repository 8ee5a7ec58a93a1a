//! The photos most like one.

use rayon::prelude::*;

use crate::{UnitRows, cosine};

/// A photo that is like another.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Neighbour {
    /// Its row.
    pub index: usize,
    /// Cosine of the angle between both photos' features: 1 for the same direction.
    pub similarity: f64,
}

/// Returns the `count` rows most like `photo`, the most alike first; of equals, the first. `photo`
/// is a row of length 1.
pub fn nearest(rows: &UnitRows, photo: &[f32], count: usize) -> Vec<Neighbour> {
    let all: Vec<&[f32]> = rows.iter().collect();
    let neighbour =
        |(index, row): (usize, &&[f32])| Neighbour { index, similarity: cosine(photo, row) };
    let mut found: Vec<Neighbour> = all.par_iter().enumerate().map(neighbour).collect();
    // Stable, so equals stay in their order.
    found.sort_by(|a, b| b.similarity.total_cmp(&a.similarity));
    found.truncate(count);
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Features;

    #[test]
    fn the_most_alike_come_first_whatever_their_length() {
        let values = [0.0, 2.0, 3.0, 3.0, 5.0, 0.0, 0.0, 0.0, 0.0, 7.0];
        let rows = UnitRows::of(Features { values: &values, width: 2 });
        let found = nearest(&rows, &[0.0, 1.0], 4);
        let order: Vec<usize> = found.iter().map(|neighbour| neighbour.index).collect();
        assert_eq!(order, [0, 4, 1, 2]);
        assert_eq!((found[0].similarity, found[3].similarity), (1.0, 0.0));
        assert!((found[2].similarity - 0.5_f64.sqrt()).abs() < 1e-7);
    }
}
